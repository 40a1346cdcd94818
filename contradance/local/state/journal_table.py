"""The laptop's journal: one row per journal record."""

import json
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any, Final

from pydantic import TypeAdapter, ValidationError

from contradance.limits import LONGEST_TIMEOUT
from contradance.local.state.database import Database
from contradance.local.state.ids import FIRST, LAST, SHORTEST
from contradance.local.state.reader import Reader, reading
from contradance.operate.flow import Outstanding
from contradance.operate.journal import (
    LogLine,
    Records,
    Wanted,
    attempt_log_lines,
    read_record,
    unreadable_record,
)
from contradance.runtime.journal_record import JournalRecord, LogEntry

STATE_FILE = "bus.sqlite3"
"""The file inside the state folder."""
_NAMED: Final = (
    "correlation_id IN (SELECT correlation_id FROM journal WHERE correlation_id >= ? AND correlation_id < ? "
    "UNION SELECT correlation_id FROM journal WHERE subject >= ? AND subject < ? "
    "UNION SELECT correlation_id FROM journal WHERE event_id >= ? AND event_id < ? "
    "UNION SELECT correlation_id FROM event WHERE event_id >= ? AND event_id < ?)"
)
"""A UNION, so that each part uses its own index."""
_FLOWS: Final = f"SELECT function, event_id, correlation_id, record, logs FROM journal WHERE {_NAMED} ORDER BY id"  # noqa: S608 - constants
_LATEST_FLOWS: Final = (
    f"SELECT correlation_id, max(id) AS last FROM journal WHERE {_NAMED} "  # noqa: S608 - constants
    "GROUP BY correlation_id HAVING last < ? ORDER BY last DESC LIMIT ?"
)
_OF_FLOWS: Final = (
    "SELECT function, event_id, correlation_id, record, NULL FROM journal "
    "WHERE correlation_id IN (SELECT value FROM json_each(?)) ORDER BY id"
)
_FILTER: Final = "(? IS NULL OR function = ?) AND (? IS NULL OR subject = ?)"
_COLUMNS: Final = "id, function, event_id, correlation_id, record, iif(?, logs, NULL)"
_BACKWARDS: Final = f"SELECT {_COLUMNS} FROM journal WHERE id < ? AND {_FILTER} ORDER BY id DESC LIMIT ?"  # noqa: S608 - constants
_FORWARDS: Final = f"SELECT {_COLUMNS} FROM journal WHERE id >= ? AND {_FILTER} ORDER BY id LIMIT ?"  # noqa: S608 - constants
STARTED_AT: Final = "CASE WHEN json_valid(record) THEN json_extract(record, '$.started_at') END"
"""The start of an attempt, as text; NULL in a record that is not JSON."""
_STARTS: Final = (
    f"SELECT count(*), min(id), max({STARTED_AT}) FROM "  # noqa: S608 - constants
    f"(SELECT id, record FROM journal WHERE id < ? AND {_FILTER} ORDER BY id DESC LIMIT ?)"
)
_PAGE: Final = 1_000
"""Records per query."""
_END: Final = 2**63 - 1
_LOGS: Final = TypeAdapter(tuple[LogEntry, ...])
_EPOCH: Final = datetime.fromtimestamp(0, UTC)


def readable(rows: Iterable[tuple[str, str | None, str, str, str | None]]) -> list[JournalRecord]:
    """Return a record for each row of (function, event id, correlation id, record, logs), in order.

    One that cannot be read is shown as such, at the time of the one before it.
    """
    records: list[JournalRecord] = []
    at = _EPOCH
    for function, event_id, correlation_id, text, logs in rows:
        record = read_record(text)
        if record is None or (record.function, record.event_id, record.correlation_id) != (
            function,
            event_id,
            correlation_id,
        ):
            record = unreadable_record(function, event_id, correlation_id, at)
        at = record.started_at
        records.append(record.model_copy(update={"logs": _read_logs(logs)}) if logs else record)
    return records


