"""The unit of work of the running handler: the port through which tables, settings and secrets work.

The runtime implements `Unit`; declarations use only this protocol.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Protocol

from contradance.errors import NoUnitOfWork

ItemKey = tuple[str, str]
"""Partition key and sort key of an item, as text; the sort key is empty when the table has none."""


class Unit(Protocol):
    """The unit of work of a running handler. Table names are `service.table`; documents are JSON text."""

    def check_linked(self, wanted: str, links: frozenset[object]) -> None:
        """Raise `NotLinked` unless the running function uses one of `links`; `wanted` is their name in the message."""

    def get(self, table: str, key: ItemKey) -> str | None:
        """Return the document of an item; None without one, or deleted; this unit's own writes are visible."""
        ...

    def query(self, table: str, partition: str) -> list[str]:
        """Return the documents of one partition, by sort key; this unit's own writes are visible."""
        ...

    def scan(self, table: str, limit: int, after: ItemKey | None) -> list[tuple[ItemKey, str]]:
        """Return up to `limit` (key, document) pairs after the key `after`, None for the first, in a fixed order."""
        ...

    def put(self, table: str, key: ItemKey, document: str | None) -> None:
        """Buffer a write until the commit, a deletion for None; raise `TooMuchWork` for too much."""

    def variable(self, name: str) -> str | None:
        """Return the value of an environment variable of the running function, or None."""
        ...


_running: ContextVar[Unit] = ContextVar("contradance_unit_of_work")


def running(wanted: str) -> Unit:
    """Return the unit of work of the running handler; raise `NoUnitOfWork` for `wanted` outside a handler."""
    unit = _running.get(None)
    if unit is None:
        raise NoUnitOfWork(
            f"{wanted} is used outside a running handler.\n"
            "  Use it inside a handler; in a unit test, call the handler inside contradance.testing.unit_of_work()."
        )
    return unit


@contextmanager
def run_in(unit: Unit) -> Iterator[None]:
    """Make `unit` the unit of work that `running` returns inside the `with` block."""
    token = _running.set(unit)
    try:
        yield
    finally:
        _running.reset(token)
