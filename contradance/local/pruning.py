"""Deletes what the laptop's archive keeps no longer: events, journal records and once-records.

- An event goes when it is older than the archive keeps events, and nothing of its flow is pending or a dead letter. While
  a replay is open, none goes.
- A flow's journal goes as a whole, when its last record is that old, under the same conditions.
- A once-record goes when its event cannot come back: the event is gone, and the longer of the archive's time and 14 days,
  and its function's `max_age`, have passed. A record whose events are still to be published stays.

Each step reads and deletes some rows in one transaction, so that a delivery does not wait long for it.
"""

import json
import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple

from contradance.choreography import Choreography
from contradance.local.dead_letter_queues import LETTER_COLUMNS, letter_ids, stored_letter
from contradance.local.state.database import Database
from contradance.local.state.journal_row import STARTED_AT, parsed_start
from contradance.retry import QUEUE_MAX_AGE, QUEUE_RETENTION
from contradance.runtime.ports import Clock

DEFAULT_KEPT: Final = timedelta(days=14)
"""How long events are kept unless `run --archive-days` gives another time."""
_ROWS: Final = 500
"""Rows that one step reads."""
_REPLAYS: Final = "SELECT 1 FROM replay WHERE state IN ('STARTING', 'RUNNING', 'CANCELLING')"
_PENDING: Final = "SELECT 1 FROM delivery WHERE correlation_id = ?"
_EVENTS: Final = """
SELECT id, event_id, correlation_id, time < ?1
    AND NOT EXISTS (SELECT 1 FROM delivery WHERE delivery.event = event.id)
    AND NOT EXISTS (SELECT 1 FROM delivery WHERE delivery.correlation_id = event.correlation_id)
FROM event WHERE id > ?2 AND accepted < ?1 ORDER BY id LIMIT ?3
"""
_RECORDS: Final = f"SELECT id, correlation_id, {STARTED_AT} FROM journal WHERE id > ? ORDER BY id LIMIT ?"  # noqa: S608 - constants
_LAST_RECORD: Final = f"SELECT {STARTED_AT} FROM journal WHERE correlation_id = ? ORDER BY id DESC LIMIT 1"  # noqa: S608 - constants
_LETTERS: Final = f"SELECT function, {LETTER_COLUMNS} FROM dead_letter WHERE id IN (SELECT value FROM json_each(?))"  # noqa: S608 - constant
_ONCE: Final = """
SELECT function, source, event_id, state = 'published' AND expires < ?1
    AND NOT EXISTS (SELECT 1 FROM event WHERE event.event_id = once.event_id), expires
FROM once WHERE (function, source, event_id) > (?2, ?3, ?4) ORDER BY function, source, event_id LIMIT ?5
"""


class Pruned(NamedTuple):
    """How many rows were deleted, or would be."""

    events: int = 0
    records: int = 0
    """Of the journal."""
    once: int = 0

    def plus(self, other: "Pruned") -> "Pruned":
        """Return the sum of both, for each kind of row."""
        return Pruned(*(one + two for one, two in zip(self, other, strict=True)))


_Write = Callable[[Callable[[sqlite3.Connection], Pruned | None]], Pruned | None]


class _PreviewError(Exception):
    """Undoes the transaction of a preview."""

    def __init__(self, pruned: Pruned) -> None:
        super().__init__()
        self.pruned = pruned


