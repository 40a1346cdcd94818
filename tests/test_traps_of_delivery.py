"""The article's traps of at-least-once delivery: each check passes with us, and fails where the trap is put back."""

import sqlite3
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

import pytest

from contradance import Choreography, Contract, Delivery, Registry, Table, subscriber
from contradance.local.clock import VirtualClock
from contradance.local.items import write_item
from contradance.local.laptop import Laptop
from contradance.local.store import SQLiteStore
from contradance.operate.publishing import publish_data
from contradance.runtime.once import OnceKey, OnceRecord
from food_contracts.orders import OrderPlaced
from food_contracts.payments import PaymentFailed, PaymentSuccess
from food_contracts.registry import registry
from functions.choreography import food_delivery
from functions.payments.gateway import connect
from functions.payments.process_payment import process_payment as charge_once
from functions.payments.tables import charges, gateway_key
from tests.durability.world import gateway_lines, gateway_that_remembers
from tests.food import HAPPY, food


class Earned(Contract, source="shop.sales", subject="name"):
    name: str


class Thanked(Contract, source="shop.points", subject="name"):
    name: str


class Wallet(Contract, source="shop.wallets", subject="name"):
    name: str
    points: int


wallets = Table("wallets", key=("name",), model=Wallet, service="points")
thanks = Table("thanks", key=("name",), model=Wallet, service="thanks")


@subscriber(service="points", uses=[wallets.write])
def add_points(earned: Earned) -> Thanked:
    """Count naively: what keeps it right is the machine."""
    wallet = wallets.get(earned.name) or Wallet(name=earned.name, points=0)
    wallets.put(wallet.model_copy(update={"points": wallet.points + 1}))
    return Thanked(name=earned.name)


@subscriber(service="thanks", uses=[thanks.write])
def thank(thanked: Thanked) -> None:
    counted = thanks.get(thanked.name) or Wallet(name=thanked.name, points=0)
    thanks.put(counted.model_copy(update={"points": counted.points + 1}))


shop = Choreography("shop", contracts=Registry("shop", [Earned, Thanked]), functions=[add_points, thank])


def forget_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    """Put the trap back: a store that commits writes and remembers nothing about the delivery."""

    def begin(self: SQLiteStore, key: OnceKey, *_: object) -> OnceRecord:
        return OnceRecord("in_progress", 1)

    def commit(self: SQLiteStore, key: OnceKey, lease: object, writes: list[object], sealed: object, _: object) -> str:
        def change(connection: sqlite3.Connection) -> None:
            for write in writes:
                write_item(connection, write)  # type: ignore[arg-type]

        self._database.write(change)
        return "done" if sealed else "published"

    monkeypatch.setattr(SQLiteStore, "begin", begin)
    monkeypatch.setattr(SQLiteStore, "commit", commit)


def points(laptop: Laptop, table: str) -> list[int]:
    rows = laptop.database.read("SELECT document ->> '$.points' FROM item WHERE table_name = ?", (table,))
    return [int(count) for (count,) in rows]


# T4: a retried payment charges twice.


def check_a_retried_payment_charges_once(choreography: Choreography, state: Path) -> None:
    with gateway_that_remembers(state / "gateway.log"), food(state, choreography) as system:
        order_id = system.order(HAPPY)

        assert system.flow(order_id).dead_letters == 0
    assert len({line.idempotency_key for line in gateway_lines(state / "gateway.log")}) == 1


def with_payments(charge: Callable[[OrderPlaced, Delivery], PaymentSuccess | PaymentFailed]) -> Choreography:
    """Return the food delivery system, paying in another way, and failing just after the first attempt has charged."""

    @subscriber(service="payments", delivery="queue", uses=[charges.write, gateway_key])
    def process_payment(placed: OrderPlaced, delivery: Delivery) -> PaymentSuccess | PaymentFailed:
        answer = charge(placed, delivery)
        if delivery.attempt == 1:
            raise RuntimeError("the process dies when it has charged")
        return answer

    functions = {**food_delivery.functions, process_payment.name: process_payment}
    return Choreography("food-delivery", contracts=registry, functions=list(functions.values()))


def test_a_retried_payment_charges_once(tmp_path: Path) -> None:
    def charge_each_time(placed: OrderPlaced, delivery: Delivery) -> PaymentSuccess | PaymentFailed:
        connect(gateway_key.get()).charge(placed.total, placed.payment_token, str(uuid4()))
        return charge_once(placed, delivery)

    for folder in ("ours", "trap"):
        (tmp_path / folder).mkdir()
    check_a_retried_payment_charges_once(with_payments(charge_once), tmp_path / "ours")

    with pytest.raises(AssertionError):
        check_a_retried_payment_charges_once(with_payments(charge_each_time), tmp_path / "trap")


# T5: retries and duplicates double points and mails.


def check_a_repeated_event_counts_once(state: Path) -> None:
    with Laptop(shop, state, clock=VirtualClock(), variables={}, synchronous="OFF") as laptop:
        sealed = publish_data(shop, Earned, '{"name": "ann"}', laptop.bus, laptop.clock)
        laptop.drain()
        laptop.bus.put_events(Entries=[sealed.entry("shop")] * 3)
        laptop.drain()

        assert points(laptop, "points.wallets") == [1]
        assert points(laptop, "thanks.thanks") == [1]


def test_a_repeated_event_counts_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    check_a_repeated_event_counts_once(tmp_path / "ours")

    forget_everything(monkeypatch)
    with pytest.raises(AssertionError):
        check_a_repeated_event_counts_once(tmp_path / "trap")


# T6: side effect and publish are a dual write.


def check_an_outage_between_write_and_publish_repeats_nothing(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = VirtualClock()
    with Laptop(shop, state, clock=clock, variables={}, synchronous="OFF", publish_at_once=False) as laptop:
        publish_data(shop, Earned, '{"name": "ann"}', laptop.bus, clock)
        put_events, outages = laptop.bus.put_events, [OSError("the bus does not answer")]

        def put_events_after_an_outage(*, Entries: object) -> object:  # noqa: N803 - boto3's name
            if outages:
                raise outages.pop()
            return put_events(Entries=Entries)  # type: ignore[arg-type]

        monkeypatch.setattr(laptop.bus, "put_events", put_events_after_an_outage)
        laptop.drain()

        assert points(laptop, "points.wallets") == [1]
        assert points(laptop, "thanks.thanks") == [1]


def test_an_outage_between_write_and_publish_repeats_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    check_an_outage_between_write_and_publish_repeats_nothing(tmp_path / "ours", monkeypatch)

    forget_everything(monkeypatch)
    with pytest.raises(AssertionError):
        check_an_outage_between_write_and_publish_repeats_nothing(tmp_path / "trap", monkeypatch)
