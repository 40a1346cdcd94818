"""The unit of work's store on the laptop: tables and once-records in one SQLite transaction.

Leases are in memory, because one process owns the file: when it dies, its leases end with it. A bus in the same file
publishes in the transaction that commits: a whole delivery costs one sync to disk.
"""

import json
import sqlite3
import threading
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NamedTuple
from uuid import uuid4

from contradance.envelope import SealedEvent
from contradance.errors import Conflict, LeaseHeld, LeaseLost
from contradance.identity import Identity
from contradance.local.events.bus import Bus
from contradance.local.state.database import Database
from contradance.runtime.journal_record import PublishedEvent
from contradance.runtime.once import Lease, OnceKey, OnceRecord, OnceState, StoredResponse
from contradance.runtime.ports import ABSENT, Item, Write
from contradance.unit import ItemKey

_ONCE: Final = "function = ? AND source = ? AND event_id = ?"
_ITEM: Final = "table_name = ? AND partition = ? AND sort = ?"
_RELEASED: Final = datetime.min.replace(tzinfo=UTC)
"""Expiry of a lease that was given back."""
_REMEMBERED: Final = 10_000
"""Leases in memory before the expired ones are removed."""


class _Held(NamedTuple):
    """A lease in memory, with the number of the holder's attempt."""

    holder: str
    expires: datetime
    attempt: int


