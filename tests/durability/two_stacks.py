"""Two stacks on one bus, on laptop stores: the old one owns bus and archive, the new one has payments.

A laptop has no second stack, so this is the bus between the two: it passes each event to the rules of the other stack,
sometimes twice, and replays the old stack's archive to them. One virtual clock is the time of both.
"""

import json
import warnings
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any, Final

import pytest

from contradance import Choreography
from contradance.choreography import AnyFunction
from contradance.errors import UnconsumedEvent
from contradance.local.clock import VirtualClock
from contradance.local.laptop import Laptop
from contradance.operate.copying import Counts, RowChange, RowKey
from contradance.operate.move import MovedRows, MovePlan, copy
from contradance.operate.replay import ARCHIVE_LAG
from food_contracts.registry import registry
from food_contracts.values import Money
from functions.choreography import food_delivery
from functions.demo import scenes
from functions.notifications.mail import Mailbox
from functions.notifications.tables import Mail
from functions.payments.gateway import Approved, Declined, GatewayOutage, PretendGateway
from tests.operate.rows import Killed, LaptopRows

PAYMENTS: Final = tuple(name for name in food_delivery.functions if name.startswith("payments."))
_LARGE: Final = "canteen"
"""A restaurant whose kitchen is never full."""
_OUTAGES: Final = 0.4
"""Share of the charges and mails whose first try fails."""
_UNANSWERED: Final = 0.1
"""Share of the events whose first publishing fails."""
_TWICE: Final = 0.05
"""Share of the events that the bus delivers twice."""
PLAN: Final = MovePlan(
    "payments",
    PAYMENTS,
    PAYMENTS,
    (
        MovedRows("table payments.charges", "payments.charges", "payments.charges", is_once=False),
        MovedRows("once-records", "once", "once", is_once=True),
    ),
)


@contextmanager
def outages(random: Random) -> Iterator[None]:
    """Let the gateway and the mailer fail at the first try, now and then, so that retries are on their way at any time."""
    charge, send = PretendGateway.charge, Mailbox.send
    failed: set[str] = set()

    def fails(key: str) -> bool:
        first = key not in failed
        failed.add(key)
        return first and random.random() < _OUTAGES

    def charged(self: PretendGateway, total: Money, token: str, idempotency_key: str) -> Approved | Declined:
        if fails(idempotency_key):
            raise GatewayOutage("the payment gateway does not answer")
        return charge(self, total, token, idempotency_key)

    def sent(self: Mailbox, mail: Mail) -> None:
        if fails(mail.mail_id):
            raise OSError("the mail server does not answer")
        send(self, mail)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(PretendGateway, "charge", charged)
        patch.setattr(Mailbox, "send", sent)
        yield


