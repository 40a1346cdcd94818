"""A laptop that is served, as an operator's functions see it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from contradance.choreography import Choreography
from contradance.local.deployed import deployed
from contradance.local.laptop import Laptop
from contradance.local.web.server import Server
from contradance.operate.aws import aws_of
from contradance.operate.stack import Stack
from functions.choreography import food_delivery
from tests.food import Food, food


@contextmanager
def operated(laptop: Laptop) -> Iterator[Stack]:
    """Serve a laptop while the block runs; the value is how it is operated."""
    with Server(laptop, 0).serving() as url:
        found = deployed(laptop.choreography, url)
        yield Stack(found, aws_of(found, url), is_laptop=True)


@contextmanager
def food_stack(state: Path, choreography: Choreography = food_delivery) -> Iterator[tuple[Food, Stack]]:
    """Run the food delivery system, or a changed one, served."""
    with food(state, choreography) as system, operated(system.laptop) as stack:
        yield system, stack
