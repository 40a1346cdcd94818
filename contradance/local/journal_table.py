"""The laptop's journal: one row per record."""

import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from contradance.limits import LONGEST_TIMEOUT
from contradance.local.database import Database
from contradance.local.reader import Reader, reading
from contradance.operate.flow import Outstanding
from contradance.operate.journal import LogLine, Records, Wanted
from contradance.runtime.journal_record import JournalRecord

STATE_FILE = "bus.sqlite3"
"""The file inside the state folder."""
SHORTEST: Final = 8
"""Fewest characters that an id may be shortened to, to be found by its beginning."""
_FIRST, _LAST = "\0", "\U0010ffff"
_FLOWS: Final = (
    "SELECT record FROM journal WHERE correlation_id IN ("
    "SELECT correlation_id FROM journal WHERE correlation_id >= ?1 AND correlation_id < ?2 "
    "UNION SELECT correlation_id FROM journal WHERE subject >= ?1 AND subject < ?2 "
    "UNION SELECT correlation_id FROM journal WHERE event_id >= ?1 AND event_id < ?2 "
    "UNION SELECT correlation_id FROM event WHERE event_id >= ?1 AND event_id < ?2) ORDER BY id"
)
"""Each by its own index."""
_WANTED: Final = (
    "SELECT id, record FROM journal WHERE id < ?1 AND (?2 IS NULL OR function = ?2) AND (?3 IS NULL OR subject = ?3) "
    "ORDER BY id DESC LIMIT ?4"
)
_PAGE: Final = 1_000
"""Records that are read together."""
_END: Final = 2**63 - 1


class LaptopJournal:
    """Writes records, and finds all records of the flows that one term touches."""

    def __init__(self, database: Database, when_written: Callable[[JournalRecord], None] = lambda _: None) -> None:
        self._database = database
        self.found = FoundJournal(database)
        self._when_written = when_written

    def write(self, record: JournalRecord) -> None:
        """Keep one record with the next commit; a delivery that is made again after a crash leaves another."""
        row = (record.function, record.event_id, record.subject, record.correlation_id, record.model_dump_json())
        self._database.write_soon(
            "INSERT INTO journal (function, event_id, subject, correlation_id, record) VALUES (?, ?, ?, ?, ?)", row
        )
        self._when_written(record)

    def flows(self, term: str) -> list[JournalRecord]:
        """Return every record of each flow whose correlation id, subject or an event's id is, or begins with, `term`."""
        self._database.flush()
        return self.found.flows(term)

    def outstanding(self, correlation_ids: Iterable[str]) -> list[Outstanding]:
        """Return what is yet to be delivered in these flows."""
        self._database.flush()
        return self.found.outstanding(correlation_ids)

    def envelope(self, event_id: str) -> str | None:
        """Return the last event whose id is, or begins with, `event_id`, as EventBridge delivers it; None where there is none."""
        self._database.flush()
        return self.found.envelope(event_id)

    def latest(self) -> list[JournalRecord]:
        """Return every record of the flow that began last."""
        self._database.flush()
        return self.found.latest()


class FoundJournal:
    """The journal of a laptop that may be running elsewhere: it is only read."""

    def __init__(self, reader: Reader | Database) -> None:
        self._reader = reader

    def flows(self, term: str) -> list[JournalRecord]:
        """Return every record of each flow whose correlation id, subject or an event's id is, or begins with, `term`."""
        above = term + (_LAST if len(term) >= SHORTEST else _FIRST)
        rows = self._reader.read(_FLOWS, (term, above))
        return [JournalRecord.model_validate_json(record) for (record,) in rows]

    def outstanding(self, correlation_ids: Iterable[str]) -> list[Outstanding]:
        """Return what is yet to be delivered in these flows."""
        rows = self._reader.read(
            "SELECT delivery.correlation_id, event_id, function, due FROM delivery JOIN event ON event.id = event "
            "WHERE delivery.correlation_id IN (SELECT value FROM json_each(?)) ORDER BY due",
            (json.dumps([*correlation_ids]),),
        )
        return [
            Outstanding(flow, event, function, datetime.fromtimestamp(due, UTC)) for flow, event, function, due in rows
        ]

    def envelope(self, event_id: str) -> str | None:
        """Return the last event whose id is, or begins with, `event_id`, as EventBridge delivers it; None where there is none."""
        above = event_id + (_LAST if len(event_id) >= SHORTEST else _FIRST)
        rows = self._reader.read(
            "SELECT envelope FROM event WHERE event_id >= ? AND event_id < ? AND archived = 1 ORDER BY id DESC LIMIT 1",
            (event_id, above),
        )
        return str(rows[0][0]) if rows else None

    def latest(self) -> list[JournalRecord]:
        """Return every record of the flow that began last."""
        rows = self._reader.read(
            "SELECT correlation_id FROM journal GROUP BY correlation_id ORDER BY min(id) DESC LIMIT 1"
        )
        return self.flows(rows[0][0]) if rows else []

    def records(self, wanted: Wanted) -> Records:
        """Return the records that are wanted, in the order of their writing."""
        return Records([record for _, record in self._wanted(wanted)], whole=True)

    def lines(self, wanted: Wanted) -> list[LogLine]:
        """Return the records that are wanted as log lines: what functions log themselves, the laptop prints and forgets."""
        return [
            LogLine(
                id=str(row),
                at=record.started_at,
                function=record.function,
                level="INFO" if record.error is None else "ERROR" if record.dead else "WARNING",
                text=record.error or "",
                subject=record.subject,
                event_id=record.event_id,
                record=record,
            )
            for row, record in self._wanted(wanted)
        ]

    def _wanted(self, wanted: Wanted) -> list[tuple[int, JournalRecord]]:
        """Return what is wanted, with its rows: from the end backwards, as far as an attempt may have begun before another."""
        found: list[tuple[int, JournalRecord]] = []
        before, enough = _END, wanted.since - LONGEST_TIMEOUT
        while True:
            rows = self._reader.read(_WANTED, (before, wanted.function, wanted.subject, _PAGE))
            records = [(row, JournalRecord.model_validate_json(text)) for row, text in rows]
            found += [(row, record) for row, record in records if wanted.takes(record.started_at)]
            if len(rows) < _PAGE or all(record.started_at < enough for _, record in records):
                return found[::-1]
            before = rows[-1][0]


@contextmanager
def open_journal(state: Path) -> Iterator[FoundJournal]:
    """Open the journal of a laptop, which may be running."""
    with reading(state / STATE_FILE) as reader:
        yield FoundJournal(reader)
