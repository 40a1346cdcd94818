"""What ten thousand dead letters cost on the laptop: CPU seconds of the process that answers and of the command.

The ratio is to a command that does nothing.

    python benchmarks/dead_letters.py [--quick] [--count 10000]
"""

import argparse
import json
import os
import re
import resource
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

sys.path.insert(0, str(Path(__file__).parents[1]))

from contradance.catalog.sample import sample
from contradance.envelope import seal
from contradance.local.clock import RealClock
from contradance.local.dead_letter_queues import keep
from contradance.local.events.entry import envelope
from contradance.local.events.pending_delivery import PendingDelivery
from contradance.local.invocation.record import failure_record
from contradance.local.laptop import Laptop
from food_contracts.restaurants import RestaurantConfirmedOrder
from functions.choreography import food_delivery

FUNCTION = "loyalty.add_loyalty_points"
ROOT = Path(__file__).parents[1]
CAUSES = 10
"""Different errors among the dead letters."""


def fill(state: Path, count: int) -> None:
    """Put dead letters of one function into a laptop's state, each with an event of its own."""
    event = sample(RestaurantConfirmedOrder)
    now = datetime.now(UTC)
    with Laptop(food_delivery, state, clock=RealClock(), variables={}, synchronous="OFF") as laptop:
        messages = []
        for number in range(count):
            sealed = seal(
                event, event_id=str(uuid4()), occurred_at=now, correlation_id=str(uuid4()), publisher="bench.bench"
            )
            text = json.dumps(envelope(sealed.entry(laptop.bus.name), now))
            at = now.timestamp()
            pending = PendingDelivery(str(uuid4()), FUNCTION, 3, at, at, None, text)
            error = ZeroDivisionError(f"cause {number % CAUSES} of event {sealed.event_id}")
            messages.append(failure_record(pending, now, "RetriesExhausted", error))
        laptop.database.write(lambda connection: [keep(connection, FUNCTION, message) for message in messages])


def cpu_seconds(pid: int) -> float:
    """Return the CPU seconds that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def measured(name: str, pid: int, act: Callable[[], str], floor: float = 0.0) -> float:
    """Print and return the CPU seconds of the server and of child processes while `act` runs."""
    server, own = cpu_seconds(pid), resource.getrusage(resource.RUSAGE_CHILDREN)
    found = act()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    used = cpu_seconds(pid) - server
    command = (after.ru_utime + after.ru_stime) - (own.ru_utime + own.ru_stime)
    ratio = (used + command) / (floor or used + command)
    print(f"{name:26} server {used:7.2f}  command {command:6.2f}  {ratio:6.2f}x  {found}")
    return used + command


def page(url: str, path: str) -> str:
    """Load a page of the console; return what it counts."""
    with urllib.request.urlopen(f"{url}/_contradance/{path}", timeout=3600) as answer:  # noqa: S310 - loopback
        text = answer.read().decode()
    found = re.search(r"<p>([\d,]+ (?:events|dead letters))", text)
    return f"{found[1] if found else 'nothing counted'}, {len(text):,} characters"


def command(state: Path, url: str, *words: str) -> str:
    """Run a command; return its last lines."""
    options = ["--state", str(state), "--port", url.rpartition(":")[2]]
    done = subprocess.run(  # noqa: S603 - ourselves
        [sys.executable, "-m", "contradance", *words, *options],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    lines = [line for line in done.stdout.splitlines() if re.search(r"\d+ (dead letter|would|redriven)", line)]
    return "; ".join(lines) or done.stderr[-200:]


def receive_all(url: str) -> str:
    """Receive every message over SQS's protocol, ten at a time."""
    queue = f"{url}/000000000000/{FUNCTION.replace('.', '-')}-dead-letters"
    count = 0
    while True:
        body = {"QueueUrl": queue, "MaxNumberOfMessages": 10, "VisibilityTimeout": 3600}
        request = urllib.request.Request(  # noqa: S310 - loopback
            f"{url}/", json.dumps(body).encode(), {"x-amz-target": "AmazonSQS.ReceiveMessage"}
        )
        with urllib.request.urlopen(request, timeout=600) as answer:  # noqa: S310 - loopback
            found = len(json.load(answer).get("Messages", ()))
        if not found:
            return f"{count} received"
        count += found


def main() -> None:
    """Fill a state, serve it, and measure."""
    options = argparse.ArgumentParser()
    options.add_argument("--quick", action="store_true")
    options.add_argument("--count", type=int, default=10_000)
    given = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        state = Path(folder)
        fill(state, 60 if given.quick else given.count)
        process = subprocess.Popen(  # noqa: S603 - ourselves
            [sys.executable, "-m", "contradance", "run", "--state", str(state), "--port", "0"],
            cwd=ROOT, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        try:
            assert process.stdout is not None
            found = re.search(r"http://127\.0\.0\.1:\d+", process.stdout.readline())
            assert found
            url = found[0]
            page(url, "contracts")
            acts = {
                "console, every function": lambda: page(url, "dead-letters"),
                "console, one function": lambda: page(url, f"dead-letters/{FUNCTION}"),
                "dlq list": lambda: command(state, url, "dlq", "list"),
                "dlq redrive, dry run": lambda: command(state, url, "dlq", "redrive"),
                "SQS, all received": lambda: receive_all(url),
            }
            floor = measured("a command that does nothing", process.pid, lambda: command(state, url, "list") and "")
            for name, act in acts.items():
                measured(name, process.pid, act, floor)
        finally:
            process.terminate()
            process.wait()


if __name__ == "__main__":
    main()
