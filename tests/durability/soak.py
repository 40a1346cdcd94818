"""Many orders from many clients while the laptop is killed again and again; then what has to hold is checked.

The clients' orders write the same items: without kills, no attempt may fail by `Conflict`.

Run it as a program: `python -m tests.durability.soak ORDERS CLIENTS KILLS`.
"""

import http.client
import json
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from contradance.local.state.journal_table import STATE_FILE
from contradance.local.state.reader import reading
from functions.demo import scenes
from tests.durability.world import check, gateway_lines, gateway_that_remembers, open_laptop

ROOT = Path(__file__).parent.parent.parent
TIME_SCALE = 60.0
"""Of a laptop that is killed: a minute's pause before a retry takes a second."""
GIVE_UP_SECONDS = 120.0
"""Longest that anything is waited for."""


def free_port() -> int:
    """Return a port that nothing uses now."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
    return port


class MortalLaptop:
    """A laptop in a process of its own, which is killed with -9 and started again on the same state."""

    def __init__(self, state: Path, time_scale: float) -> None:
        self.state = state
        self.time_scale = time_scale
        self.port = free_port()
        self._process = self._start()

    def _start(self) -> "subprocess.Popen[bytes]":
        arguments = [str(self.state), str(self.port), str(self.time_scale)]
        command = [sys.executable, "-m", "tests.durability.server", *arguments]
        return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def kill_and_start_again(self) -> None:
        """Kill the process in the middle of whatever it does."""
        self._process.kill()
        self._process.wait()
        self._process = self._start()

    def stop(self) -> None:
        """Stop it as an operator does."""
        self._process.send_signal(signal.SIGTERM)
        assert self._process.wait(GIVE_UP_SECONDS) == 0

    def kill(self) -> None:
        """Make sure that no process stays behind."""
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()


@contextmanager
def mortal_laptop(state: Path, time_scale: float) -> Iterator[MortalLaptop]:
    """Start a laptop, and leave nothing running."""
    laptop = MortalLaptop(state, time_scale)
    try:
        yield laptop
    finally:
        laptop.kill()


def place_order(port: int, number: int) -> str:
    """Place one order as a stubborn client does: again, with the same Idempotency-Key, until it is answered."""
    body = json.dumps({**scenes[number % 2].body, "restaurant_id": ("canteen", "night-owl")[number % 2]})
    headers = {"Idempotency-Key": f"order-{number}", "content-type": "application/json"}
    deadline = time.monotonic() + GIVE_UP_SECONDS
    while time.monotonic() < deadline:
        try:
            with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=10)) as connection:
                connection.request("POST", "/orders", body, headers)
                answer = connection.getresponse()
                text = answer.read()
        except (OSError, http.client.HTTPException):
            time.sleep(0.05)
            continue
        if answer.status == http.HTTPStatus.CREATED:
            return str(json.loads(text)["order_id"])
        time.sleep(0.05)
    raise AssertionError(f"order {number} was never answered")


def wait_for_rest(state: Path) -> None:
    """Return when the running laptop has made every delivery."""
    deadline = time.monotonic() + GIVE_UP_SECONDS
    with reading(state / STATE_FILE) as reader:
        while reader.read("SELECT 1 FROM delivery LIMIT 1"):
            assert time.monotonic() < deadline, "deliveries are pending"
            time.sleep(0.2)


def soak(state: Path, orders: int, clients: int, kills: int) -> None:
    """Place the orders, kill the laptop in between, wait for rest, and check what has to hold."""
    with mortal_laptop(state, TIME_SCALE if kills else 1.0) as laptop:
        answered = threading.Semaphore(0)

        def place(number: int) -> str:
            order_id = place_order(laptop.port, number)
            answered.release()
            return order_id

        with ThreadPoolExecutor(clients) as pool:
            placed = [pool.submit(place, number) for number in range(orders)]
            for _ in range(kills):
                for _ in range(orders // (kills + 1)):
                    answered.acquire()
                laptop.kill_and_start_again()
            ids = [future.result() for future in placed]
        assert len(set(ids)) == orders
        if not kills:
            wait_for_rest(state)
        laptop.stop()
    log = state / "gateway.log"
    with gateway_that_remembers(log), open_laptop(state, publish_at_once=True) as rested:
        rested.drain()
        check(rested, gateway_lines(log), orders)
        conflicts = rested.database.read("SELECT count(*) FROM journal WHERE record ->> '$.error' LIKE 'Conflict:%'")
        assert kills or conflicts == [(0,)], "a delivery had no time left to run again after a conflict"


if __name__ == "__main__":
    asked = [int(argument) for argument in sys.argv[1:]]
    with TemporaryDirectory(prefix="contradance-soak-") as folder:
        soak(Path(folder), *asked)
    sys.stdout.write(f"{asked[0]} orders from {asked[1]} clients survived {asked[2]} kills\n")
