"""What holds when the disk is full, another process is there, a handler is late, or more comes than fits."""

import stat
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from contradance import Choreography, Contract, Delivery, Registry, Table, subscriber
from contradance.errors import LaptopError
from contradance.local.clock import RealClock, VirtualClock
from contradance.local.invocation.worker_queue import MAX_QUEUED
from contradance.local.laptop import Laptop
from contradance.local.state.schema import SCHEMA_VERSION
from tests.food import HAPPY, food
from tests.local.desk import Desk, ask, journaled, opened, wait_until
from tests.patience import LONG

PAGES = "PRAGMA max_page_count"


class Noted(Contract, source="shop.desk", subject="item"):
    item: str
    by: int = 0


notes = Table("notes", key=("item",), model=Noted, service="desk")


def test_a_full_disk_is_said_and_nothing_is_lost_or_half_written(tmp_path: Path) -> None:
    with food(tmp_path) as system:
        first = system.order(HAPPY)
        writer = system.laptop.database._writer
        (pages,) = writer.execute("PRAGMA page_count").fetchone()
        writer.execute(f"{PAGES} = {pages}")

        refused = [system.ask("POST", "/orders", HAPPY) for _ in range(20)]
        writer.execute(f"{PAGES} = 1000000")
        again = system.order(HAPPY)

        kept = {order["order_id"] for order in system.show("/orders")["orders"]}
        system.laptop.drain()
    statuses = {status for status, _ in refused}
    answered = {answer["order_id"] for status, answer in refused if status == 201}
    assert 503 in statuses <= {201, 503}
    assert all("full" in answer["message"] for status, answer in refused if status == 503)
    assert kept == {first, again} | answered


def test_the_state_belongs_to_one_process_at_a_time(tmp_path: Path) -> None:
    with food(tmp_path), pytest.raises(LaptopError, match="another process runs on the state"), food(tmp_path):
        pass

    with food(tmp_path) as system:
        assert system.show("/orders")["orders"] == []


def test_a_refused_state_is_left_as_it_was(tmp_path: Path) -> None:
    with food(tmp_path) as system:
        system.laptop.database._writer.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")

    for _ in range(2):
        with pytest.raises(LaptopError, match=f"has schema version {SCHEMA_VERSION + 1}"), food(tmp_path):
            pass


def test_only_its_owner_can_read_the_state(tmp_path: Path) -> None:
    with food(tmp_path) as system:
        system.order(HAPPY)

        modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.glob("bus.sqlite3*")}

    assert set(modes.values()) == {0o600}, modes


def test_what_a_handler_writes_after_its_timeout_is_refused(tmp_path: Path) -> None:
    release, ended = threading.Event(), threading.Event()

    @subscriber(service="desk", uses=[notes.write], timeout=timedelta(seconds=1))
    def note(noted: Noted, delivery: Delivery) -> None:
        if delivery.attempt == 1:
            release.wait(LONG)
        notes.put(Noted(item=noted.item, by=delivery.attempt))
        if delivery.attempt == 1:
            ended.set()

    choreography = Choreography("shop", contracts=Registry("shop", [Noted]), functions=[note])
    with Laptop(choreography, tmp_path, clock=RealClock(600), variables={}, synchronous="OFF") as laptop:
        laptop.start()
        detail = '{"metadata":{"event_id":"1","version":1,"occurred_at":"2026-01-01T00:00:00Z","subject":"a",'
        detail += '"correlation_id":"1","publisher":"shop.test"},"data":{"item":"a"}}'
        laptop.bus.put_events(Entries=[{"Source": "shop.desk", "DetailType": "Noted", "Detail": detail}])
        wait_until(lambda: [record.outcome for record in laptop.journal.flows("1")] == ["failed", "done"])

        release.set()
        assert ended.wait(LONG)
        laptop.close()

    with Laptop(choreography, tmp_path, clock=VirtualClock(), variables={}, synchronous="OFF") as laptop:
        (document,) = laptop.database.read("SELECT document FROM item")[0]
        assert Noted.model_validate_json(document).by == 2
        assert [record.outcome for record in laptop.journal.flows("1")] == ["failed", "done"]


def test_what_does_not_fit_on_a_desk_waits_on_disk(tmp_path: Path) -> None:
    queue, release = Desk(), threading.Event()

    def wait(item: str, attempt: int) -> None:
        release.wait(LONG)

    clerk = queue.clerk(does=wait)
    many = 3 * MAX_QUEUED
    with opened(tmp_path, clerk, clock=RealClock(1), started=True) as laptop:
        for number in range(many):
            ask(laptop, str(number))

        in_memory = max(len(one.ready) for one in laptop._runner._workers._queues.values())
        release.set()
        wait_until(lambda: len(queue.items()) == many)

    assert in_memory <= MAX_QUEUED
    assert sorted(queue.items(), key=int) == [str(number) for number in range(many)]


def test_thousands_of_waiting_retries_cost_an_alarm_each_function(tmp_path: Path) -> None:
    queue = Desk()
    clerk = queue.clerk()
    with opened(tmp_path, clerk, queue.bystander(), clock=VirtualClock()) as laptop:
        ask(laptop, *(str(number) for number in range(2_000)))
        soon = (datetime.now(UTC) + timedelta(minutes=10)).timestamp()
        laptop.database.write(
            lambda connection: connection.execute("UPDATE delivery SET due = ?, attempt = 2", (soon,))
        )

    with opened(tmp_path, clerk, queue.bystander(), clock=RealClock(1), started=True) as laptop:
        ask(laptop, "now")
        wait_until(lambda: queue.items() == ["now"] and len(journaled(laptop, "now")) == 1)
        workers = laptop._runner._workers

        assert len(workers._alarms) <= len(workers._queues)
        assert all(len(one.reserved) <= 1 for one in workers._queues.values())
