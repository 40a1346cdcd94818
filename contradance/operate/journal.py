"""The port through which journal records are found: log lines on AWS, rows on the laptop."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any, Final, NamedTuple, Protocol

from pydantic import ValidationError

from contradance.operate.flow import AcceptedEvent, Outstanding
from contradance.operate.level import LEVELS, Level
from contradance.runtime.journal_record import JournalRecord, LogEntry

_CLOCKS: Final = timedelta(milliseconds=5)
"""How much the times of a line and of its attempt may differ: Lambda stamps a line with milliseconds."""
_LONGEST_MS: Final = 1e11
"""Longer than any attempt lasts, in milliseconds: three years."""
MOST_FOUND: Final = 10_000
"""Most records that a search returns, on the laptop as on AWS. CloudWatch Logs API reference, StartQuery."""
YEARS: Final = range(1970, 9000)
"""Years in which an attempt may begin; a record of another year cannot be read."""
_ENDLESS: Final = 1_000_000
"""More attempts than any function makes."""


def read_record(written: str | object) -> JournalRecord | None:
    """Return the record in JSON text or in its value; None when this version could not have written it."""
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
        and at.year in YEARS
        and 0 <= record.duration_ms < _LONGEST_MS
        and 0 <= record.attempt < _ENDLESS
        and 0 <= record.retries_left < _ENDLESS
    )
    return record if is_possible else None


def unreadable_record(function: str, event_id: str | None, correlation_id: str, at: datetime) -> JournalRecord:
    """Return the record, with the outcome `unreadable`, that is shown for one that cannot be read."""
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
    level: Level | None = None
    """Only log lines of at least this level."""
    latest: int | None = None
    """Most log lines, the latest; None for all."""

    def takes(self, moment: datetime) -> bool:
        """Whether a moment is inside the window: from `since` on, and before `until`."""
        return self.since <= moment and (self.until is None or moment < self.until)

    def takes_level(self, level: str) -> bool:
        """Whether a line's level is high enough; a level that is not in `LEVELS` counts as INFO."""
        rank = LEVELS.index(level) if level in LEVELS else LEVELS.index("INFO")
        return self.level is None or rank >= LEVELS.index(self.level)


class LogLine(NamedTuple):
    """One line of a function's log, or one record of its journal."""

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
    logger: str = ""
    fields: Mapping[str, Any] = MappingProxyType({})
    """The author's own keys."""
    exception: str | None = None
    """A logged traceback, or the one of a failed attempt."""
    correlation_id: str | None = None


def attempt_level(record: JournalRecord) -> Level:
    """Return the level of an attempt: INFO without an error, WARNING if it is repeated, ERROR if it is not."""
    if record.error is None:
        return "INFO"
    return "ERROR" if record.dead or record.is_request else "WARNING"


def entry_of_line(line: LogLine) -> LogEntry:
    """Return a line as an entry of an attempt's log."""
    return LogEntry(
        at=line.at,
        level=line.level,
        logger=line.logger,
        message=line.text,
        fields={**line.fields},
        exception=line.exception,
    )


def logs_attached(records: Iterable[JournalRecord], lines: Iterable[LogLine]) -> list[JournalRecord]:
    """Return the records, each with those of `lines` that its attempt wrote: by function, event and time."""
    by_delivery: dict[tuple[str, str, str | None], list[LogLine]] = {}
    for line in lines:
        by_delivery.setdefault((line.function, line.correlation_id or "", line.event_id), []).append(line)
    found = []
    for record in records:
        ended = record.started_at + timedelta(milliseconds=record.duration_ms) + _CLOCKS
        own = by_delivery.get((record.function, record.correlation_id, record.event_id), [])
        entries = [
            entry_of_line(line)
            for line in own
            if line.record is None and record.started_at - _CLOCKS <= line.at <= ended
        ]
        found.append(record.model_copy(update={"logs": tuple(entries)}))
    return found


def attempt_log_lines(record: JournalRecord, identifier: str) -> list[LogLine]:
    """Return the lines that an attempt logged, and below them the attempt; `identifier` is unique to it."""
    own = [
        LogLine(
            f"{identifier}.{number}",
            entry.at,
            record.function,
            entry.level,
            entry.message,
            record.subject,
            record.event_id,
            None,
            entry.logger,
            entry.fields,
            entry.exception,
            record.correlation_id,
        )
        for number, entry in enumerate(record.logs)
    ]
    ended = LogLine(
        id=identifier,
        at=record.started_at,
        function=record.function,
        level=attempt_level(record),
        text=record.error or "",
        subject=record.subject,
        event_id=record.event_id,
        record=record,
        exception=record.traceback,
        correlation_id=record.correlation_id,
    )
    return [*own, ended]


class Records(NamedTuple):
    """Records that a search found."""

    records: list[JournalRecord]
    whole: bool
    """Whether these are all; a search in logs has a limit."""


class JournalAccess(Protocol):
    """Finds records."""

    def flows(self, term: str) -> list[JournalRecord]:
        """Return all records of flows with an id or subject that is `term`, or from 8 characters on begins with it.

        Of more than `MOST_FOUND`, some.
        """
        ...

    def with_logs(self, records: Sequence[JournalRecord]) -> list[JournalRecord]:
        """Return the records of flows, each with what its attempt logged."""
        ...

    def outstanding(self, correlation_ids: Iterable[str]) -> list[Outstanding]:
        """Return the pending deliveries of these flows, as far as the system can list them."""
        ...

    def not_consumed(self, term: str) -> list[AcceptedEvent]:
        """Return events that no record is about, with an id that is `term` or begins with it as in `flows`; at most 11.

        Only of a system that can list its events.
        """
        ...

    def of_flows(self, correlation_ids: Iterable[str]) -> list[JournalRecord]:
        """Return every record of these flows, without logs."""
        ...

    def latest(self) -> list[JournalRecord]:
        """Return every record of the flow that began last; empty when there are none."""
        ...

    def records(self, wanted: Wanted) -> Records:
        """Return the wanted records, in the order in which they were written, and whether these are all."""
        ...

    def newest(self, wanted: Wanted) -> Iterator[JournalRecord]:
        """Yield the wanted records, the latest first."""
        ...

    def lines(self, wanted: Wanted) -> Iterator[LogLine]:
        """Yield the wanted log lines, in order; with `wanted.latest`, only so many of them, the latest."""
        ...

    def follow(self, wanted: Wanted, pauses: Iterable[object]) -> Iterator[LogLine]:
        """Yield what `lines` yields, and then each new line once; each item of `pauses` starts a search."""
        ...