def _read_logs(text: str) -> tuple[LogEntry, ...]:
    """Return what an attempt logged; nothing from a text that this version cannot read."""
    try:
        return _LOGS.validate_json(text)
    except ValidationError:
        return ()


class JournalReader:
    """Reads the journal in the laptop's state file, also while another process runs the laptop."""

    def __init__(self, reader: Reader | Database) -> None:
        self._reader = reader

    def flows(self, term: str) -> list[JournalRecord]:
        """Return every record of the flows with a correlation id, subject or event id that equals or begins with `term`."""
        return readable(self._rows(_FLOWS, _range(term) * 4))

    def latest_flows(self, term: str, before: int, limit: int) -> list[tuple[str, int]]:
        """Return (correlation id, last row) of up to `limit` flows as for `flows`, the latest first, with a last row below `before`."""
        return self._rows(_LATEST_FLOWS, (*_range(term) * 4, before, limit))

    def of_flows(self, correlation_ids: Iterable[str]) -> list[JournalRecord]:
        """Return every record of these flows, without logs, in the order they were written."""
        return readable(self._rows(_OF_FLOWS, (json.dumps([*correlation_ids]),)))

    def with_logs(self, records: Sequence[JournalRecord]) -> list[JournalRecord]:
        """Return the records unchanged: `flows` has already read what their attempts logged."""
        return [*records]

    def outstanding(self, correlation_ids: Iterable[str]) -> list[Outstanding]:
        """Return the pending deliveries of these flows, the first due first."""
        rows = self._rows(
            "SELECT delivery.correlation_id, event_id, function, due FROM delivery JOIN event ON event.id = event "
            "WHERE delivery.correlation_id IN (SELECT value FROM json_each(?)) ORDER BY due",
            (json.dumps([*correlation_ids]),),
        )
        return [
            Outstanding(flow, event, function, datetime.fromtimestamp(due, UTC)) for flow, event, function, due in rows
        ]

    def envelope(self, event_id: str) -> str | None:
        """Return the envelope of the last archived event whose id equals or begins with `event_id`; None without one."""
        rows = self._rows(
            "SELECT envelope FROM event WHERE event_id >= ? AND event_id < ? AND archived = 1 ORDER BY id DESC LIMIT 1",
            _range(event_id),
        )
        return str(rows[0][0]) if rows else None

    def latest(self) -> list[JournalRecord]:
        """Return every record of the flow that started last; none in an empty journal."""
        rows = self._rows("SELECT correlation_id FROM journal GROUP BY correlation_id ORDER BY min(id) DESC LIMIT 1")
        return self.flows(rows[0][0]) if rows else []

    def records(self, wanted: Wanted) -> Records:
        """Return all wanted records without logs, in the order they were written."""
        return Records([record for _, record in self._forwards(wanted, logs=False)], whole=True)

    def newest(self, wanted: Wanted) -> Iterator[JournalRecord]:
        """Yield the wanted records without logs, the last written first; a page at a time is in memory."""
        return (record for _, record in self._backwards(wanted, logs=False))

    def lines(self, wanted: Wanted) -> Iterator[LogLine]:
        """Yield what the wanted attempts logged, and each attempt, in order; only the last `wanted.latest` if set."""
        if wanted.latest is None:
            for row, record in self._forwards(wanted, logs=True):
                yield from _lines_of(row, record, wanted)
            return
        found: deque[LogLine] = deque()
        for row, record in self._backwards(wanted, logs=True):
            found.extendleft(reversed(_lines_of(row, record, wanted)))
            if len(found) >= wanted.latest:
                break
        yield from islice(found, max(len(found) - wanted.latest, 0), None)

    def _backwards(self, wanted: Wanted, *, logs: bool) -> Iterator[tuple[int, JournalRecord]]:
        """Yield the wanted records with their row ids, the last written first.

        Rows are in the order in which attempts ended, and `wanted.since` is about their start: the search goes
        backwards until a whole page started longer before it than any attempt can last.
        """
        before, enough = _END, wanted.since - LONGEST_TIMEOUT
        while True:
            rows = self._rows(_BACKWARDS, (logs, before, *_filter(wanted), _PAGE))
            records = [*zip((row[0] for row in rows), readable([row[1:] for row in rows]), strict=True)]
            yield from ((row, record) for row, record in records if wanted.takes(record.started_at))
            if len(rows) < _PAGE or all(record.started_at < enough for _, record in records):
                return
            before = rows[-1][0]

    def _forwards(self, wanted: Wanted, *, logs: bool) -> Iterator[tuple[int, JournalRecord]]:
        """Yield the wanted records with their row ids, in the order they were written."""
        after = self._first(wanted)
        while rows := self._rows(_FORWARDS, (logs, after, *_filter(wanted), _PAGE)):
            records = zip((row[0] for row in rows), readable([row[1:] for row in rows]), strict=True)
            yield from ((row, record) for row, record in records if wanted.takes(record.started_at))
            after = rows[-1][0] + 1

    def _first(self, wanted: Wanted) -> int:
        """Return the id of the row at which `_backwards` ends; 0 without one."""
        before, enough = _END, wanted.since - LONGEST_TIMEOUT
        while True:
            count, first, latest = self._rows(_STARTS, (before, *_filter(wanted), _PAGE))[0]
            if count < _PAGE or (latest is not None and started_at(latest) < enough):
                return int(first or 0)
            before = first

    def _rows(self, query: str, parameters: tuple[object, ...] = ()) -> list[Any]:
        """Return the rows of a query, as of the last commit; raise `LaptopError` if the file cannot be read."""
        return self._reader.read(query, parameters)


