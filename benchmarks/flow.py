"""One food order from its POST to its last delivery, through `contradance run` in a process of its own.

    python benchmarks/flow.py [--quick] [--on DIR]

Orders go over loopback HTTP, and everything they lead to is kept at FULL on the disk under DIR. "idle" places one order
at a time, with a pause behind each; "20 clients" place orders one after the other each, as fast as they are answered.
An order's time ends with the end of the last of its eight deliveries, as the journal has it: nobody polls meanwhile.
"""

import argparse
import contextlib
import http.client
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).parents[1]))

from contradance.local.state.journal_table import JournalReader, open_journal
from functions.demo import scenes

ROOT = Path(__file__).parents[1]
CLIENTS = 20
RECORDS = 9
"""A happy order leaves them in the journal: its route's, and one for each delivery."""
PAUSE_SECONDS = 0.1
PATIENCE_SECONDS = 60.0
BODY = json.dumps({**scenes[0].body, "restaurant_id": "canteen"})


class Placed(NamedTuple):
    """One order, as its client saw it."""

    order_id: str
    asked: datetime
    answered: datetime


class Course(NamedTuple):
    """What became of many orders."""

    answers: list[float]
    """Milliseconds from each POST to its answer, shortest first."""
    orders: list[float]
    """Milliseconds from each POST to its last delivery, shortest first."""
    seconds: float
    """From the first POST to the last delivery of all."""


@contextlib.contextmanager
def serving(state: Path) -> Iterator[str]:
    """Run the laptop in another process; the value is where it listens."""
    told = state / "told.txt"
    command = [sys.executable, "-m", "contradance", "run", "--port", "0", "--state", str(state)]
    environment = {**os.environ, "NO_COLOR": "1", "COLUMNS": "200", "PYTHONUNBUFFERED": "1"}
    with told.open("w") as output:
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=output, stderr=subprocess.STDOUT)  # noqa: S603 - ours
    try:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not (found := re.search(r"http://([\d.]+:\d+)", told.read_text())):
            assert process.poll() is None, told.read_text()
            assert time.monotonic() < deadline, "the laptop does not start"
            time.sleep(0.05)
        yield found[1]
    finally:
        process.terminate()
        process.wait(PATIENCE_SECONDS)


def place(address: str, orders: int, pause: float = 0) -> list[Placed]:
    """Place orders one after the other, over one connection."""
    placed = []
    with contextlib.closing(http.client.HTTPConnection(address, timeout=PATIENCE_SECONDS)) as connection:
        for _ in range(orders):
            asked = datetime.now(UTC)
            connection.request("POST", "/orders", BODY, {"Content-Type": "application/json"})
            answer = connection.getresponse()
            body = answer.read()
            assert answer.status == http.client.CREATED, body
            placed.append(Placed(json.loads(body)["order_id"], asked, datetime.now(UTC)))
            time.sleep(pause)
    return placed


def course(journal: JournalReader, placed: Sequence[Placed]) -> Course:
    """Return what became of the orders, when all of them have run their course."""
    ends = [ended(journal, order.order_id) for order in placed]
    return Course(
        sorted(milliseconds(order.answered - order.asked) for order in placed),
        sorted(milliseconds(end - order.asked) for order, end in zip(placed, ends, strict=True)),
        (max(ends) - min(order.asked for order in placed)).total_seconds(),
    )


def ended(journal: JournalReader, order_id: str) -> datetime:
    """Return when the last delivery of an order ended."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while len(records := [one for one in journal.flows(order_id) if one.outcome == "done"]) < RECORDS:
        assert time.monotonic() < deadline, f"an order has made {len(records)} of {RECORDS} steps"
        time.sleep(0.1)
    return max(record.started_at + timedelta(milliseconds=record.duration_ms) for record in records)


def milliseconds(duration: timedelta) -> float:
    """Say a duration in milliseconds."""
    return duration.total_seconds() * 1000


def show(name: str, found: Course) -> None:
    """Print one line."""
    answers, orders = found.answers, found.orders
    print(f"{name:12} {len(orders):>7,}", end="")
    for times in (answers, orders):
        print(f" {statistics.median(times):>12.1f} {times[int(len(times) * 0.99)]:>9.1f}", end="")
    print(f" {len(orders) / found.seconds:>9,.0f}", flush=True)


def of_idle(busy: Sequence[float], idle: Sequence[float]) -> str:
    """Return the ratio of two medians, as text."""
    return f"{statistics.median(busy) / statistics.median(idle):.1f}x"


def main(arguments: Sequence[str]) -> None:
    """Measure an idle laptop, then a busy one."""
    parser = argparse.ArgumentParser(description="The time that an order takes from its POST to its last delivery.")
    parser.add_argument("--quick", action="store_true", help="few orders, for a first look")
    parser.add_argument("--on", type=Path, default=Path(tempfile.gettempdir()), help="a folder on the disk to measure")
    options = parser.parse_args(arguments)
    alone, each = (3, 1) if options.quick else (100, 20)
    print(f"{'':12} {'orders':>7} {'POST median':>12} {'p99 ms':>9} {'all median':>12} {'p99 ms':>9} {'orders/s':>9}")
    with tempfile.TemporaryDirectory(dir=options.on, prefix="contradance-bench-") as folder:
        state = Path(folder)
        with serving(state) as address, open_journal(state) as journal:
            course(journal, place(address, 5))  # what is loaded once is not measured
            idle = course(journal, place(address, alone, PAUSE_SECONDS))
            show("idle", idle)
            with ThreadPoolExecutor(CLIENTS) as clients:
                placed = [
                    order for orders in clients.map(place, [address] * CLIENTS, [each] * CLIENTS) for order in orders
                ]
            busy = course(journal, placed)
            show(f"{CLIENTS} clients", busy)
    print(f"with {CLIENTS} clients, of idle: ", end="")
    print(f"the POST {of_idle(busy.answers, idle.answers)}, all deliveries {of_idle(busy.orders, idle.orders)}")


if __name__ == "__main__":
    main(sys.argv[1:])
