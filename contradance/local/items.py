"""The items of the laptop's tables, in its state file."""

import sqlite3
from typing import Any, Final, Protocol
from uuid import uuid4

from contradance.errors import Conflict
from contradance.runtime.ports import ABSENT, Item, Write
from contradance.unit import ItemKey

_ITEM: Final = "table_name = ? AND partition = ? AND sort = ?"


class Queries(Protocol):
    """Reads a state file: the laptop's `Database`, or the `Reader` of a command."""

    def read(self, query: str, parameters: Any = ()) -> list[Any]:
        """Return the rows of a query, as of the last commit; raise `LaptopError` if the file cannot be read."""
        ...


class StoredItems:
    """Reads committed items: the reading part of `contradance.runtime.ports.Store`."""

    def __init__(self, queries: Queries) -> None:
        self._queries = queries

    def get(self, table: str, key: ItemKey) -> Item | None:
        """Return a committed item; None when it does not exist."""
        rows = self._queries.read(f"SELECT version, document FROM item WHERE {_ITEM}", (table, *key))  # noqa: S608 - constant
        return Item(key, *rows[0]) if rows else None

    def query(self, table: str, partition: str) -> list[Item]:
        """Return the items of one partition, ordered by sort key."""
        return _items(
            self._queries.read(
                "SELECT partition, sort, version, document FROM item WHERE table_name = ? AND partition = ? ORDER BY sort",
                (table, partition),
            )
        )

    def scan(self, table: str, limit: int, after: ItemKey | None) -> list[Item]:
        """Return up to `limit` items in key order, after the key `after`; None starts with the first."""
        first = (
            "SELECT partition, sort, version, document FROM item WHERE table_name = ? ORDER BY partition, sort LIMIT ?"
        )
        behind = first.replace("ORDER", "AND (partition, sort) > (?, ?) ORDER")
        rows = self._queries.read(*((first, (table, limit)) if after is None else (behind, (table, *after, limit))))
        return _items(rows)


def write_item(connection: sqlite3.Connection, write: Write) -> None:
    """Write or delete one item; raise `Conflict` if its version is not `write.expected`; None expects any."""
    where = (write.table, *write.key)
    if write.expected is not None:
        row = connection.execute(f"SELECT version FROM item WHERE {_ITEM}", where).fetchone()  # noqa: S608 - constant
        if (row[0] if row else ABSENT) != write.expected:
            raise Conflict(
                f"an item of table {write.table} changed between read and commit.\n  The handler runs again."
            )
    if write.document is None:
        connection.execute(f"DELETE FROM item WHERE {_ITEM}", where)  # noqa: S608 - constant
    else:
        connection.execute("INSERT OR REPLACE INTO item VALUES (?, ?, ?, ?, ?)", (*where, uuid4().hex, write.document))


def _items(rows: list[Any]) -> list[Item]:
    """Return the items in rows of (partition, sort, version, document), in their order."""
    return [Item((partition, sort), version, document) for partition, sort, version, document in rows]
