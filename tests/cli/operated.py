"""A system that the commands operate: the food delivery on this machine, served."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from typer.testing import CliRunner, Result

from contradance.choreography import Choreography
from contradance.cli.app import app
from contradance.local.web.server import Server
from functions.choreography import food_delivery
from tests.food import Food, food


class Operator:
    """Types commands about one laptop."""

    def __init__(self, system: Food, state: Path, url: str) -> None:
        self.system = system
        self._options = ["--state", str(state), "--port", url.rpartition(":")[2]]

    def types(self, *words: str) -> Result:
        """Return what a command came to."""
        return CliRunner().invoke(app, [*words, *self._options], terminal_width=200)


@contextmanager
def operator(state: Path, choreography: Choreography = food_delivery) -> Iterator[Operator]:
    """Serve the system while the block runs; the test delivers what waits."""
    with food(state, choreography) as system, Server(system.laptop, 0).serving() as url:
        yield Operator(system, state, url)