class LaptopJournal(JournalReader):
    """The running laptop's journal: it writes records, and commits them before it reads."""

    def __init__(self, database: Database, when_written: Callable[[JournalRecord], None] = lambda _: None) -> None:
        super().__init__(database)
        self._database = database
        self._when_written = when_written

    def write(self, record: JournalRecord) -> None:
        """Store one record with the next commit; a delivery that is repeated after a crash leaves a second one."""
        logs = _LOGS.dump_json(record.logs).decode() if record.logs else None
        row = (record.function, record.event_id, record.subject, record.correlation_id, record.model_dump_json(), logs)
        self._database.write_soon(
            "INSERT INTO journal (function, event_id, subject, correlation_id, record, logs) VALUES (?, ?, ?, ?, ?, ?)",
            row,
        )
        self._when_written(record)

    def _rows(self, query: str, parameters: tuple[object, ...] = ()) -> list[Any]:
        """Commit the waiting records, and return the rows of a query."""
        self._database.flush()
        return super()._rows(query, parameters)


def started_at(text: str) -> datetime:
    """Return the time in a record's text in UTC; the end of time where it holds none."""
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError):
        return datetime.max.replace(tzinfo=UTC)


def _range(term: str) -> tuple[str, str]:
    """Return (first, end) of the ids that equal a term, or begin with one of at least 8 characters; the end is not one."""
    return term, term + (LAST if len(term) >= SHORTEST else FIRST)


def _filter(wanted: Wanted) -> tuple[str | None, ...]:
    """Return the wanted function and subject as parameters of `_FILTER`, None for any."""
    return (wanted.function, wanted.function, wanted.subject, wanted.subject)


def _lines_of(row: int, record: JournalRecord, wanted: Wanted) -> list[LogLine]:
    """Return what one attempt logged, and the attempt itself, as lines; only those of a wanted level."""
    return [line for line in attempt_log_lines(record, str(row)) if wanted.takes_level(line.level)]


@contextmanager
def open_journal(state: Path) -> Iterator[JournalReader]:
    """Open the journal in the folder `state`, also while a laptop runs on it; raise `LaptopError` without one."""
    with reading(state / STATE_FILE) as reader:
        yield JournalReader(reader)
