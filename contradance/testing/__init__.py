"""For an author's tests: call a handler as a plain function, or run the whole choreography on a virtual clock.

    def test_a_loan_reminds_its_reader(run: Run) -> None:
        run.request("POST", "/loans", {"reader": "ada"})
        run.drain()
        run.assert_delivered(BookLent, to="reminders.remind_reader")

Names are loaded when they are first used: pytest loads this package in every project that has contradance installed.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from contradance.catalog.sample import sample
    from contradance.testing.golden import assert_choreography
    from contradance.testing.run import Answer, Run
    from contradance.testing.strategies import events_of
    from contradance.testing.unit import InMemoryUnit, delivery, unit_of_work
    from contradance.testing.virtual_laptop import running

__all__ = [
    "Answer",
    "InMemoryUnit",
    "Run",
    "assert_choreography",
    "delivery",
    "events_of",
    "running",
    "sample",
    "unit_of_work",
]

_HOME = {
    "Answer": "testing.run",
    "InMemoryUnit": "testing.unit",
    "Run": "testing.run",
    "assert_choreography": "testing.golden",
    "delivery": "testing.unit",
    "events_of": "testing.strategies",
    "running": "testing.virtual_laptop",
    "sample": "catalog.sample",
    "unit_of_work": "testing.unit",
}


def __getattr__(name: str) -> object:
    """Load a public name from the module that defines it."""
    if name not in _HOME:
        raise AttributeError(f"module 'contradance.testing' has no attribute {name!r}")
    value = getattr(import_module(f"contradance.{_HOME[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
