"""Where an operator finds journal records: log lines on AWS, rows on the laptop."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, NamedTuple, Protocol

from contradance.operate.flow import Outstanding
from contradance.runtime.journal_record import JournalRecord

_LATE: Final = timedelta(minutes=2)
"""How late a line may become visible in CloudWatch Logs, generously."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which records are asked for."""

    since: datetime
    until: datetime | None = None
    function: str | None = None
    subject: str | None = None

    def takes(self, moment: datetime) -> bool:
        """Whether a moment is one that is asked for."""
        return self.since <= moment and (self.until is None or moment < self.until)


class LogLine(NamedTuple):
    """One line of a function's log: on the laptop, one record of its journal."""

    id: str
    """Tells it from every other line."""
    at: datetime
    function: str
    level: str
    text: str
    subject: str | None
    event_id: str | None
    record: JournalRecord | None
    """Where the line is a journal record."""


class Records(NamedTuple):
    """What was found of what is wanted."""

    records: list[JournalRecord]
    whole: bool
    """Whether that is all of it; a search in logs returns only so many."""


class JournalReader(Protocol):
    """Where records are found."""

    def flows(self, term: str) -> list[JournalRecord]:
        """Return every record of each flow whose correlation id, subject or an event's id is, or begins with, `term`."""

    def outstanding(self, correlation_ids: Iterable[str]) -> list[Outstanding]:
        """Return what is yet to be delivered in these flows, as far as that can be known."""

    def latest(self) -> list[JournalRecord]:
        """Return every record of the flow that began last."""

    def records(self, wanted: Wanted) -> Records:
        """Return the records that are wanted, in the order of their writing."""

    def lines(self, wanted: Wanted) -> list[LogLine]:
        """Return the log lines that are wanted, in order."""


def follow(journal: JournalReader, wanted: Wanted, pauses: Iterable[object]) -> Iterator[LogLine]:
    """Yield lines as they come; the next look is taken whenever `pauses` yields.

    Lines may become visible out of order and late, so each look begins a while before the last line that was seen.
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
