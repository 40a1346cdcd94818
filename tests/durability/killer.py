"""A function that ends its process: live until it does no more, and print how each life ended.

Run as a program, since it forks: `python -m tests.durability.killer STATE HOW direct|queue drain|start ITEM...`.
"""

import faulthandler
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path

from contradance.choreography import AnyFunction
from contradance.local.clock import RealClock
from contradance.retry import DeliveryMode
from tests.durability.crasher import in_child
from tests.local.desk import Desk, ask, opened, wait_until

CRASHED = 77
ENDS: dict[str, Callable[[], object]] = {
    "os._exit": lambda: os._exit(CRASHED),
    "SIGKILL": lambda: os.kill(os.getpid(), 9),
    "segmentation fault": lambda: os.kill(os.getpid(), 11),
    "abort": os.abort,
}
MOST_LIVES = 20


def clerk(how: str, delivery: DeliveryMode) -> AnyFunction:
    """Return a function that ends its process for every item that starts with `bad`."""

    def does(item: str, attempt: int) -> None:
        if item.startswith("bad"):
            faulthandler.disable()
            ENDS[how]()

    return Desk().clerk(does=does, delivery=delivery)


def main(state: Path, how: str, delivery: DeliveryMode, mode: str, items: list[str]) -> None:
    """Publish the items, and deliver until a process survives; print the exit codes of all."""
    function, ends = clerk(how, delivery), list[int]()

    def live() -> None:
        with opened(state, function, clock=RealClock() if mode == "start" else None, started=mode == "start") as laptop:
            if not ends:
                ask(laptop, *items)
            if mode == "drain":
                laptop.drain()
            wait_until(lambda: laptop.database.read("SELECT count(*) FROM delivery") == [(0,)])

    while len(ends) < MOST_LIVES and (not ends or ends[-1] != 0):
        ends.append(in_child(live))
    sys.stdout.write(json.dumps(ends))


if __name__ == "__main__":
    folder, way, kind, how_long, *names = sys.argv[1:]
    main(Path(folder), way, "queue" if kind == "queue" else "direct", how_long, names)
