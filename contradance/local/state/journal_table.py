"""Reads the laptop's journal: one row per journal record."""

import json
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any, Final

from contradance.limits import LONGEST_TIMEOUT
from contradance.local.state.database import Database
from contradance.local.state.ids import id_range
from contradance.local.state.journal_row import STARTED_AT, parsed_start, records_of
from contradance.local.state.reader import Reader, reading
from contradance.local.state.stored import envelope_in, stored_time
from contradance.operate.flow import AcceptedEvent, Outstanding
from contradance.operate.journal import MOST_FOUND, LogLine, Records, Wanted, attempt_log_lines
from contradance.operate.shortened_id import CANDIDATES, whole_id
from contradance.runtime.journal_record import JournalRecord

STATE_FILE = "bus.sqlite3"
"""The file inside the state folder."""
_NAMED: Final = (
    "correlation_id IN (SELECT correlation_id FROM journal WHERE correlation_id >= ? AND correlation_id < ? "
    "UNION SELECT correlation_id FROM journal WHERE subject >= ? AND subject < ? "
    "UNION SELECT correlation_id FROM journal WHERE event_id >= ? AND event_id < ? "
    "UNION SELECT correlation_id FROM event WHERE event_id >= ? AND event_id < ?)"
)
"""A UNION, so that each part uses its own index."""
_FLOWS: Final = (
    f"SELECT function, event_id, correlation_id, record, logs FROM journal WHERE {_NAMED} ORDER BY id LIMIT ?"  # noqa: S608 - constants
)
_LATEST_FLOWS: Final = (
    f"SELECT correlation_id, max(id) AS last FROM journal WHERE {_NAMED} "  # noqa: S608 - constants
    "GROUP BY correlation_id HAVING last < ? ORDER BY last DESC LIMIT ?"
)
_OF_FLOWS: Final = (
    "SELECT function, event_id, correlation_id, record, NULL FROM journal "
    "WHERE correlation_id IN (SELECT value FROM json_each(?)) ORDER BY id LIMIT ?"
)
_CUT: Final = (
    f"Only the first {MOST_FOUND:,} attempts are read.\n"
    "  Others are on the flow's page in the console, and in: contradance logs --since TIME"
)
_COLUMNS: Final = "id, function, event_id, correlation_id, record, iif(?, logs, NULL)"
_BACKWARDS: Final = f"SELECT {_COLUMNS} FROM journal WHERE id < ?{{filter}} ORDER BY id DESC LIMIT ?"  # noqa: S608 - constants
_FORWARDS: Final = f"SELECT {_COLUMNS} FROM journal WHERE id >= ?{{filter}} ORDER BY id LIMIT ?"  # noqa: S608 - constants
_STARTS: Final = (
    f"SELECT count(*), min(id), max({STARTED_AT}) FROM "  # noqa: S608 - constants
    "(SELECT id, record FROM journal WHERE id < ?{filter} ORDER BY id DESC LIMIT ?)"
)
_NOT_CONSUMED: Final = """
SELECT event_id, envelope,
    (SELECT count(*) FROM delivery WHERE delivery.correlation_id = event.correlation_id
        AND delivery.event IN (SELECT id FROM event AS same WHERE same.event_id = event.event_id))
FROM event WHERE event_id >= ? AND event_id < ? AND (archived = 1 OR bus <> '')
    AND NOT EXISTS (SELECT 1 FROM journal WHERE journal.event_id = event.event_id)
GROUP BY event_id ORDER BY event_id LIMIT ?
"""
_LATEST: Final = """
SELECT correlation_id FROM journal AS last
WHERE NOT EXISTS (SELECT 1 FROM journal WHERE journal.correlation_id = last.correlation_id AND journal.id < last.id)
ORDER BY id DESC LIMIT 1
"""
"""The flow whose first record is the latest: a search backwards, which ends at that record."""
_PAGE: Final = 1_000
"""Records per query."""
_END: Final = 2**63 - 1


