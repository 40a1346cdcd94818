"""Events a second through the laptop's bus: accepted on disk, matched, handled, committed, finished.

    python benchmarks/bus.py [--quick] [--without-moto] [--on DIR]

"drain" delivers in one thread, as tests do; "run" delivers in threads while one publisher publishes, as `contradance run`
does. Every rule filters on another value of one field, and every event matches one rule. An event is accepted in one
transaction (with 10 entries a call: ten events in one), and its handling is committed in another.

"bare SQLite" is the floor: one plain loop, in one thread, over the same tables, that writes the same rows by the same
statements in the same transactions, all accepted before any is handled, and reads, matches, parses and validates nothing;
its rows are made beforehand.
"fdatasync" is how often the disk under DIR confirms one page; at FULL an event needs two, unless commits are shared.
moto's `put_events` goes to one SQS queue in this process; it keeps nothing on disk and handles nothing.
"""

import argparse
import contextlib
import json
import os
import sqlite3
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal
from uuid import uuid4

sys.path.insert(0, str(Path(__file__).parents[1]))

from contradance import Choreography, Contract, Registry, subscriber
from contradance.choreography import AnyFunction
from contradance.envelope import seal
from contradance.local.clock import RealClock, VirtualClock
from contradance.local.events.pending_delivery import PendingDelivery
from contradance.local.laptop import Laptop
from contradance.local.state.database import Database

Synchronous = Literal["NORMAL", "FULL"]
RULES = [1, 1_000]
QUICK_RULES = [1, 10]
ENTRIES = [1, 10]
MOMENT = datetime(2026, 1, 31, 18, 0, tzinfo=UTC)
PADDING = "x" * 400
"""Brings an event to about 1 KB in its envelope."""
PATIENCE_SECONDS = 60.0


class Asked(Contract, source="shop.desk", subject="item"):
    """Somebody asked for an item."""

    item: str
    clerk: str
    note: str


def clerk(number: int) -> AnyFunction:
    """Return a function whose rule matches the events for one clerk."""

    def handler(asked: Asked) -> None:
        """Do nothing: what is measured is the bus."""

    handler.__name__ = f"clerk_{number}"
    return subscriber(service="clerk", where={"clerk": [str(number)]})(handler)


def shop(rules: int) -> Choreography:
    """Return a choreography of that many rules."""
    return Choreography("shop", contracts=Registry("shop", [Asked]), functions=[clerk(i) for i in range(rules)])


def entries(count: int, rules: int) -> list[dict[str, str]]:
    """Return PutEvents entries that go to each rule in turn."""
    return [
        seal(
            Asked(item=str(i), clerk=str(i % rules), note=PADDING),
            event_id=str(uuid4()),
            occurred_at=MOMENT,
            correlation_id=str(uuid4()),
            publisher="desk.ask",
        ).entry("shop")
        for i in range(count)
    ]


def put(laptop: Laptop, published: Sequence[dict[str, str]], at_once: int) -> None:
    """Publish, `at_once` entries in a call."""
    for first in range(0, len(published), at_once):
        answer = laptop.bus.put_events(Entries=published[first : first + at_once])
        assert answer["FailedEntryCount"] == 0


class Settled:
    """Counts the deliveries that were made, each once: one that is made again is found to be a duplicate."""

    def __init__(self) -> None:
        self._ids: set[str] = set()
        self._changed = threading.Condition()

    def __call__(self, pending: PendingDelivery) -> None:
        """Count one."""
        with self._changed:
            self._ids.add(pending.id)
            self._changed.notify()

    def wait_for(self, deliveries: int) -> None:
        """Return when that many were made."""
        with self._changed:
            assert self._changed.wait_for(lambda: len(self._ids) >= deliveries, PATIENCE_SECONDS), "the bus is stuck"


def drained(choreography: Choreography, state: Path, synchronous: Synchronous, events: int, at_once: int) -> float:
    """Return the events a second of a laptop that accepts all, and then delivers all in one thread."""
    published = entries(events, len(choreography.functions))
    with Laptop(choreography, state, clock=VirtualClock(), variables={}, synchronous=synchronous) as laptop:
        start = time.perf_counter()
        put(laptop, published, at_once)
        laptop.drain()
        laptop.deliveries.flush()
        taken = time.perf_counter() - start
        check(laptop.database, events)
    return events / taken


