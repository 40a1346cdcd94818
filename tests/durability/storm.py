"""A storm: mixed orders from many clients over functions that raise, hang, exit and kill, while the laptop is killed too.

Run it as a program: `python -m tests.durability.storm ORDERS CLIENTS KILLS [SEED]`.
"""

import http.client
import json
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Final

from contradance.errors import LaptopError
from contradance.local.system.client import LaptopClient
from tests.durability.soak import GIVE_UP_SECONDS, ROOT, free_port
from tests.durability.storm_check import check
from tests.durability.storm_shop import INNOCENT, MISHAPS, ROUTE_MISHAPS
from tests.forking import close_servers, programs

PATIENCE: Final = 5 * GIVE_UP_SECONDS
LOOK_SECONDS: Final = 0.2
_RARE: Final = ("kill", "hang", "kill once")
"""Mishaps that end a process three times, or hold a thread for ever: each is given to a few orders only."""


class Supervisor:
    """Keeps a laptop running that kills itself, and kills it."""

    def __init__(self, state: Path) -> None:
        self.state, self.port = state, free_port()
        self._stopping = threading.Event()
        self._process = self._start()
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def _start(self) -> "subprocess.Popen[bytes]":
        with (self.state / "terminal.log").open("ab") as log:
            command: list[str | Path] = [
                programs.python,
                "-m",
                "tests.durability.storm_shop",
                self.state,
                str(self.port),
            ]
            return subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log)

    def _watch(self) -> None:
        """Start the laptop again whenever it has ended."""
        while not self._stopping.wait(0.05):
            if self._process.poll() is not None:
                self._process = self._start()

    def kill(self) -> None:
        """Kill the process in the middle of whatever it does."""
        self._process.kill()

    def stop(self) -> None:
        """Stop it as an operator does."""
        self._stopping.set()
        self._thread.join()
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            self._process.wait(GIVE_UP_SECONDS)

    def end(self) -> None:
        """Leave nothing running."""
        self._stopping.set()
        self._thread.join()
        self._process.kill()
        self._process.wait()


@contextmanager
def supervised(state: Path) -> Iterator[Supervisor]:
    """Start a supervised laptop, and leave nothing running."""
    laptop = Supervisor(state)
    try:
        yield laptop
    finally:
        laptop.end()


def mishaps(orders: int, random: Random) -> dict[str, str]:
    """Return each order with its mishap: half of them have none, and each mishap is there."""
    both = [*MISHAPS, *(f"ship: {mishap}" for mishap in MISHAPS if mishap != "raise until redriven")]
    frequent = [one for one in both if one.removeprefix("ship: ") not in _RARE]
    rare = [one for one in both if one not in frequent] * max(orders // 250, 1)
    others = [*ROUTE_MISHAPS, *rare]
    mixed = others + [frequent[n % len(frequent)] for n in range(max(orders // 2 - len(others), len(frequent)))]
    mixed += list(INNOCENT) * (orders - len(mixed))
    random.shuffle(mixed)
    return {f"order-{number}": mishap for number, mishap in enumerate(mixed)}


def place(laptop: Supervisor, order: str, mishap: str) -> None:
    """Place one order as a stubborn client does: again, with the same Idempotency-Key, until it is answered."""
    body = json.dumps({"order": order, "mishap": mishap})
    headers = {"Idempotency-Key": order, "content-type": "application/json"}
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        connection = http.client.HTTPConnection("127.0.0.1", laptop.port, timeout=40)
        with suppress(OSError, http.client.HTTPException), closing(connection):
            connection.request("POST", "/orders", body, headers)
            if connection.getresponse().status == http.HTTPStatus.CREATED:
                return
        time.sleep(0.05)
    raise AssertionError(f"{order} was never answered")


def rest(laptop: Supervisor) -> None:
    """Wait until no delivery and no replay is pending."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        with (
            suppress(sqlite3.Error),
            closing(sqlite3.connect(f"file:{laptop.state / 'bus.sqlite3'}?mode=ro", uri=True)) as it,
        ):
            pending = it.execute("SELECT count(*) FROM delivery").fetchone()[0]
            pending += it.execute("SELECT count(*) FROM replay WHERE ended IS NULL").fetchone()[0]
            if not pending:
                return
        time.sleep(LOOK_SECONDS)
    raise AssertionError("the laptop never came to rest")


def insist(act: str, laptop: Supervisor) -> None:
    """Redrive what was dead-lettered by exceptions, or replay the day to a function, until the laptop has accepted it."""
    client, deadline, now = LaptopClient(laptop.url, laptop.state), time.monotonic() + PATIENCE, datetime.now(UTC)
    while time.monotonic() < deadline:
        try:
            if act == "redrive":
                for function in ("till.charge", "parcels.ship"):
                    client.redrive(function, _redrivable(laptop.state, function))
            else:
                client.replay(act, "stock.count", now - timedelta(days=1), now + timedelta(days=30))
        except LaptopError as error:
            if "already exists" in str(error):
                return
            time.sleep(LOOK_SECONDS)
        else:
            return
    raise AssertionError(f"{act} was never accepted")


def _redrivable(state: Path, function: str) -> list[str]:
    with closing(sqlite3.connect(f"file:{state / 'bus.sqlite3'}?mode=ro", uri=True)) as connection:
        rows = connection.execute("SELECT id, body FROM dead_letter WHERE function = ?", (function,)).fetchall()
    return [id_ for id_, body in rows if "raise" in body]


def blow(state: Path, orders: int, clients: int, kills: int, seed: int = 0) -> dict[str, str]:
    """Place the orders, redrive and replay, while the laptop is killed at random moments; return each with its mishap."""
    random = Random(seed)
    placed = mishaps(orders, random)
    with supervised(state) as laptop:
        acts = ["redrive", "replay.1", "replay.2"]
        early = max(kills - 2 * len(acts), 1)
        with ThreadPoolExecutor(clients) as pool:
            answered = [pool.submit(place, laptop, order, mishap) for order, mishap in placed.items()]
            for number in range(early):
                while sum(one.done() for one in answered) < orders * number // early:
                    time.sleep(LOOK_SECONDS / 10)
                time.sleep(random.uniform(0, 1))  # every third kill comes soon after another: while the laptop starts
                laptop.kill()
                if number % 3 == 0 and number + 1 < early:
                    time.sleep(random.uniform(0, 1.5))
                    laptop.kill()
            for one in answered:
                one.result()
        rest(laptop)
        for act in acts if kills > 1 else ():
            insisting = threading.Thread(target=insist, args=(act, laptop))
            insisting.start()
            for _ in range(2):
                time.sleep(random.uniform(0, 1.5))
                laptop.kill()
            insisting.join()
            rest(laptop)
        laptop.stop()
    return placed


if __name__ == "__main__":
    asked = [int(argument) for argument in sys.argv[1:]]
    with TemporaryDirectory(prefix="contradance-storm-") as folder:
        counted = check(Path(folder), blow(Path(folder), *asked))
    close_servers()
    result = ", ".join(f"{number:,} {what}" for what, number in counted.items())
    sys.stdout.write(f"{asked[0]} orders from {asked[1]} clients survived a storm with {asked[2]} kills: {result}\n")