class JournalReader:
    """Reads the journal in the laptop's state file, also while another process runs the laptop.

    Args:
        reader: reads the state file.
        report: called with a sentence when a search left out records that were wanted.
    """

    def __init__(self, reader: Reader | Database, report: Callable[[str], None] = lambda _: None) -> None:
        self._reader = reader
        self._report = report

    def flows(self, term: str) -> list[JournalRecord]:
        """Return all records, with logs, of flows whose id, subject or event id is `term` or, if long, begins with it.

        A term of fewer than 8 characters must equal the whole. Of more than `MOST_FOUND` records, the first.
        """
        return self._first_records(_FLOWS, id_range(term) * 4)

    def latest_flows(self, term: str, before: int, limit: int) -> list[tuple[str, int]]:
        """Return (correlation id, last row id) of up to `limit` of the flows that `flows` selects, the latest first.

        Args:
            term: as for `flows`.
            before: only flows whose last row id is below this.
            limit: most flows.
        """
        return self._rows(_LATEST_FLOWS, (*id_range(term) * 4, before, limit))

    def of_flows(self, correlation_ids: Iterable[str]) -> list[JournalRecord]:
        """Return the records of these flows, at most `MOST_FOUND`, without logs, in the order they were written."""
        return self._first_records(_OF_FLOWS, (json.dumps([*correlation_ids]),))

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
        return [Outstanding(flow, event, function, stored_time(due)) for flow, event, function, due in rows]

    def not_consumed(self, term: str) -> list[AcceptedEvent]:
        """Return events that no record is about, with an id that `term` selects as in `flows`; the first 11, by id."""
        rows = self._rows(_NOT_CONSUMED, (*id_range(term), CANDIDATES + 1))
        unknown = {"source": "unknown", "detail-type": "unknown"}
        events = ((event_id, envelope_in(text) or unknown, pending) for event_id, text, pending in rows)
        return [AcceptedEvent(one, event["source"], event["detail-type"], pending) for one, event, pending in events]

    def envelope(self, event_id: str) -> str | None:
        """Return the JSON of the last event whose id is `event_id`, or alone begins with it; None without one.

        No archive has an event of another bus that no rule matches; the own bus is '' in a row.

        Raises:
            OperateError: several events' ids begin with it.
        """
        ids = self._rows(
            "SELECT DISTINCT event_id FROM event WHERE event_id >= ? AND event_id < ? AND (archived = 1 OR bus <> '') "
            "ORDER BY event_id LIMIT ?",
            (*id_range(event_id), CANDIDATES + 1),
        )
        rows = self._rows(
            "SELECT envelope FROM event WHERE event_id = ? AND (archived = 1 OR bus <> '') "
            "ORDER BY archived DESC, id DESC LIMIT 1",
            (whole_id(event_id, (known for (known,) in ids)),),
        )
        return str(rows[0][0]) if rows else None

    def latest(self) -> list[JournalRecord]:
        """Return every record, with logs, of the flow that started last; none in an empty journal."""
        rows = self._rows(_LATEST)
        return self.flows(rows[0][0]) if rows else []

    def records(self, wanted: Wanted) -> Records:
        """Return all wanted records without logs, in the order they were written."""
        return Records([record for _, record in self._forwards(wanted, self._first(wanted), logs=False)], whole=True)

    def newest(self, wanted: Wanted) -> Iterator[JournalRecord]:
        """Yield the wanted records without logs, the last written first; a page at a time is in memory."""
        return (record for _, record in self._backwards(wanted, logs=False))

    def lines(self, wanted: Wanted) -> Iterator[LogLine]:
        """Yield what the wanted attempts logged, and each attempt, in order; only the last `wanted.latest` if set."""
        if wanted.latest is None:
            for row, record in self._forwards(wanted, self._first(wanted), logs=True):
                yield from _lines_of(row, record, wanted)
            return
        found: deque[LogLine] = deque()
        for row, record in self._backwards(wanted, logs=True):
            found.extendleft(reversed(_lines_of(row, record, wanted)))
            if len(found) >= wanted.latest:
                break
        yield from islice(found, max(len(found) - wanted.latest, 0), None)

    def follow(self, wanted: Wanted, pauses: Iterable[object]) -> Iterator[LogLine]:
        """Yield the wanted lines, and then those of each row that is written, by one query for each item of `pauses`."""
        after: int | None = None
        for _ in pauses:
            if after is None:
                after = int(self._rows("SELECT ifnull(max(id), 0) FROM journal")[0][0])
                yield from (line for line in self.lines(wanted) if int(line.id.partition(".")[0]) <= after)
                continue
            for row, record in self._forwards(wanted, after + 1, logs=True):
                after = row
                yield from _lines_of(row, record, wanted)

    def _backwards(self, wanted: Wanted, *, logs: bool) -> Iterator[tuple[int, JournalRecord]]:
        """Yield (row id, wanted record), the last written first; what they logged only with `logs`.

        Rows are in the order in which attempts ended, and `wanted.since` is about their start: the search goes
        backwards until a whole page started longer before it than any attempt can last.
        """
        before, enough = _END, wanted.since - LONGEST_TIMEOUT
        while True:
            rows = self._filtered(_BACKWARDS, wanted, logs, before)
            records = [*zip((row[0] for row in rows), records_of([row[1:] for row in rows]), strict=True)]
            yield from ((row, record) for row, record in records if wanted.takes(record.started_at))
            if len(rows) < _PAGE or all(record.started_at < enough for _, record in records):
                return
            before = rows[-1][0]

    def _forwards(self, wanted: Wanted, after: int, *, logs: bool) -> Iterator[tuple[int, JournalRecord]]:
        """Yield (row id, wanted record) from the row `after` on, as they were written; what they logged only with `logs`."""
        while rows := self._filtered(_FORWARDS, wanted, logs, after):
            records = zip((row[0] for row in rows), records_of([row[1:] for row in rows]), strict=True)
            yield from ((row, record) for row, record in records if wanted.takes(record.started_at))
            after = rows[-1][0] + 1

    def _first(self, wanted: Wanted) -> int:
        """Return the id of the first row that may be wanted, where `_backwards` ends; 0 without rows."""
        before, enough = _END, wanted.since - LONGEST_TIMEOUT
        while True:
            count, first, latest = self._filtered(_STARTS, wanted, before)[0]
            if count < _PAGE or (latest is not None and parsed_start(latest) < enough):
                return int(first or 0)
            before = first

    def _filtered(self, query: str, wanted: Wanted, *parameters: object) -> list[Any]:
        """Return a page of the rows of a query with the wanted function and subject.

        A filter is in the query only where there is one: so SQLite reads its rows from an index.
        """
        filters = {"function": wanted.function, "subject": wanted.subject}
        given = {name: value for name, value in filters.items() if value is not None}
        condition = "".join(f" AND {name} = ?" for name in given)
        return self._rows(query.format(filter=condition), (*parameters, *given.values(), _PAGE))

    def _first_records(self, query: str, parameters: tuple[object, ...]) -> list[JournalRecord]:
        """Return the first `MOST_FOUND` records of a query; report if there are more."""
        rows = self._rows(query, (*parameters, MOST_FOUND + 1))
        if len(rows) > MOST_FOUND:
            self._report(_CUT)
        return records_of(rows[:MOST_FOUND])

    def _rows(self, query: str, parameters: tuple[object, ...] = ()) -> list[Any]:
        """Return the rows of a query, as of the last commit; raise `LaptopError` if the file cannot be read."""
        return self._reader.read(query, parameters)


def _lines_of(row: int, record: JournalRecord, wanted: Wanted) -> list[LogLine]:
    """Return what one attempt logged, and the attempt itself, as lines; only those of a wanted level."""
    return [line for line in attempt_log_lines(record, str(row)) if wanted.takes_level(line.level)]


@contextmanager
def open_journal(state: Path, report: Callable[[str], None] = lambda _: None) -> Iterator[JournalReader]:
    """Open the journal in the folder `state`, also while a laptop runs on it; raise `LaptopError` without one."""
    with reading(state / STATE_FILE) as reader:
        yield JournalReader(reader, report)
