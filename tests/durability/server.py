"""A laptop that is there to be killed: `python -m tests.durability.server STATE PORT TIME_SCALE`."""

import sys
from pathlib import Path

from contradance.local.clock import RealClock
from contradance.local.laptop import Laptop
from contradance.local.web.server import Server
from functions.choreography import food_delivery
from tests.durability.world import gateway_that_remembers


def main(state: Path, port: int, time_scale: float) -> None:
    """Serve until SIGTERM."""
    clock = RealClock(time_scale)
    with (
        gateway_that_remembers(state / "gateway.log"),
        Laptop(food_delivery, state, clock=clock, variables={}, synchronous="NORMAL") as laptop,
    ):
        server = Server(laptop, port)
        server.stop_on_signals()
        laptop.start()
        server.serve_until_stopped()


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]))