class SQLiteStore:
    """`contradance.runtime.ports.Store` over the laptop's database.

    Args:
        database: the state file.
        bus: publishes sealed events in the transaction that commits them; None leaves publishing to the caller.
    """

    def __init__(self, database: Database, bus: Bus | None = None) -> None:
        self._database = database
        self._bus = bus
        self._leases: dict[OnceKey, _Held] = {}
        self._lock = threading.Lock()
        self._full = _REMEMBERED

    def begin(self, key: OnceKey, lease: Lease, now: datetime) -> OnceRecord:
        """Take the lease and return the once-record, one that is `published` without a lease; or raise `LeaseHeld`.

        An expired lease is free: its holder died or timed out, and the commit refuses its late result.
        """
        with self._lock:
            record = self._record(key)
            if record is not None and record.state == "published":
                return record
            held = self._leases.get(key)
            if record is None and held and held.holder != lease.holder and held.expires > now:
                raise LeaseHeld(
                    f"{key.function} is already handling event {key.event_id}.\n"
                    "  It is delivered again when that attempt has ended."
                )
            # The bus counts attempts on disk: a process that restarted has forgotten those of its predecessor.
            mine = held.attempt if held and held.holder == lease.holder else 0
            attempt = max(mine + 1, self._attempts_on_disk(lease.holder))
            self._remove_expired(now)
            self._leases[key] = _Held(lease.holder, lease.expires, attempt)
        if record is None:
            return OnceRecord("in_progress", attempt)
        return OnceRecord("done", attempt, record.sealed, (), record.answer)

    def commit(
        self,
        key: OnceKey,
        lease: Lease,
        writes: Sequence[Write],
        sealed: Sequence[SealedEvent],
        answer: StoredResponse | None,
    ) -> OnceState:
        """Apply all writes, store the once-record and return its state; or raise `LeaseLost` or `Conflict`.

        The lease is the fence: an attempt that lost it to another holder cannot commit.
        """
        with self._lock:
            held = self._leases.get(key, _Held(lease.holder, lease.expires, 1))
        if held.holder != lease.holder:
            raise LeaseLost(_lease_lost(key))
        state: OnceState = "done" if sealed and self._bus is None else "published"
        accepted = self._bus.accept(sealed) if self._bus else None

        def change(connection: sqlite3.Connection) -> None:
            row = (
                *key,
                state,
                held.attempt,
                lease.expires.timestamp(),
                json.dumps([event._asdict() for event in sealed], ensure_ascii=False) if state == "done" else None,
                _ids(sealed) if state == "published" else None,
                json.dumps(asdict(answer), ensure_ascii=False) if answer else None,
            )
            try:
                connection.execute("INSERT INTO once VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", row)
            except sqlite3.IntegrityError as error:  # the record exists: another attempt has committed
                raise LeaseLost(_lease_lost(key)) from error
            for write in writes:
                _write(connection, write)
            if accepted:
                accepted.store(connection)

        self._database.write(change)
        if state == "published":
            with self._lock:
                self._leases.pop(key, None)
        if accepted:
            accepted.dispatch()
        return state

    def release(self, key: OnceKey, lease: Lease, *, counted: bool = True) -> None:
        """Give the lease back, so that another holder does not wait for its expiry; no effect when it is not held."""
        with self._lock:
            held = self._leases.get(key)
            if held and held.holder == lease.holder and held.expires != _RELEASED:
                self._leases[key] = held._replace(expires=_RELEASED, attempt=held.attempt - (not counted))

    def shift_leases(self, jump: timedelta) -> None:
        """Move each lease's expiry by `jump`, so that what remains of it stays; a released lease stays free."""
        with self._lock:
            self._leases = {
                key: held if held.expires == _RELEASED else held._replace(expires=held.expires + jump)
                for key, held in self._leases.items()
            }

    def has_completed(self, key: OnceKey) -> bool:
        """Whether the handler has committed for this key."""
        return self._record(key) is not None

    def mark_published(self, key: OnceKey, sealed: Sequence[SealedEvent]) -> None:
        """Make a `done` record `published`, without its `sealed` events and with their ids."""
        published = (
            f"UPDATE once SET state = 'published', sealed = NULL, published = ? WHERE {_ONCE} AND state = 'done'"  # noqa: S608 - constant
        )
        self._database.write(lambda connection: connection.execute(published, (_ids(sealed), *key)))
        with self._lock:
            self._leases.pop(key, None)

    def unpublished(self, now: datetime, limit: int) -> list[tuple[OnceKey, tuple[SealedEvent, ...]]]:
        """Return up to `limit` records that are `done` and whose lease has expired."""
        rows = self._database.read(
            "SELECT function, source, event_id, sealed FROM once WHERE state = 'done' AND expires <= ? "
            "ORDER BY expires LIMIT ?",
            (now.timestamp(), limit),
        )
        return [(OnceKey(*key), _sealed(sealed)) for *key, sealed in rows]

    def get(self, table: str, key: ItemKey) -> Item | None:
        """Return a committed item; None when it does not exist."""
        rows = self._database.read(f"SELECT version, document FROM item WHERE {_ITEM}", (table, *key))  # noqa: S608 - constant
        return Item(key, *rows[0]) if rows else None

    def query(self, table: str, partition: str) -> list[Item]:
        """Return the items of one partition, ordered by sort key."""
        return _items(
            self._database.read(
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
        rows = self._database.read(*((first, (table, limit)) if after is None else (behind, (table, *after, limit))))
        return _items(rows)

    def _record(self, key: OnceKey) -> OnceRecord | None:
        """Return the stored once-record of a key; None when the handler has not committed."""
        rows = self._database.read(
            f"SELECT state, attempt, sealed, published, answer FROM once WHERE {_ONCE}",  # noqa: S608 - constant
            key,
        )
        if not rows:
            return None
        state, attempt, sealed, published, answer = rows[0]
        ids = tuple(PublishedEvent(event_id=one, contract=contract) for one, contract in json.loads(published or "[]"))
        return OnceRecord(state, attempt, _sealed(sealed), ids if state == "published" else (), _answer(answer))

    def _attempts_on_disk(self, holder: str) -> int:
        """Return the attempt number of a pending delivery; 1 when no delivery has this id."""
        rows = self._database.read("SELECT attempt FROM delivery WHERE id = ?", (holder,))
        return int(rows[0][0]) if rows else 1

    def _remove_expired(self, now: datetime) -> None:
        """Remove the expired leases when too many are in memory; else do nothing."""
        if len(self._leases) >= self._full:
            self._leases = {key: held for key, held in self._leases.items() if held.expires > now}
            self._full = max(_REMEMBERED, 2 * len(self._leases))


def _lease_lost(key: OnceKey) -> str:
    """Return the message of a `LeaseLost`: the function, the event's id and what to do."""
    return (
        f"{key.function} took too long over event {key.event_id}, and another attempt took over.\n"
        "  Raise its timeout=, or make it faster."
    )


def _write(connection: sqlite3.Connection, write: Write) -> None:
    """Apply one write; raise `Conflict` when the item changed since the unit of work read it."""
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


def _ids(sealed: Sequence[SealedEvent]) -> str | None:
    """Return ids and contracts of sealed events as JSON; None without any."""
    return json.dumps([[event.event_id, str(event.identity)] for event in sealed]) if sealed else None


def _sealed(text: str | None) -> tuple[SealedEvent, ...]:
    """Return the sealed events in a JSON text; none for None."""
    return tuple(
        SealedEvent(**(event | {"identity": Identity(*event["identity"])})) for event in json.loads(text or "[]")
    )


def _answer(text: str | None) -> StoredResponse | None:
    """Return the response in a JSON text; None for None."""
    return StoredResponse(**json.loads(text)) if text else None
