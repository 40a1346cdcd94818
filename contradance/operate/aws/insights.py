"""The journal of a stack on AWS: CloudWatch Logs Insights over the functions' log groups.

A record is one JSON log line with the record under the key `journal`; the other lines are the functions' own logs. Insights
finds a line some seconds after it was written, returns at most 10,000 lines, and costs by the bytes that it scans: so every
search has a window.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import islice
from time import sleep
from typing import Any, Final

from contradance.deployed import Deployed
from contradance.errors import OperateError
from contradance.operate.aws.services import Aws
from contradance.operate.flow import AcceptedEvent, Outstanding
from contradance.operate.journal import LogLine, Records, Wanted, attempt_level, logs_attached, read_record
from contradance.operate.level import LEVELS
from contradance.operate.shortened_id import selects
from contradance.runtime.attempt_log import STANDARD_KEYS
from contradance.runtime.journal_record import JournalRecord

MOST: Final = 10_000
"""Most lines of one Logs Insights search. CloudWatch Logs API reference, StartQuery."""
_GROUPS: Final = 50
"""Most log groups of one search. The same."""
_FLOWS: Final = 100
"""Flows of one search: its text has at most 10,000 characters."""
_PAUSE_SECONDS: Final = 0.5
_POLLS: Final = 240
"""How often a running search is polled before it is given up."""
_ENDED: Final = ("Complete", "Failed", "Cancelled", "Timeout", "Unknown")
_FIELDS: Final = "fields @timestamp, @message, @log, @ptr"
_JOURNALED: Final = "ispresent(journal.function)"
_METRICS: Final = "_aws"
"""Key of a line from which CloudWatch makes metrics: it has numbers for dashboards and is not a log line."""
_OF_INVOCATION: Final = frozenset(
    {
        *("cold_start", "function_name", "function_memory_size", "function_arn", "function_request_id"),
        *("journal", "tenant_id"),
    }
)
"""Keys of a line that the runtime adds on AWS."""


class InsightsJournal:
    """`contradance.operate.journal.Journal` over CloudWatch Logs.

    Args:
        deployed: the stack whose logs are searched.
        aws: the services of its account.
        since: start of the window of `flows` and `latest`.
        now: the present moment.
        pause: waits for a number of seconds while a search runs.
    """

    def __init__(
        self,
        deployed: Deployed,
        aws: Aws,
        since: datetime,
        now: Callable[[], datetime],
        pause: Callable[[float], None] = sleep,
    ) -> None:
        self._deployed = deployed
        self._aws = aws
        self._since = since
        self._now = now
        self._pause = pause

    def flows(self, term: str) -> list[JournalRecord]:
        """Return all records of flows with an id or subject that is `term` or, from 8 characters on, begins with it."""
        wanted = Wanted(self._since)
        touched = self._records(wanted, f"{_JOURNALED} and strcontains(@message, {_quoted(term)})").records
        flows = sorted({record.correlation_id for record in touched if _is_about(record, term)})
        return self.of_flows(flows)

    def of_flows(self, correlation_ids: Iterable[str]) -> list[JournalRecord]:
        """Return all records of these flows since the start of the window, by one search for each 100 flows."""
        return [
            record
            for named in _lists_of(correlation_ids)
            for record in self._records(
                Wanted(self._since), f"{_JOURNALED} and journal.correlation_id in [{named}]"
            ).records
        ]

    def with_logs(self, records: Sequence[JournalRecord]) -> list[JournalRecord]:
        """Return the records, each with the log lines of its attempt, by one more search for each 100 flows."""
        lines = [
            line
            for named in _lists_of(sorted({record.correlation_id for record in records}))
            for line in self._lines(Wanted(self._since), f"not {_JOURNALED} and correlation_id in [{named}]")
        ]
        return logs_attached(records, lines)

    def outstanding(self, correlation_ids: Iterable[str]) -> list[Outstanding]:  # noqa: ARG002 - the port's
        """Return an empty list: EventBridge, Lambda and SQS have no operation that lists pending deliveries."""
        return []

    def not_consumed(self, term: str) -> list[AcceptedEvent]:  # noqa: ARG002 - the port's
        """Return an empty list: EventBridge has no operation that lists events."""
        return []

    def latest(self) -> list[JournalRecord]:
        """Return every record of the flow that began last in the window; empty when there are none."""
        began: dict[str, datetime] = {}
        for record in self._records(Wanted(self._since), _JOURNALED).records:
            began[record.correlation_id] = min(record.started_at, began.get(record.correlation_id, record.started_at))
        if not began:
            return []
        return self.of_flows([max(began, key=lambda flow: began[flow])])

    def records(self, wanted: Wanted) -> Records:
        """Return the wanted records, in order, and whether these are all; of more than 10,000, the latest."""
        return self._records(wanted, _JOURNALED)

    def newest(self, wanted: Wanted) -> Iterator[JournalRecord]:
        """Yield the wanted records, the latest first; at most the latest 10,000."""
        return reversed(self.records(wanted).records)

    def lines(self, wanted: Wanted) -> Iterator[LogLine]:
        """Yield the wanted lines except metrics, in order; of more than 10,000, or `wanted.latest`, the latest."""
        logged = self._lines(wanted, f"not ispresent({_METRICS}.Timestamp)")
        found = [line for line in logged if wanted.takes_level(line.level) and _METRICS not in line.fields]
        return iter(found if wanted.latest is None else found[-wanted.latest :])

    def _records(self, wanted: Wanted, condition: str) -> Records:
        """Return the wanted records that meet a query's `condition`, in order, and whether these are all."""
        lines = self._lines(wanted, condition)
        records = sorted((line.record for line in lines if line.record), key=lambda record: record.started_at)
        return Records(records, whole=len(lines) < MOST)

    def _lines(self, wanted: Wanted, condition: str) -> list[LogLine]:
        """Return the wanted lines that meet a query's `condition`, in order; of more than `MOST`, the latest."""
        conditions = [condition]
        if wanted.subject is not None:
            conditions.append(f"(subject = {_quoted(wanted.subject)} or journal.subject = {_quoted(wanted.subject)})")
        if wanted.level is not None:
            named = ", ".join(map(_quoted, LEVELS[LEVELS.index(wanted.level) :]))
            conditions.append(f"(level in [{named}] or {_JOURNALED})")  # text without a level is INFO
        query = " | ".join([_FIELDS, *(f"filter {one}" for one in conditions), "sort @timestamp desc", f"limit {MOST}"])
        functions = {
            one.log_group: name for name, one in self._deployed.functions.items() if wanted.function in (None, name)
        }
        groups = [*functions]
        rows = [
            row
            for first in range(0, len(groups), _GROUPS)
            for row in self._search(query, groups[first : first + _GROUPS], wanted)
        ]
        return sorted((_log_line(row, functions) for row in rows), key=lambda line: (line.at, line.id))

    def _search(self, query: str, groups: Sequence[str], wanted: Wanted) -> Iterator[Mapping[str, str]]:
        """Search up to 50 log groups; yield the rows as fields by name. `OperateError` if it does not complete."""
        logs = self._aws.service("logs")
        begun = logs.ask(
            "start_query",
            logGroupNames=[*groups],
            startTime=int(wanted.since.timestamp()),
            endTime=int((wanted.until or self._now()).timestamp()) + 1,
            queryString=query,
            limit=MOST,
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
        for row in answer["results"]:
            yield {field["field"]: field["value"] for field in row}


def _log_line(row: Mapping[str, str], functions: Mapping[str, str]) -> LogLine:
    """Return a row of a search as a log line: of its journal record, else its JSON fields, else its text."""
    at = datetime.strptime(row["@timestamp"], "%Y-%m-%d %H:%M:%S.%f").replace(tzinfo=UTC)
    group = row.get("@log", "").partition(":")[2]
    fields = _json(row["@message"])
    record = (
        read_record(fields["journal"]) if "journal" in fields else None
    )  # of another version: shown as a plain line
    own = {name: value for name, value in fields.items() if name not in STANDARD_KEYS | _OF_INVOCATION}
    return LogLine(
        id=row.get("@ptr") or f"{row['@timestamp']} {row['@message']}",
        at=at,
        function=str(record.function if record else functions.get(group, group)),
        level=attempt_level(record) if record else str(fields.get("level", "INFO")),
        text=str((record.error or "") if record else fields.get("message", row["@message"])).rstrip("\n"),
        subject=record.subject if record else _text(fields.get("subject")),
        event_id=record.event_id if record else _text(fields.get("event_id")),
        record=record,
        logger=str(fields.get("location", "")),
        fields=own,
        exception=record.traceback if record else _text(fields.get("exception")),
        correlation_id=record.correlation_id if record else _text(fields.get("correlation_id")),
    )


def _text(value: object) -> str | None:
    """Return a text unchanged; None for any other value."""
    return value if isinstance(value, str) else None


def _json(text: str) -> dict[str, Any]:
    """Return the JSON object in a text; empty for any other text."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _is_about(record: JournalRecord, term: str) -> bool:
    """Whether an id or the subject of a record is `term`, or begins with it if it has 8 characters or more."""
    names = [record.correlation_id, record.subject, record.event_id, *(event.event_id for event in record.published)]
    return any(name is not None and selects(term, name) for name in names)


def _lists_of(correlation_ids: Iterable[str]) -> Iterator[str]:
    """Yield up to 100 ids at a time as the content of a list in an Insights query, so that its text is not too long."""
    names = map(_quoted, correlation_ids)
    while some := [*islice(names, _FLOWS)]:
        yield ", ".join(some)


def _quoted(text: str) -> str:
    """Return a text as a string literal of an Insights query."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
