"""The journal of a stack on AWS: CloudWatch Logs Insights over the functions' log groups.

A record is one JSON log line with the record under the key `journal`; the other lines are the functions' own logs. Insights
finds a line some seconds after it was written, returns at most 10,000 lines, and costs by the bytes that it scans: so every
search has a window.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import cache
from time import sleep
from typing import Final, NamedTuple

from contradance.deployed import Deployed
from contradance.errors import OperateError
from contradance.operate.aws.late_lines import follow
from contradance.operate.aws.log_line import METRICS, log_line
from contradance.operate.aws.services import Aws
from contradance.operate.flow import AcceptedEvent, Outstanding
from contradance.operate.journal import MOST_FOUND, LogLine, Records, Wanted, logs_attached
from contradance.operate.level import LEVELS, Level
from contradance.operate.shortened_id import selects
from contradance.runtime.journal_record import JournalRecord

_CUT: Final = (
    f"CloudWatch returns at most {MOST_FOUND:,} lines of a search: older ones are missing.\n"
    "  Search a shorter time: give a later --since."
)
_GROUPS: Final = 50
"""Most log groups of one search. CloudWatch Logs API reference, StartQuery."""
_NAMED: Final = 8_000
"""Characters of the flows in one search: its text has at most 10,000."""
_PAUSE_SECONDS: Final = 0.5
_POLLS: Final = 240
"""How often a running search is polled before it is given up."""
_ENDED: Final = ("Complete", "Failed", "Cancelled", "Timeout", "Unknown")
_FIELDS: Final = "fields @timestamp, @message, @log, @ptr"
_JOURNALED: Final = "ispresent(journal.function)"


class InsightsJournal:
    """`contradance.operate.journal.Journal` over CloudWatch Logs.

    Args:
        deployed: the stack whose logs are searched.
        aws: the services of its account.
        since: start of the window of `flows` and `latest`.
        now: the present moment.
        pause: waits for a number of seconds while a search runs.
        report: called once, with a sentence, when a search left out lines that were wanted.
    """

    def __init__(
        self,
        deployed: Deployed,
        aws: Aws,
        since: datetime,
        now: Callable[[], datetime],
        *,
        pause: Callable[[float], None] = sleep,
        report: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._deployed = deployed
        self._aws = aws
        self._since = since
        self._now = now
        self._pause = pause
        self._report = cache(report)  # the one sentence once

    def flows(self, term: str) -> list[JournalRecord]:
        """Return all records of flows with an id or subject that is `term` or, from 8 characters on, begins with it."""
        wanted = Wanted(self._since)
        touched = self._all_records(wanted, f"{_JOURNALED} and strcontains(@message, {_quoted(term)})")
        flows = sorted({record.correlation_id for record in touched if _is_about(record, term)})
        return self.of_flows(flows)

    def of_flows(self, correlation_ids: Iterable[str]) -> list[JournalRecord]:
        """Return all records of these flows since the start of the window, by one search for about 200 flows."""
        return [
            record
            for named in _lists_of(correlation_ids)
            for record in self._all_records(
                Wanted(self._since), f"{_JOURNALED} and journal.correlation_id in [{named}]"
            )
        ]

    def with_logs(self, records: Sequence[JournalRecord]) -> list[JournalRecord]:
        """Return the records, each with the log lines of its attempt, by one more search for about 200 flows."""
        lines = [
            line
            for named in _lists_of(sorted({record.correlation_id for record in records}))
            for line in self._all_lines(Wanted(self._since), f"not {_JOURNALED} and correlation_id in [{named}]")
        ]
        return logs_attached(records, lines)

    def outstanding(self, correlation_ids: Iterable[str]) -> list[Outstanding]:  # noqa: ARG002 - the port's
        """Return an empty list: EventBridge, Lambda and SQS have no operation that lists pending deliveries."""
        return []

    def not_consumed(self, term: str) -> list[AcceptedEvent]:  # noqa: ARG002 - the port's
        """Return an empty list: EventBridge has no operation that lists events."""
        return []

    def latest(self) -> list[JournalRecord]:
        """Return every record of the flow that began last in the window, by its latest 10,000; empty without any."""
        began: dict[str, datetime] = {}
        for record in self._all_records(Wanted(self._since), _JOURNALED):
            began[record.correlation_id] = min(record.started_at, began.get(record.correlation_id, record.started_at))
        if not began:
            return []
        return self.of_flows([max(began, key=lambda flow: began[flow])])

    def records(self, wanted: Wanted) -> Records:
        """Return the wanted records, in order, and whether these are all; of more than 10,000, the latest."""
        lines, whole = self._lines(wanted, _JOURNALED)
        return Records(_records_in(lines), whole)

    def newest(self, wanted: Wanted) -> Iterator[JournalRecord]:
        """Yield the wanted records, the latest first; at their end, report if there are more than 10,000."""
        found = self.records(wanted)
        yield from reversed(found.records)
        if not found.whole:
            self._report(_CUT)

    def lines(self, wanted: Wanted) -> Iterator[LogLine]:
        """Yield the wanted lines except metrics, in order; of more than 10,000, or `wanted.latest`, the latest."""
        logged = self._lines(wanted, f"not ispresent({METRICS}.Timestamp)")
        found = [line for line in logged.lines if wanted.takes_level(line.level) and METRICS not in line.fields]
        if not logged.whole and (wanted.latest is None or len(found) < wanted.latest):
            self._report(_CUT)
        return iter(found if wanted.latest is None else found[-wanted.latest :])

    def follow(self, wanted: Wanted, pauses: Iterable[object]) -> Iterator[LogLine]:
        """Yield the wanted lines, and then each new one, by a search of the latest minutes for each item of `pauses`."""
        return follow(self, wanted, pauses, self._now)

    def _all_records(self, wanted: Wanted, condition: str) -> list[JournalRecord]:
        """Return the wanted records that meet a query's `condition`, in order; report if these are not all."""
        return _records_in(self._all_lines(wanted, condition))

    def _all_lines(self, wanted: Wanted, condition: str) -> list[LogLine]:
        """Return what `_lines` returns; report if these are not all."""
        found = self._lines(wanted, condition)
        if not found.whole:
            self._report(_CUT)
        return found.lines

    def _lines(self, wanted: Wanted, condition: str) -> "_Lines":
        """Return the wanted lines that meet a query's `condition`, in order; of more than `MOST_FOUND` in 50 log groups, the latest."""
        conditions = [condition]
        if wanted.subject is not None:
            conditions.append(f"(subject = {_quoted(wanted.subject)} or journal.subject = {_quoted(wanted.subject)})")
        if wanted.level is not None:
            conditions += _level_conditions(wanted.level)
        query = " | ".join(
            [_FIELDS, *(f"filter {one}" for one in conditions), "sort @timestamp desc", f"limit {MOST_FOUND}"]
        )
        functions = {
            one.log_group: name for name, one in self._deployed.functions.items() if wanted.function in (None, name)
        }
        groups = [*functions]
        parts = [
            self._search(query, groups[first : first + _GROUPS], wanted) for first in range(0, len(groups), _GROUPS)
        ]
        lines = [log_line(row, functions) for rows in parts for row in rows]
        return _Lines(
            sorted(lines, key=lambda line: (line.at, line.id)), whole=all(len(rows) < MOST_FOUND for rows in parts)
        )

    def _search(self, query: str, groups: Sequence[str], wanted: Wanted) -> list[Mapping[str, str]]:
        """Search up to 50 log groups; return the rows as fields by name. `OperateError` if it does not complete."""
        logs = self._aws.service("logs")
        begun = logs.ask(
            "start_query",
            logGroupNames=[*groups],
            startTime=int(wanted.since.timestamp()),
            endTime=int((wanted.until or self._now()).timestamp()) + 1,
            queryString=query,
            limit=MOST_FOUND,
        )
        answer = logs.ask("get_query_results", queryId=begun["queryId"])
        for _ in range(_POLLS):
            if answer["status"] in _ENDED:
                break
            self._pause(_PAUSE_SECONDS)
            answer = logs.ask("get_query_results", queryId=begun["queryId"])
        if answer["status"] != "Complete":
            raise OperateError(
                f"CloudWatch Logs Insights did not complete a search of {len(groups)} log groups: {answer['status']}.\n"
                "  Try again, with a shorter --since or one --subscriber."
            )
        return [{field["field"]: field["value"] for field in row} for row in answer["results"]]


