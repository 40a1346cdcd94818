"""A running laptop as a system to operate, through each adapter."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, Literal

from contradance.choreography import Choreography
from contradance.local.laptop import Laptop
from contradance.local.system.client import system_of_commands
from contradance.local.system.deployed import deployed
from contradance.local.system.in_process import describe, system_in_process
from contradance.local.web.server import Server
from contradance.operate.aws.stack import stack_system
from contradance.operate.dead_letter import DeadLetter
from contradance.operate.dead_letters import find
from contradance.operate.ports import System
from functions.choreography import food_delivery
from tests.food import Food, food
from tests.operate.fakes import LaptopAws

Adapter = Literal["process", "commands", "aws"]
ADAPTERS: Final[tuple[Adapter, ...]] = ("process", "commands", "aws")
"""In the laptop's process, from another one, and the adapter for AWS over the laptop's AWS endpoint."""


@contextmanager
def operated(laptop: Laptop, adapter: Adapter = "commands") -> Iterator[System]:
    """Serve a laptop while the block runs; the value is how it is operated."""
    with Server(laptop, 0).serving() as url:
        if adapter == "process":
            yield system_in_process(laptop, describe(laptop, url))
        elif adapter == "commands":
            yield system_of_commands(laptop.choreography, url, laptop.state)
        else:
            yield stack_system(deployed(laptop.choreography, url), LaptopAws(url))


@contextmanager
def food_stack(
    state: Path, choreography: Choreography = food_delivery, adapter: Adapter = "commands"
) -> Iterator[tuple[Food, System]]:
    """Run the food delivery system, or a changed one, served."""
    with food(state, choreography) as system, operated(system.laptop, adapter) as stack:
        yield system, stack


def letters_of(system: System, choreography: Choreography, subscriber: str | None = None) -> list[DeadLetter]:
    """Return every dead letter of a system, or of one subscriber."""
    return [*find(system, choreography, subscriber, keep=sys.maxsize).letters]
