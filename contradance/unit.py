"""The unit of work of the handler that is running: what tables, settings and secrets reach for.

The runtime implements `Unit`; declarations know only this port.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Protocol

from contradance.errors import NoUnitOfWork

ItemKey = tuple[str, str]
"""Partition and sort key of an item, as text; the sort key is empty where a table has none."""


class Unit(Protocol):
    """What a running handler's unit of work offers. Tables are named `service.table`; documents are JSON text."""

    def check_linked(self, wanted: str, links: frozenset[object]) -> None:
        """Raise `NotLinked`, naming `wanted`, unless the running function uses one of `links`."""

    def get(self, table: str, key: ItemKey) -> str | None:
        """Return an item's document, including this unit's own writes."""

    def query(self, table: str, partition: str) -> list[str]:
        """Return the documents of one partition in the order of their sort keys."""

    def scan(self, table: str, limit: int, after: ItemKey | None) -> list[tuple[ItemKey, str]]:
        """Return up to `limit` items that come after the key `after`, in an order that means nothing."""

    def put(self, table: str, key: ItemKey, document: str | None) -> None:
        """Buffer a write; None deletes."""

    def variable(self, name: str) -> str | None:
        """Return an environment variable of the running function."""


_running: ContextVar[Unit] = ContextVar("contradance_unit_of_work")


def running(wanted: str) -> Unit:
    """Return the unit of work of the running handler; `wanted` says what it is needed for."""
    unit = _running.get(None)
    if unit is None:
        raise NoUnitOfWork(
            f"{wanted} is used where no handler is running.\n"
            "  Use it inside a handler; in a unit test, call the handler inside contradance.testing.unit_of_work()."
        )
    return unit


@contextmanager
def run_in(unit: Unit) -> Iterator[None]:
    """Make `unit` the unit of work of everything called inside."""
    token = _running.set(unit)
    try:
        yield
    finally:
        _running.reset(token)
