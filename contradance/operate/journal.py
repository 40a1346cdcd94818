"""The port through which journal records are found: log lines on AWS, rows on the laptop."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, NamedTuple, Protocol

from pydantic import ValidationError

from contradance.operate.flow import Outstanding
from contradance.runtime.journal_record import JournalRecord

_LATE: Final = timedelta(minutes=2)
"""Longest time until a line is visible in CloudWatch Logs, with a margin."""

_LONGEST_MS: Final = 1e11
"""Longer than any attempt lasts, in milliseconds: three years."""
_FIRST_YEAR, _LAST_YEAR = 1970, 9000
_MOST_ATTEMPTS: Final = 1_000_000


def read_record(written: str | object) -> JournalRecord | None:
    """Return the record in JSON text or in its value; None where another version, or no version, would have written it."""
    try:
        record = (
            JournalRecord.model_validate_json(written)
            if isinstance(written, str)
            else JournalRecord.model_validate(written)
        )
    except ValidationError:
        return None
    at = record.started_at
    is_possible = (
        at.tzinfo is not None
        and _FIRST_YEAR <= at.year < _LAST_YEAR
        and 0 <= record.duration_ms < _LONGEST_MS
        and 0 <= record.attempt < _MOST_ATTEMPTS
        and 0 <= record.retries_left < _MOST_ATTEMPTS
    )
    return record if is_possible else None


def unreadable_record(function: str, event_id: str | None, correlation_id: str, at: datetime) -> JournalRecord:
    """Return what is shown in place of a record that cannot be read."""
    return JournalRecord(
        function=function,
        trigger="unknown",
        event_id=event_id,
        subject=None,
        correlation_id=correlation_id,
        causation_id=None,
        attempt=0,
        outcome="unreadable",
        retries_left=0,
        started_at=at,
        duration_ms=0.0,
        error="This record cannot be read: another version of contradance may have written it.",
    )


@dataclass(frozen=True, slots=True)
class Wanted:
    """A filter of records."""

    since: datetime
    until: datetime | None = None
    function: str | None = None
    subject: str | None = None

    def takes(self, moment: datetime) -> bool:
        """Whether a moment is inside the window."""
        return self.since <= moment and (self.until is None or moment < self.until)


class LogLine(NamedTuple):
    """One line of a function's log: on the laptop, one record of its journal."""

    id: str
    """Unique among the lines."""
    at: datetime
    function: str
    level: str
    text: str
    subject: str | None
    event_id: str | None
    record: JournalRecord | None
    """Where the line is a journal record."""


class Records(NamedTuple):
    """Records that a search found."""

    records: list[JournalRecord]
    whole: bool
    """Whether these are all; a search in logs has a limit."""


class JournalAccess(Protocol):
    """Finds records."""

    def flows(self, term: str) -> list[JournalRecord]:
        """Return every record of each flow whose correlation id, subject or an event's id is, or begins with, `term`."""

    def outstanding(self, correlation_ids: Iterable[str]) -> list[Outstanding]:
        """Return the pending deliveries of these flows, as far as they are known."""

    def latest(self) -> list[JournalRecord]:
        """Return every record of the flow that began last."""

    def records(self, wanted: Wanted) -> Records:
        """Return the wanted records, in the order in which they were written."""

    def lines(self, wanted: Wanted) -> list[LogLine]:
        """Return the wanted log lines, in order."""


def follow(journal: JournalAccess, wanted: Wanted, pauses: Iterable[object]) -> Iterator[LogLine]:
    """Yield lines as they become visible; each item of `pauses` starts a search.

    Lines may become visible late and out of order, so each search starts some time before the last line that was seen.
    """
    seen: dict[str, datetime] = {}
    for _ in pauses:
        for line in journal.lines(wanted):
            if line.id not in seen:
                seen[line.id] = line.at
                yield line
        if seen:
            latest = max(seen.values())
            since = max(wanted.since, latest - _LATE)
            seen = {identifier: at for identifier, at in seen.items() if at >= since}
            wanted = Wanted(since, wanted.until, wanted.function, wanted.subject)