def system(functions: Iterable[AnyFunction]) -> Choreography:
    """Return a food delivery system with these functions; another stack consumes what none of them does."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UnconsumedEvent)
        return Choreography(food_delivery.name, contracts=registry, functions=[*functions])


class TwoStacks:
    """The old stack, the new one once it is created, and the orders that clients place meanwhile."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.clock = VirtualClock()
        self.random = Random(seed)
        self.orders: dict[str, str] = {}
        """The title of the scene that each order plays, by the order's id."""
        self._folder = folder
        self._is_flaky = False
        self._failed: set[str] = set()
        self.old = self._open("prod", food_delivery)
        self.new: Laptop | None = None
        self._passed = 0
        self._returned = 0

    def _open(self, name: str, choreography: Choreography) -> Laptop:
        """Open a stack whose bus now and then does not answer: the event is then committed, and not published."""
        laptop = Laptop(
            choreography,
            self._folder / name,
            clock=self.clock,
            variables={},
            synchronous="OFF",
            seed=self.random.randrange(1000),
            kept=None,
            publish_at_once=False,
        )
        publish = laptop.bus.put_events

        def put_events(*, Entries: Any) -> dict[str, Any]:  # noqa: N803 - boto3's name
            """Fail once for some of the events that subscribers publish."""
            (key,) = {entry["Detail"] for entry in Entries[:1]}
            if self._is_flaky and key not in self._failed and self.random.random() < _UNANSWERED:
                self._failed.add(key)
                raise OSError("the bus does not answer")
            return publish(Entries=Entries)

        laptop.bus.put_events = put_events  # type: ignore[method-assign]
        return laptop

    def close(self) -> None:
        self.old.close()
        if self.new:
            self.new.close()

    def place(self, count: int) -> None:
        """Place orders: about half are delivered, a quarter is refused by the restaurant, and a quarter is declined."""
        for _ in range(count):
            scene = self.random.choice((scenes[0], *scenes[:3]))
            body = {**scene.body, **({"restaurant_id": _LARGE} if scene is not scenes[1] else {})}
            answer = self.old.request("POST", "/orders", json.dumps(body))
            assert answer.status == 201, answer
            self.orders[json.loads(answer.body)["order_id"]] = scene.title

    def deploy(self, choreography: Choreography) -> None:
        """Update the old stack's code while events are on their way."""
        self.old.close()
        self.old = self._open("prod", choreography)

    def create_paused(self) -> None:
        """Create the new stack with its rules disabled."""
        self.new = self._open("payments", system(food_delivery.functions[name] for name in PAYMENTS))
        self.pause(self.new, PAYMENTS)

    def pause(self, laptop: Laptop, functions: Collection[str]) -> None:
        """Disable the rules of functions; what is on its way to them is handled."""
        laptop.only({*laptop.choreography.functions} - {*functions})

    def enable(self) -> None:
        """Enable the new stack's rules."""
        assert self.new
        self.new.only(PAYMENTS)

    def run(self, duration: timedelta | None = None) -> None:
        """Deliver in both stacks until nothing is pending; with a duration, only what is due in that time."""
        going_on = True
        while going_on:
            self._is_flaky = True
            for laptop in filter(None, (self.old, self.new)):
                if duration is None:
                    laptop.drain()
                else:
                    laptop.advance(duration)
            self._is_flaky = False
            going_on = self._pass_on()

    def _pass_on(self) -> bool:
        """Pass new events to the rules of the other stack; return whether there were any."""
        if self.new is None:
            self._passed = self._last(self.old)
            return False
        there = [json.loads(text) for text in self._since(self.old, self._passed)]
        back = [json.loads(text) for text in self._since(self.new, self._returned)]
        self._passed, self._returned = self._last(self.old), self._last(self.new)
        self._deliver(there + [event for event in there if self.random.random() < _TWICE], None)
        for event in back:
            entry = {
                "Source": event["source"],
                "DetailType": event["detail-type"],
                "Detail": json.dumps(event["detail"]),
            }
            assert self.old.bus.put_events(Entries=[entry])["FailedEntryCount"] == 0
        return bool(back) or bool(there)

    def _deliver(self, events: list[dict[str, Any]], functions: Collection[str] | None) -> None:
        """Deliver events to the new stack's enabled rules, in a random order."""
        assert self.new
        self.random.shuffle(events)
        accepted = self.new.bus.accept_replayed(events, functions)
        self.new.database.write(accepted.store)

    def replay(self, function: str, first: datetime) -> int:
        """Replay the old stack's archive from `first` on to one rule of the new stack; return the number of events."""
        name = {"replay-name": f"replay.{function}"}
        self.old.database.flush()
        rows = self.old.database.read(
            "SELECT envelope FROM event WHERE archived = 1 AND time >= ? AND accepted <= ?",
            (first.timestamp(), (self.clock.now() - ARCHIVE_LAG).timestamp()),
        )
        self._deliver([json.loads(text) | name for (text,) in rows], {function})
        return len(rows)

    def copy(self, *, dry_run: bool = False, kill_after: int | None = None) -> dict[str, Counts]:
        """Run `contradance move` on the stores of both stacks; with `kill_after`, it is killed after so many writes."""
        assert self.new
        new = self.new.database

        def rows(moved: MovedRows) -> tuple[LaptopRows, LaptopRows]:
            table = None if moved.is_once else moved.source
            return LaptopRows(self.old.database, table, PAYMENTS), MortalRows(new, table, PAYMENTS, kill_after)

        with suppress(Killed):
            return {moved.what: counts for moved, counts in copy(PLAN, rows, dry_run=dry_run)}
        return {}

    def pending(self, laptop: Laptop, functions: Collection[str] = PAYMENTS) -> int:
        """Return how many deliveries to functions wait in a stack, their dead letters and unpublished records included."""
        laptop.database.flush()
        among = "function IN (SELECT value FROM json_each(?))"
        queries = (
            f"SELECT count(*) FROM delivery WHERE {among}",  # noqa: S608 - a constant
            f"SELECT count(*) FROM dead_letter WHERE {among}",  # noqa: S608 - the same
            f"SELECT count(*) FROM once WHERE state != 'published' AND {among}",  # noqa: S608 - the same
        )
        return sum(int(laptop.database.read(query, (json.dumps([*functions]),))[0][0]) for query in queries)

    @staticmethod
    def _since(laptop: Laptop, last: int) -> list[str]:
        laptop.database.flush()
        query = "SELECT envelope FROM event WHERE archived = 1 AND id > ? ORDER BY id"
        return [text for (text,) in laptop.database.read(query, (last,))]

    @staticmethod
    def _last(laptop: Laptop) -> int:
        return int(laptop.database.read("SELECT coalesce(max(id), 0) FROM event")[0][0])


class MortalRows(LaptopRows):
    """The new stack's rows; after so many writes the process that copies is killed."""

    def __init__(self, database: Any, table: str | None, functions: tuple[str, ...], kill_after: int | None) -> None:
        super().__init__(database, table, functions)
        self._left = kill_after

    def write(self, changes: Any) -> frozenset[RowKey]:
        if self._left is None:
            return super().write(changes)
        some: list[RowChange] = [*changes][: self._left]
        super().write(some)
        raise Killed
