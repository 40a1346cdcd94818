"""The journal of the running laptop: writes and reads its rows."""

from collections.abc import Callable
from typing import Any

from contradance.local.state.database import Database
from contradance.local.state.journal_row import LOGS
from contradance.local.state.journal_table import JournalReader
from contradance.runtime.journal_record import JournalRecord


class LaptopJournal(JournalReader):
    """The running laptop's journal: it writes records, and commits them before it reads."""

    def __init__(self, database: Database, when_written: Callable[[JournalRecord], None] = lambda _: None) -> None:
        super().__init__(database)
        self._database = database
        self._when_written = when_written

    def write(self, record: JournalRecord) -> None:
        """Store one record with the next commit, and pass it to `when_written` at once."""
        logs = LOGS.dump_json(record.logs).decode() if record.logs else None
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
