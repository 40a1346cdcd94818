"""The laptop's journal: one row per record."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from contradance.errors import LaptopError
from contradance.local.database import Database
from contradance.runtime.journal import JournalRecord

STATE_FILE = "bus.sqlite3"
"""The file inside the state folder."""


class LaptopJournal:
    """Writes records, and finds all records of the flows that one term touches."""

    def __init__(self, database: Database, when_written: Callable[[JournalRecord], None] = lambda _: None) -> None:
        self._database = database
        self._when_written = when_written

    def write(self, record: JournalRecord) -> None:
        """Keep one record."""
        row = (record.function, record.event_id, record.subject, record.correlation_id, record.model_dump_json())
        self._database.write(
            lambda connection: connection.execute(
                "INSERT INTO journal (function, event_id, subject, correlation_id, record) VALUES (?, ?, ?, ?, ?)", row
            )
        )
        self._when_written(record)

    def flows(self, term: str) -> list[JournalRecord]:
        """Return every record of each flow whose correlation id, subject or an event's id is `term`, oldest first."""
        rows = self._database.read(
            "SELECT record FROM journal WHERE correlation_id IN ("
            "SELECT correlation_id FROM journal WHERE ? IN (correlation_id, subject, event_id) "
            "UNION SELECT correlation_id FROM event WHERE event_id = ?) ORDER BY id",
            (term, term),
        )
        return [JournalRecord.model_validate_json(record) for (record,) in rows]

    def latest(self) -> list[JournalRecord]:
        """Return every record of the flow that began last."""
        rows = self._database.read(
            "SELECT correlation_id FROM journal GROUP BY correlation_id ORDER BY min(id) DESC LIMIT 1"
        )
        return self.flows(rows[0][0]) if rows else []


@contextmanager
def open_journal(state: Path) -> Iterator[LaptopJournal]:
    """Open the journal of a laptop, which may be running."""
    path = state / STATE_FILE
    if not path.exists():
        raise LaptopError(f"there is no laptop's state in {state}.\n  Start one with: contradance run --state {state}")
    database = Database(path)
    try:
        yield LaptopJournal(database)
    finally:
        database.close()
