"""The unit of work's store on the laptop: tables and once-records in one SQLite transaction."""

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any
from uuid import uuid4

from contradance.envelope import SealedEvent
from contradance.errors import Conflict, LeaseHeld, LeaseLost
from contradance.identity import Identity
from contradance.local.database import Database
from contradance.runtime.once import Answer, Lease, OnceKey, OnceRecord
from contradance.runtime.ports import ABSENT, Item, Write
from contradance.unit import Key

_ONCE = "function = ? AND source = ? AND event_id = ?"
_ITEM = "table_name = ? AND partition = ? AND sort = ?"


class SQLiteStore:
    """`contradance.runtime.ports.Store` over the laptop's file."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def begin(self, key: OnceKey, lease: Lease, now: datetime) -> OnceRecord:
        """Count an attempt, and take the lease where the handler has not committed yet."""

        def change(connection: sqlite3.Connection) -> OnceRecord:
            row = connection.execute(
                f"SELECT state, attempt, holder, expires, sealed, answer FROM once WHERE {_ONCE}",  # noqa: S608 - constant
                key,
            ).fetchone()
            if row is None:
                connection.execute(
                    "INSERT INTO once VALUES (?, ?, ?, 'in_progress', 1, ?, ?, NULL, NULL)",
                    (*key, lease.holder, lease.expires.timestamp()),
                )
                return OnceRecord("in_progress", 1)
            state, attempt, holder, expires, sealed, answer = row
            if state == "published":
                return OnceRecord(state, attempt, (), _answer(answer))
            if state == "in_progress" and holder != lease.holder and expires > now.timestamp():
                raise LeaseHeld(
                    f"{key.function} is already handling event {key.event_id}.\n"
                    "  It is delivered again when that attempt has ended."
                )
            connection.execute(
                f"UPDATE once SET attempt = attempt + 1, holder = ?, expires = ? WHERE {_ONCE}",  # noqa: S608 - constant
                (lease.holder, lease.expires.timestamp(), *key),
            )
            return OnceRecord(state, attempt + 1, _sealed(sealed), _answer(answer))

        return self._database.write(change)

    def commit(
        self, key: OnceKey, lease: Lease, writes: Sequence[Write], sealed: Sequence[SealedEvent], answer: Answer | None
    ) -> None:
        """Apply all writes and make the once-record `done`, or do nothing; `published` where `sealed` is empty."""
        state = "done" if sealed else "published"
        waiting = json.dumps([asdict(event) for event in sealed]) if sealed else None
        given = json.dumps(asdict(answer)) if answer else None

        def change(connection: sqlite3.Connection) -> None:
            row = connection.execute(f"SELECT state, holder FROM once WHERE {_ONCE}", key).fetchone()  # noqa: S608 - constant
            if row is not None and row != ("in_progress", lease.holder):
                raise LeaseLost(
                    f"{key.function} took too long over event {key.event_id}, and another attempt took over.\n"
                    "  Raise its timeout=, or make it faster."
                )
            for write in writes:
                _write(connection, write)
            connection.execute(
                "INSERT INTO once VALUES (?, ?, ?, ?, 1, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET "
                "state = excluded.state, sealed = excluded.sealed, answer = excluded.answer",
                (*key, state, lease.holder, lease.expires.timestamp(), waiting, given),
            )

        self._database.write(change)

    def release(self, key: OnceKey, lease: Lease) -> None:
        """Give the lease back, so that another holder need not wait for its end; nothing where it is not held."""
        self._database.write(
            lambda connection: connection.execute(
                f"UPDATE once SET expires = 0 WHERE {_ONCE} AND state = 'in_progress' AND holder = ?",  # noqa: S608 - constant
                (*key, lease.holder),
            )
        )

    def mark_published(self, key: OnceKey) -> None:
        """Make a `done` record `published`, erasing its sealed events."""
        self._database.write(
            lambda connection: connection.execute(
                f"UPDATE once SET state = 'published', sealed = NULL WHERE {_ONCE} AND state = 'done'",  # noqa: S608 - constant
                key,
            )
        )

    def get(self, table: str, key: Key) -> Item | None:
        """Return an item as it is committed."""
        rows = self._database.read(f"SELECT version, document FROM item WHERE {_ITEM}", (table, *key))  # noqa: S608 - constant
        return Item(key, *rows[0]) if rows else None

    def query(self, table: str, partition: str) -> list[Item]:
        """Return one partition in the order of its sort keys."""
        return _items(
            self._database.read(
                "SELECT partition, sort, version, document FROM item WHERE table_name = ? AND partition = ? ORDER BY sort",
                (table, partition),
            )
        )

    def scan(self, table: str, limit: int, after: Key | None) -> list[Item]:
        """Return up to `limit` items in key order, from behind the key `after`."""
        return _items(
            self._database.read(
                "SELECT partition, sort, version, document FROM item WHERE table_name = ? AND (partition, sort) > (?, ?) "
                "ORDER BY partition, sort LIMIT ?",
                (table, *(after or ("", "")), limit),
            )
        )


def _write(connection: sqlite3.Connection, write: Write) -> None:
    """Apply one write, if the item is as the unit of work saw it."""
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
    return [Item((partition, sort), version, document) for partition, sort, version, document in rows]


def _sealed(text: str | None) -> tuple[SealedEvent, ...]:
    return tuple(
        SealedEvent(**(event | {"identity": Identity(*event["identity"])})) for event in json.loads(text or "[]")
    )


def _answer(text: str | None) -> Answer | None:
    return Answer(**json.loads(text)) if text else None
