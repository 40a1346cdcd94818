"""The unit of work's store on the laptop: tables and once-records in one SQLite transaction.

Leases are in memory, because one process owns the file: when it dies, its leases end with it. A bus in the same file
publishes in the transaction that commits: a whole delivery costs one sync to disk.
"""

import json
import logging
import sqlite3
import threading
from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple

from contradance.envelope import SealedEvent
from contradance.errors import LeaseHeld, LeaseLost
from contradance.identity import Identity
from contradance.local.events.bus import Bus
from contradance.local.items import StoredItems, write_item
from contradance.local.state.database import Database
from contradance.printable import printable
from contradance.runtime.journal_record import PublishedEvent
from contradance.runtime.once import Lease, OnceKey, OnceRecord, OnceState, StoredResponse
from contradance.runtime.ports import Write

_LOG: Final = logging.getLogger("contradance.store")
_ONCE: Final = "function = ? AND source = ? AND event_id = ?"
_RELEASED: Final = datetime.min.replace(tzinfo=UTC)
"""Expiry of a lease that was given back."""
_REMEMBERED: Final = 10_000
"""Leases in memory before the expired ones are removed."""


class _Held(NamedTuple):
    """A lease in memory, with the number of the holder's attempt."""

    holder: str
    expires: datetime
    attempt: int


class SQLiteStore(StoredItems):
    """`contradance.runtime.ports.Store` over the laptop's database.

    Args:
        database: the state file.
        bus: publishes sealed events in the transaction that commits them; None leaves publishing to the caller.
        attempt_of: returns the number of the running attempt at a delivery, by the holder; 1 for any other holder.
    """

    def __init__(
        self, database: Database, bus: Bus | None = None, attempt_of: Callable[[str], int] = lambda _: 1
    ) -> None:
        super().__init__(database)
        self._database = database
        self._bus = bus
        self._attempt_of = attempt_of
        self._leases: dict[OnceKey, _Held] = {}
        self._lock = threading.Lock()
        self._full = _REMEMBERED

    def begin(self, key: OnceKey, lease: Lease, now: datetime) -> OnceRecord:
        """Take the lease and return the once-record, its attempt counted; a `published` one unchanged. Or `LeaseHeld`.

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
            attempt = max(mine + 1, self._attempt_of(lease.holder))
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
        """Commit writes and once-record, with a bus the events too, and return the state; or `LeaseLost` or `Conflict`.

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
                write_item(connection, write)
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
        """Give the lease back before it expires; the attempt counts only if `counted`. No effect if it is not held."""
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
        """Make a `done` record `published`, its events replaced by the ids of `sealed`; end the lease in any state."""
        published = (
            f"UPDATE once SET state = 'published', sealed = NULL, published = ? WHERE {_ONCE} AND state = 'done'"  # noqa: S608 - constant
        )
        self._database.write(lambda connection: connection.execute(published, (_ids(sealed), *key)))
        with self._lock:
            self._leases.pop(key, None)

    def unpublished(self, now: datetime, limit: int) -> list[tuple[OnceKey, tuple[SealedEvent, ...]]]:
        """Return (key, events) of up to `limit` `done` records whose lease has expired, the first expired first.

        One that cannot be read is logged and left out.
        """
        rows = self._database.read(
            "SELECT function, source, event_id, sealed FROM once WHERE state = 'done' AND expires <= ? "
            "ORDER BY expires LIMIT ?",
            (now.timestamp(), limit),
        )
        found = []
        for *key, sealed in rows:
            try:
                found.append((OnceKey(*key), _sealed(sealed)))
            except (ValueError, TypeError, LookupError, RecursionError):
                _LOG.error("the events that %s returned for event %s cannot be read", key[0], printable(key[2]))
        return found

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


def _ids(sealed: Sequence[SealedEvent]) -> str | None:
    """Return a JSON list of (id, contract) of sealed events; None without any."""
    return json.dumps([[event.event_id, str(event.identity)] for event in sealed]) if sealed else None


def _sealed(text: str | None) -> tuple[SealedEvent, ...]:
    """Return the sealed events in a JSON text; an empty tuple for None."""
    return tuple(
        SealedEvent(**(event | {"identity": Identity(*event["identity"])})) for event in json.loads(text or "[]")
    )


def _answer(text: str | None) -> StoredResponse | None:
    """Return the response in a JSON text; None for None."""
    return StoredResponse(**json.loads(text)) if text else None
