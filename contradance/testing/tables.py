"""A table of a running choreography, prepared and read by a test."""

from typing import Final, Generic, TypeVar
from uuid import uuid4

from pydantic import BaseModel

from contradance.local.laptop import Laptop
from contradance.runtime.once import Lease, OnceKey
from contradance.runtime.work import UnitOfWork
from contradance.table import KeyPart, Table
from contradance.unit import run_in

Record = TypeVar("Record", bound=BaseModel)
_TESTER: Final = "contradance.testing"
_PAGE: Final = 1_000


class RunTable(Generic[Record]):
    """One table. A change is committed at once, in a unit of work of its own."""

    def __init__(self, laptop: Laptop, table: Table[Record]) -> None:
        self._laptop = laptop
        self._table = table

    def put(self, *items: Record) -> None:
        """Write items; each replaces one with the same key."""
        for item in items:
            unit = self._unit()
            with run_in(unit):
                self._table.put(item)
            self._commit(unit)

    def delete(self, *key: KeyPart) -> None:
        """Delete the item with `key`, if it exists."""
        unit = self._unit()
        with run_in(unit):
            self._table.delete(*key)
        self._commit(unit)

    def get(self, *key: KeyPart) -> Record | None:
        """Return the item with `key`; None when it does not exist."""
        with run_in(self._unit()):
            return self._table.get(*key)

    def items(self) -> list[Record]:
        """Return every item, ordered by key."""
        found: list[Record] = []
        after: tuple[KeyPart, ...] | None = None
        with run_in(self._unit()):
            while True:
                page = self._table.scan(limit=_PAGE, after=after)
                found += page.items
                if page.after is None:
                    return found
                after = page.after

    def _unit(self) -> UnitOfWork:
        """Return a new unit of work that may read and write this table only."""
        uses = frozenset({self._table.read, self._table.write})
        return UnitOfWork(_TESTER, uses, self._laptop.environment.store, self._laptop.environment.variables)

    def _commit(self, unit: UnitOfWork) -> None:
        """Commit a unit's writes at once, under a once-key of their own."""
        now = self._laptop.clock.now()
        key = OnceKey(_TESTER, "test", str(uuid4()))
        self._laptop.environment.store.commit(key, Lease(key.event_id, now), unit.writes(), (), None)
