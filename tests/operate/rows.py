"""Stores of rows that the tests copy: in memory, and a laptop's state file."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from contradance.local.state.database import Database
from contradance.operate.copying import RowChange, RowKey, StoredRow


class Killed(RuntimeError):
    """The process that copied was killed."""


class MemoryRows:
    """Rows in a dict, in pages of `page`."""

    def __init__(self, rows: Mapping[RowKey, StoredRow] | None = None, page: int = 3) -> None:
        self.rows = dict(rows or {})
        self._page = page
        self.before_write: Callable[[], None] = lambda: None
        """Called before each write; it may change rows, or raise `Killed`."""
        self.writes = 0

    def pages(self) -> Iterator[Sequence[StoredRow]]:
        keys = sorted(self.rows)
        for first in range(0, len(keys), self._page):
            yield [self.rows[key] for key in keys[first : first + self._page] if key in self.rows]

    def find(self, keys: Sequence[RowKey]) -> Mapping[RowKey, StoredRow]:
        return {key: self.rows[key] for key in keys if key in self.rows}

    def write(self, changes: Sequence[RowChange]) -> frozenset[RowKey]:
        self.writes += 1
        self.before_write()
        refused = set()
        for key, row, expected in changes:
            if self.rows.get(key) != expected:
                refused.add(key)
            elif row is None:
                del self.rows[key]
            else:
                self.rows[key] = StoredRow(key, row.content, row.state, copy_of=row.digest)
        return frozenset(refused)


class LaptopRows:
    """The items of one table, or the once-records of some functions, in a laptop's state file.

    The marks of copies are in a table beside them: on the laptop no item has room for one.
    """

    def __init__(self, database: Database, table: str | None, functions: Sequence[str] = ()) -> None:
        self._database = database
        self._table = table
        self._functions = functions
        database.write(
            lambda connection: connection.execute(
                "CREATE TABLE IF NOT EXISTS copied (name TEXT, partition TEXT, sort TEXT, digest TEXT, "
                "PRIMARY KEY (name, partition, sort))"
            )
        )

    def pages(self) -> Iterator[Sequence[StoredRow]]:
        rows = [*self._all().values()]
        for first in range(0, len(rows), 50):
            yield rows[first : first + 50]

    def find(self, keys: Sequence[RowKey]) -> Mapping[RowKey, StoredRow]:
        everything = self._all()
        return {key: everything[key] for key in keys if key in everything}

    def write(self, changes: Sequence[RowChange]) -> frozenset[RowKey]:
        everything = self._all()

        def change(connection: Any) -> frozenset[RowKey]:
            refused = set()
            for key, row, expected in changes:
                there = everything.get(key)
                if (there and there.digest) != (expected and expected.digest):
                    refused.add(key)
                    continue
                where = (self._table or "once", *key)
                connection.execute("DELETE FROM copied WHERE name = ? AND partition = ? AND sort = ?", where)
                if self._table is None:
                    assert row is not None, "a once-record is never deleted"
                    columns = json.loads(row.content["columns"])
                    connection.execute("INSERT OR REPLACE INTO once VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", columns)
                elif row is None:
                    connection.execute("DELETE FROM item WHERE table_name = ? AND partition = ? AND sort = ?", where)
                else:
                    values = (*where, row.content["version"], row.content["document"])
                    connection.execute("INSERT OR REPLACE INTO item VALUES (?, ?, ?, ?, ?)", values)
                if row is not None:
                    connection.execute("INSERT INTO copied VALUES (?, ?, ?, ?)", (*where, row.digest))
            return frozenset(refused)

        return self._database.write(change)

    def _all(self) -> dict[RowKey, StoredRow]:
        """Return every row, in key order."""
        self._database.flush()
        name = self._table or "once"
        marks = {
            RowKey(*key): digest
            for *key, digest in self._database.read(
                "SELECT partition, sort, digest FROM copied WHERE name = ?", (name,)
            )
        }
        rows = self._items() if self._table else self._once()
        return {row.key: StoredRow(row.key, row.content, row.state, marks.get(row.key)) for row in rows}

    def _items(self) -> Iterator[StoredRow]:
        query = "SELECT partition, sort, version, document FROM item WHERE table_name = ? ORDER BY partition, sort"
        for partition, sort, version, document in self._database.read(query, (self._table,)):
            yield StoredRow(RowKey(partition, sort), {"version": version, "document": document})

    def _once(self) -> Iterator[StoredRow]:
        names = json.dumps([*self._functions])
        query = "SELECT * FROM once WHERE function IN (SELECT value FROM json_each(?)) ORDER BY 1, 2, 3"
        for columns in self._database.read(query, (names,)):
            function, source, event_id, state, *_ = columns
            yield StoredRow(
                RowKey(f"{function}|{source}|{event_id}"),
                {"columns": json.dumps(columns)},
                "completed" if state == "published" else "unpublished",
            )
