"""Kill the laptop at every step of a replay, start it again, and say what did not hold.

Run as a program, since it forks: `python -m tests.durability.replayer FOLDER BODY.json`.
"""

import json
import shutil
import sys
from datetime import timedelta
from itertools import count
from pathlib import Path

from contradance import Choreography
from contradance.local.clock import VirtualClock
from contradance.local.laptop import Laptop
from contradance.local.names import archive_arn, bus_arn, rule_arn
from food_contracts.registry import registry
from functions.choreography import food_delivery
from tests.durability.crasher import CRASHED, crash_at, in_child
from tests.durability.world import ask

LOYALTY = "loyalty.add_loyalty_points"
ORDERS = 3
START = VirtualClock().now()


def opened(state: Path, choreography: Choreography = food_delivery) -> Laptop:
    """Open the food delivery system, or a changed one, on a virtual clock."""
    return Laptop(choreography, state, clock=VirtualClock(), variables={}, synchronous="NORMAL")


def history(state: Path, body: object) -> None:
    """Place orders, a minute from each other, while nobody awards points."""
    functions = [function for function in food_delivery.functions.values() if function.name != LOYALTY]
    with opened(state, Choreography(food_delivery.name, contracts=registry, functions=functions)) as laptop:
        for _ in range(ORDERS):
            ask(laptop, "POST", "/orders", body)
            laptop.advance(timedelta(minutes=1))


def replay(laptop: Laptop) -> None:
    """Replay the hour to loyalty, as AWS's protocol says it."""
    bus = food_delivery.name
    asked = {
        "ReplayName": "replay.1",
        "EventSourceArn": archive_arn(bus),
        "EventStartTime": START.timestamp(),
        "EventEndTime": (START + timedelta(hours=1)).timestamp(),
        "Destination": {"Arn": bus_arn(bus), "FilterArns": [rule_arn(bus, LOYALTY)]},
    }
    laptop.aws.answer("AWSEvents.StartReplay", json.dumps(asked).encode())


def live(state: Path, *, first: bool) -> None:
    """Replay, let everything follow, and check; in a second life the operator asks only for what was not accepted."""
    with opened(state) as laptop:
        if first or not laptop.replays.all():
            replay(laptop)
        laptop.drain()
        (replayed,) = laptop.replays.all()
        assert replayed.state == "COMPLETED", replayed
        assert ask(laptop, "GET", "/customers/ada/loyalty")["orders"] == ORDERS
        assert laptop.database.read("SELECT count(*) FROM delivery") == [(0,)]
        assert laptop.database.read("SELECT count(*) FROM event WHERE archived = 0") == [(ORDERS,)], (
            "a minute came twice"
        )


def main(folder: str, body_file: str) -> int:
    """Return 0 when every crash was survived, printing the number of steps."""
    before = Path(folder, "before")
    before.mkdir()
    if in_child(lambda: history(before, json.loads(Path(body_file).read_text()))) != 0:
        return 1
    for step in count():
        state = Path(folder, str(step))
        shutil.copytree(before, state)

        def die_once(state: Path = state, step: int = step) -> None:
            crash_at(step)
            live(state, first=True)

        ended = in_child(die_once)
        if ended == 0:
            sys.stdout.write(f"{step} steps survived\n")
            return 0
        if ended != CRASHED or in_child(lambda state=state: live(state, first=False)) != 0:  # type: ignore[misc]  # of this step
            sys.stdout.write(f"step {step} was not survived\n")
            return 1
    raise AssertionError("unreachable: steps are counted without end")


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