def run(choreography: Choreography, state: Path, synchronous: Synchronous, events: int, at_once: int) -> float:
    """Return the events a second of a laptop that delivers in threads while it accepts."""
    rules = len(choreography.functions)
    warm, published = entries(max(rules, min(events, 100)), rules), entries(events, rules)
    settled = Settled()
    clock = RealClock()
    with Laptop(
        choreography, state, clock=clock, variables={}, synchronous=synchronous, when_settled=settled
    ) as laptop:
        laptop.start()
        put(laptop, warm, at_once)
        settled.wait_for(len(warm))
        start = time.perf_counter()
        put(laptop, published, at_once)
        settled.wait_for(len(warm) + events)
        laptop.deliveries.flush()
        taken = time.perf_counter() - start
        check(laptop.database, len(warm) + events)
    return events / taken


def check(database: Database, events: int) -> None:
    """Make sure that everything was handled, and nothing is left."""
    handled = database.read("SELECT count(*) FROM once WHERE state = 'published'")[0][0]
    left = database.read("SELECT count(*) FROM delivery")[0][0]
    assert (handled, left) == (events, 0), f"{handled} of {events} events handled, {left} deliveries left"


def bare(state: Path, synchronous: Synchronous, events: int, at_once: int) -> float:
    """Return the events a second of SQLite alone, writing what a laptop left in `state`, in another file."""
    with contextlib.closing(sqlite3.connect(state / "bus.sqlite3")) as found:
        schema = [sql for (sql,) in found.execute("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY rowid")]
        rows = {
            table: found.execute(f"SELECT * FROM {table} ORDER BY rowid DESC LIMIT {events}").fetchall()  # noqa: S608 - constants
            for table in ("event", "journal")
        }
        columns = "function, source, once.event_id, state, attempt, expires, sealed, published, answer"
        query = f"SELECT {columns} FROM event JOIN once USING (event_id) ORDER BY id DESC LIMIT {events}"  # noqa: S608 - constants
        rows["once"] = found.execute(query).fetchall()
    rows["delivery"] = [
        (str(uuid4()), once[0], event[0], event[4], event[3], event[3], 1)
        for event, once in zip(rows["event"], rows["once"], strict=True)
    ]
    with contextlib.closing(sqlite3.connect(state / "bare.sqlite3", isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute(f"PRAGMA synchronous = {synchronous}")
        for statement in schema:
            connection.execute(statement)
        start = time.perf_counter()
        for first in range(0, events, at_once):
            these = slice(first, first + at_once)
            _accept(connection, rows["event"][these], rows["delivery"][these])
        for delivery, once, record in zip(rows["delivery"], rows["once"], rows["journal"], strict=True):
            _handle(connection, delivery[0], once, record)
        return events / (time.perf_counter() - start)


def _accept(connection: sqlite3.Connection, events: Sequence[Any], deliveries: Sequence[Any]) -> None:
    connection.execute("BEGIN IMMEDIATE")
    for event, delivery in zip(events, deliveries, strict=True):
        connection.execute("INSERT INTO event VALUES (?, ?, ?, ?, ?, ?, ?, ?)", event)
        connection.execute("INSERT INTO delivery VALUES (?, ?, ?, ?, ?, ?, ?)", delivery)
    connection.execute("COMMIT")


def _handle(connection: sqlite3.Connection, delivery: str, once: Sequence[Any], record: Sequence[Any]) -> None:
    connection.execute("BEGIN IMMEDIATE")
    connection.execute("INSERT INTO once VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", once)
    connection.execute("INSERT INTO journal VALUES (?, ?, ?, ?, ?, ?, ?)", record)
    connection.execute("DELETE FROM delivery WHERE id = ?", (delivery,))
    connection.execute("COMMIT")


def syncs_a_second(folder: Path, seconds: float) -> float:
    """Return how often the disk confirms one page, written over and over as a write-ahead log is."""
    file = os.open(folder / "page", os.O_CREAT | os.O_WRONLY)
    try:
        pages = 1_000
        os.write(file, bytes(4096 * pages))
        os.fsync(file)
        done, start = 0, time.perf_counter()
        while time.perf_counter() - start < seconds:
            os.pwrite(file, bytes(4096), 4096 * (done % pages))
            os.fdatasync(file)
            done += 1
        return done / (time.perf_counter() - start)
    finally:
        os.close(file)


def moto_events_a_second(rules: int, events: int) -> float:
    """Return the events a second that moto's `put_events` matches and puts on a queue, one entry in a call."""
    boto3, mock_aws = import_module("boto3"), import_module("moto").mock_aws
    credentials = {"aws_access_key_id": "none", "aws_secret_access_key": "none", "region_name": "us-east-1"}
    published = [entry | {"EventBusName": "default"} for entry in entries(events, rules)]
    with mock_aws():
        session = boto3.Session(**credentials)
        bus, queues = session.client("events"), session.client("sqs")
        url = queues.create_queue(QueueName="clerks")["QueueUrl"]
        arn = queues.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        for function in shop(rules).functions.values():
            rule = function.name.replace(".", "-")
            bus.put_rule(Name=rule, EventPattern=function.trigger.pattern.canonical)
            bus.put_targets(Rule=rule, Targets=[{"Id": "queue", "Arn": arn}])
        start = time.perf_counter()
        for entry in published:
            bus.put_events(Entries=[entry])
        taken = time.perf_counter() - start
        counted = queues.get_queue_attributes(QueueUrl=url, AttributeNames=["ApproximateNumberOfMessages"])
        assert int(counted["Attributes"]["ApproximateNumberOfMessages"]) == events
    return events / taken


@contextlib.contextmanager
def folder(on: Path) -> Iterator[Path]:
    """Make a folder for the time of one measurement."""
    with tempfile.TemporaryDirectory(dir=on, prefix="contradance-bench-") as state:
        yield Path(state)


def measure(
    synchronous: Synchronous, at_once: int, on: Path, numbers: Sequence[int], *, events: int, rounds: int
) -> dict[str, float]:
    """Return the best of each contestant's rounds; they take turns."""
    best: dict[str, float] = {}
    for _ in range(rounds):
        for rules in numbers:
            choreography = shop(rules)
            ways: dict[str, Callable[..., float]] = {"drain": drained, "run": run}
            for way, speed in ways.items():
                with folder(on) as state:
                    name = f"{way}, {rules:,} rule{'s' if rules > 1 else ''}"
                    best[name] = max(best.get(name, 0), speed(choreography, state, synchronous, events, at_once))
                    if way == "drain" and rules == 1:
                        best["bare SQLite"] = max(best.get("bare SQLite", 0), bare(state, synchronous, events, at_once))
    return best


def main(arguments: Sequence[str]) -> None:
    """Measure every setting."""
    parser = argparse.ArgumentParser(description="Events a second through the laptop's bus.")
    parser.add_argument("--quick", action="store_true", help="few events, for a first look")
    parser.add_argument("--without-moto", action="store_true", help="leave moto out")
    parser.add_argument("--on", type=Path, default=Path(tempfile.gettempdir()), help="a folder on the disk to measure")
    options = parser.parse_args(arguments)
    numbers, events, rounds = (QUICK_RULES, 20, 1) if options.quick else (RULES, 2_000, 3)
    print(f"an event of {len(json.dumps(entries(1, 1)[0]))} bytes; {events:,} events, best of {rounds}")
    moto: dict[int, float] = {}
    if not options.without_moto and find_spec("jsonpath_ng") is None:
        print("moto is left out: its event bus needs `pip install 'moto[events]'`")
    elif not options.without_moto:
        moto = {rules: moto_events_a_second(rules, 20 if options.quick or rules > 1 else 200) for rules in numbers}
    with folder(options.on) as state:
        print(f"fdatasync {syncs_a_second(state, 0.05 if options.quick else 1):,.0f} a second", end="")
    print("".join(f"; moto with {rules:,} rules {speed:,.0f} events a second" for rules, speed in moto.items()))
    for synchronous in ("NORMAL", "FULL"):
        for at_once in ENTRIES:
            best = measure(synchronous, at_once, options.on, numbers, events=events, rounds=rounds)
            print(
                f"{synchronous + ', ' + str(at_once) + ' a call':22} {'events/s':>9} {'of bare':>8} {'cost of 1 rule':>15}",
                end="",
            )
            print(f"{'times moto':>12}" if moto else "")
            for name, speed in best.items():
                way, _, rules = name.partition(", ")
                print(f"  {name:20} {speed:>9,.0f} {speed / best['bare SQLite']:>8.2f}", end="")
                print(f" {best[way + ', 1 rule'] / speed:>15.2f}" if rules else "", end="")
                print(
                    f"{speed / moto[int(rules.split()[0].replace(',', ''))]:>11,.0f}x" if rules and moto else "",
                    flush=True,
                )


if __name__ == "__main__":
    main(sys.argv[1:])
