"""Rows of the laptop's journal as records: one that this version cannot read is shown as such."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Final

from pydantic import TypeAdapter, ValidationError

from contradance.operate.journal import read_record, unreadable_record
from contradance.runtime.journal_record import JournalRecord, LogEntry

STARTED_AT: Final = "CASE WHEN json_valid(record) THEN CAST(json_extract(record, '$.started_at') AS TEXT) END"
"""The start of an attempt, as text; NULL in a record that is not JSON."""
LOGS: Final = TypeAdapter(tuple[LogEntry, ...])
"""The lines that an attempt logged, as JSON."""
_EPOCH: Final = datetime.fromtimestamp(0, UTC)


def records_of(rows: Iterable[tuple[str, str | None, str, str, str | None]]) -> list[JournalRecord]:
    """Return the record of each row (function, event id, correlation id, record, logs); a placeholder if unreadable.

    A placeholder has the time of the record before it.
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
        records.append(record.model_copy(update={"logs": read_logs(logs)}) if logs else record)
    return records


def read_logs(text: str) -> tuple[LogEntry, ...]:
    """Return what an attempt logged; nothing from a text that this version cannot read."""
    try:
        return LOGS.validate_json(text)
    except ValidationError:
        return ()


def parsed_start(text: str) -> datetime:
    """Return the ISO time `text` in UTC; `datetime.max`, which is never old, for any other text."""
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError):
        return datetime.max.replace(tzinfo=UTC)