class _Lines(NamedTuple):
    """Lines that a search found."""

    lines: list[LogLine]
    whole: bool
    """Whether these are all."""


def _level_conditions(level: Level) -> Iterator[str]:
    """Yield the condition on lines of at least this level, if any; an attempt has its level in its record.

    A line without a level, or with one that is not in `LEVELS`, counts as INFO.
    """
    lower, wanted = LEVELS[: LEVELS.index(level)], LEVELS[LEVELS.index(level) :]
    if "INFO" not in wanted:
        yield f"(level in [{', '.join(map(_quoted, wanted))}] or {_JOURNALED})"
    elif lower:
        yield f"(not ispresent(level) or level not in [{', '.join(map(_quoted, lower))}])"


def _records_in(lines: Iterable[LogLine]) -> list[JournalRecord]:
    """Return the records of those lines that have one, the first started first."""
    return sorted((line.record for line in lines if line.record), key=lambda record: record.started_at)


def _is_about(record: JournalRecord, term: str) -> bool:
    """Whether an id or the subject of a record is `term`, or begins with it if it has 8 characters or more."""
    names = [record.correlation_id, record.subject, record.event_id, *(event.event_id for event in record.published)]
    return any(name is not None and selects(term, name) for name in names)


def _lists_of(correlation_ids: Iterable[str]) -> Iterator[str]:
    """Yield the ids as the content of lists in Insights queries, each short enough for the text of one query."""
    listed = ""
    for name in map(_quoted, correlation_ids):
        if listed and len(listed) + len(name) > _NAMED:
            yield listed
            listed = ""
        listed += f", {name}" if listed else name
    if listed:
        yield listed


def _quoted(text: str) -> str:
    """Return a text as a string literal of an Insights query."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
