"""Calls a handler as a plain function, over tables in memory.

with unit_of_work(most_loans=3):
    answer = lend_book(asked)

assert isinstance(answer, BookLent)
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime

from contradance.delivery import Delivery
from contradance.unit import ItemKey, run_in


class InMemoryUnit:
    """A unit of work over a dictionary: every table is linked, and a write takes effect at once."""

    def __init__(self, variables: dict[str, str] | None = None) -> None:
        self._items: dict[str, dict[ItemKey, str]] = {}
        self._variables = variables or {}

    def check_linked(self, wanted: str, links: frozenset[object]) -> None:
        """Do nothing: every table, setting and secret counts as linked."""

    def get(self, table: str, key: ItemKey) -> str | None:
        """Return an item's document; None when it does not exist."""
        return self._items.get(table, {}).get(key)

    def query(self, table: str, partition: str) -> list[str]:
        """Return the documents of one partition, ordered by sort key."""
        return [document for key, document in sorted(self._items.get(table, {}).items()) if key[0] == partition]

    def scan(self, table: str, limit: int, after: ItemKey | None) -> list[tuple[ItemKey, str]]:
        """Return up to `limit` items in key order, those after the key `after` unless it is None."""
        items = sorted(self._items.get(table, {}).items())
        return [(key, document) for key, document in items if after is None or key > after][:limit]

    def put(self, table: str, key: ItemKey, document: str | None) -> None:
        """Write a document, or delete it when it is None."""
        items = self._items.setdefault(table, {})
        if document is None:
            items.pop(key, None)
        else:
            items[key] = document

    def variable(self, name: str) -> str | None:
        """Return the value of an environment variable, such as `SETTING_MOST_LOANS`; None without one."""
        return self._variables.get(name)


@contextmanager
def unit_of_work(**settings: object) -> Iterator[InMemoryUnit]:
    """Link every table, empty, and these settings while the block runs, so that handlers can be called in it."""
    unit = InMemoryUnit(variables_of(settings))
    with run_in(unit):
        yield unit


def delivery(
    *,
    now: datetime = datetime(2026, 1, 31, 18, 0, tzinfo=UTC),
    attempt: int = 1,
    key: str = "key-1",
    is_replay: bool = False,
) -> Delivery:
    """Return a `Delivery` for a handler that takes one; its event and correlation ids are fixed."""
    return Delivery("event-1", "flow-1", attempt, key, now, is_replay)


def variables_of(settings: Mapping[str, object]) -> dict[str, str]:
    """Return environment variables for settings by name: `SETTING_MOST_LOANS` for `most_loans`."""
    return {f"SETTING_{name.upper()}": str(value) for name, value in settings.items()}