class Pruner:
    """Deletes old rows of one laptop's database, step by step.

    Args:
        database: the state file.
        clock: gives the current time.
        kept: how long events are kept.
        choreography: the functions, with how long each retries an event; one that it does not have counts as the longest.
    """

    def __init__(self, database: Database, clock: Clock, kept: timedelta, choreography: Choreography) -> None:
        self._database = database
        self._clock = clock
        self._kept = kept
        self._choreography = choreography
        self._max_ages = {name: function.retry.max_age for name, function in choreography.functions.items()}
        self._steps: list[Callable[[sqlite3.Connection, float], Pruned | None]] = []
        self._event = self._record = 0
        self._once: tuple[str, str, str] = ("", "", "")
        self._letters: dict[str, tuple[str, ...]] = {}
        """By message id, the ids of each dead letter's event and flow; so that a step reads the new letters only."""

    def step(self) -> Pruned | None:
        """Delete what is old among the next rows, and return how many; None ends a pass, the next call begins one."""
        return self._step(self._database.write)

    def _step(self, write: _Write) -> Pruned | None:
        """Make the next step in a transaction by `write`, and return what it deleted; None at the end of a pass."""
        if not self._steps:
            self._event = self._record = 0
            self._once = ("", "", "")
            self._steps = [self._prune_once, self._prune_records, self._prune_events]  # from the end: events go first
        before = (self._clock.now() - self._kept).timestamp()
        step = self._steps[-1]
        pruned: Pruned | None = write(lambda connection: step(connection, before))
        if pruned is None:
            self._steps.pop()
            return Pruned() if self._steps else None
        return pruned

    def run(self) -> Pruned:
        """Make one pass over the whole file, and return how many rows were deleted."""
        return self._run(self._database.write)

    def preview(self) -> Pruned:
        """Return what `run` would delete: it makes a pass in one transaction, and undoes it."""

        def change(connection: sqlite3.Connection) -> None:
            raise _PreviewError(self._run(lambda step: step(connection)))

        try:
            self._database.write(change)
        except _PreviewError as preview:
            return preview.pruned
        raise AssertionError("a preview ends with its error")

    def _run(self, write: _Write) -> Pruned:
        """Make steps in transactions by `write` up to the end of a pass, and return how many rows they deleted."""
        total = Pruned()
        while (pruned := self._step(write)) is not None:
            total = total.plus(pruned)
        return total

    def _prune_events(self, connection: sqlite3.Connection, before: float) -> Pruned | None:
        """Delete what is old and not needed among the next events; None without more, and while a replay is open."""
        if connection.execute(_REPLAYS).fetchone():
            return None
        rows = connection.execute(_EVENTS, (before, self._event, _ROWS)).fetchall()
        if not rows:
            return None
        self._event = rows[-1][0]
        letters = self._in_dead_letters(connection)
        old = [row for row, event, flow, over in rows if over and event not in letters and flow not in letters]
        connection.execute("DELETE FROM event WHERE id IN (SELECT value FROM json_each(?))", (json.dumps(old),))
        return Pruned(events=len(old))

    def _prune_records(self, connection: sqlite3.Connection, before: float) -> Pruned | None:
        """Delete the journal of old flows that are not needed, among the next rows; None when no row is old."""
        rows = connection.execute(_RECORDS, (self._record, _ROWS)).fetchall()
        if not any(_is_before(at, before) for *_, at in rows):
            return None
        self._record = rows[-1][0]
        letters = self._in_dead_letters(connection)
        count = 0
        for flow in dict.fromkeys(flow for _, flow, _ in rows):
            last = connection.execute(_LAST_RECORD, (flow,)).fetchone()
            over = last is not None and _is_before(last[0], before)
            if over and flow not in letters and not connection.execute(_PENDING, (flow,)).fetchone():
                count += connection.execute("DELETE FROM journal WHERE correlation_id = ?", (flow,)).rowcount
        return Pruned(records=count)

    def _prune_once(self, connection: sqlite3.Connection, before: float) -> Pruned | None:
        """Delete the once-records whose events cannot come back, among the next rows; None without more."""
        memory = max(self._kept, QUEUE_RETENTION)
        since = before + (self._kept - memory).total_seconds()
        rows = connection.execute(_ONCE, (since, *self._once, _ROWS)).fetchall()
        if not rows:
            return None
        self._once = rows[-1][:3]
        old = [
            key
            for *key, over, expires in rows
            if over and expires < since - self._max_ages.get(key[0], QUEUE_MAX_AGE).total_seconds()
        ]
        connection.executemany("DELETE FROM once WHERE function = ? AND source = ? AND event_id = ?", old)
        return Pruned(once=len(old))

    def _in_dead_letters(self, connection: sqlite3.Connection) -> set[str]:
        """Return the event ids and the correlation ids of all dead letters."""
        present = {identifier for (identifier,) in connection.execute("SELECT id FROM dead_letter")}
        self._letters = {identifier: ids for identifier, ids in self._letters.items() if identifier in present}
        new = json.dumps([*present - self._letters.keys()])
        for function, *row in connection.execute(_LETTERS, (new,)):
            letter = stored_letter(function, tuple(row))
            self._letters[letter.message.id] = (letter.event_id, *letter_ids(self._choreography, letter))
        return {identifier for ids in self._letters.values() for identifier in ids}


def _is_before(text: str | None, before: float) -> bool:
    """Whether a record's start, as text, is before a time in seconds of the epoch; False if it cannot be read."""
    return text is not None and parsed_start(text) < datetime.fromtimestamp(before, UTC)
