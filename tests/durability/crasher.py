"""Kill the laptop at every step of an order, start it again, and say what did not hold.

Run as a program, since it forks: `python -m tests.durability.crasher FOLDER BODY.json at-once|apart repeats|silent`.
"""

import gc
import json
import os
import sys
import traceback
from collections.abc import Callable
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import NamedTuple

from contradance.local.state.database import Database
from tests.durability.world import ask, check, gateway_lines, gateway_that_remembers, open_laptop

CRASHED = 9


def crash_at(step: int) -> None:
    """Die at a step: the even ones are just before a commit, the odd ones just after it."""
    commits = count()
    commit = Database._commit

    def mortal_commit(self: Database) -> None:
        number = next(commits)
        if 2 * number == step:
            os._exit(CRASHED)
        commit(self)
        if 2 * number + 1 == step:
            os._exit(CRASHED)

    Database._commit = mortal_commit  # type: ignore[method-assign]


class Life(NamedTuple):
    """What happens in each life of the process."""

    state: Path
    body: object
    publish_at_once: bool
    client_repeats: bool
    """Whether a client that got no answer asks again, with the same Idempotency-Key."""

    def live(self, *, first: bool) -> None:
        """Place the order, let everything follow, and check."""
        log = self.state / "gateway.log"
        with gateway_that_remembers(log), open_laptop(self.state, publish_at_once=self.publish_at_once) as laptop:
            if first or self.client_repeats:
                ask(laptop, "POST", "/orders", self.body, **{"Idempotency-Key": "the-order"})
            laptop.advance(timedelta(minutes=1))
            laptop.sweep()
            laptop.drain()
            stored = len(ask(laptop, "GET", "/orders")["orders"])
            check(laptop, gateway_lines(log), 1 if first or self.client_repeats else stored)


def in_child(act: Callable[[], None]) -> int:
    """Do something in a process of its own; return how it ended: 0, 1 for an error, or CRASHED."""
    child = os.fork()
    if child == 0:
        try:
            act()
        except BaseException:  # noqa: BLE001 - told, and the process ends
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def main(folder: str, body_file: str, mode: str, client: str) -> int:
    """Return 0 when every crash was survived, printing the number of steps."""
    body = json.loads(Path(body_file).read_text())
    gc.freeze()  # a collection in a child would copy the memory of all modules
    for step in count():
        life = Life(Path(folder, str(step)), body, mode == "at-once", client == "repeats")
        life.state.mkdir()

        def die_once(life: Life = life, step: int = step) -> None:
            crash_at(step)
            life.live(first=True)

        def live_again(life: Life = life) -> None:
            life.live(first=False)

        ended = in_child(die_once)
        if ended == 0:
            sys.stdout.write(f"{step} steps survived\n")
            return 0
        if ended != CRASHED or in_child(live_again) != 0:
            sys.stdout.write(f"step {step} was not survived\n")
            return 1
    raise AssertionError("unreachable: steps are counted without end")


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
