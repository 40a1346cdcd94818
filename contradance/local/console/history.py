"""Flows and events in the laptop's file, a page at a time; an index answers each query."""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

from contradance.foreign import UNVERSIONED
from contradance.identity import Identity
from contradance.local.state.database import Database
from contradance.local.state.journal_row import read_logs, records_of
from contradance.local.state.journal_table import LaptopJournal
from contradance.operate.flow import Flow, flows
from contradance.runtime.journal_record import JournalRecord, LogEntry
from contradance.strictjson import read_json

PAGE: Final = 25
"""Flows on a page."""
_CHUNK: Final = 500
"""Records that are read together."""
END: Final = 2**62
"""A position after every record."""


class FlowPage(NamedTuple):
    """Some flows, the latest activity first."""

    flows: list[Flow]
    older: int | None
    """`before` of the next page; None where this is the last."""


class KeptEvent(NamedTuple):
    """One event as the bus keeps it."""

    event_id: str
    at: datetime
    envelope: Mapping[str, Any] | None
    """None for a text that is not an event: a client may put any on a queue."""

    @property
    def contract(self) -> str:
        """Identity: `library.loans/BookLent v1`, without `v1` where it is not in our envelope; else `unknown`."""
        envelope = self.envelope or {}
        source, detail_type, detail = (envelope.get(name) for name in ("source", "detail-type", "detail"))
        if not isinstance(source, str) or not isinstance(detail_type, str):
            return "unknown"
        metadata = detail.get("metadata") if isinstance(detail, dict) else None
        version = metadata.get("version") if isinstance(metadata, dict) else None
        return str(Identity(source, detail_type, version if isinstance(version, int) else UNVERSIONED))


def _read_event(text: str) -> Mapping[str, Any] | None:
    """Return the JSON object in a text, an event; None for any other text."""
    try:
        found = read_json(text, any_integer=True)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


class History:
    """Reads flows and events from the laptop's file."""

    def __init__(self, database: Database, journal: LaptopJournal) -> None:
        self._database = database
        self._journal = journal

    def latest(self, before: int | None = None) -> FlowPage:
        """Return a page of flows, the latest activity first; `before` is `older` of the page before, None at first."""
        self._database.flush()
        start = END if before is None else before
        found: dict[str, int] = {}
        position, older = start, None
        while older is None:
            rows = self._database.read(
                "SELECT id, correlation_id FROM journal WHERE id < ? ORDER BY id DESC LIMIT ?", (position, _CHUNK)
            )
            for position, flow in rows:
                if flow in found or (before is not None and self._goes_on(flow, start)):
                    continue
                if len(found) == PAGE:
                    older = position + 1
                    break
                found[flow] = position
            if len(rows) < _CHUNK:
                break
        return FlowPage(self.flows_of(found), older)

    def named(self, term: str, before: int | None = None) -> FlowPage:
        """Return a page, as `latest` does, of the flows with a subject or id that is or begins with `term`."""
        rows = self._journal.latest_flows(term, END if before is None else before, PAGE + 1)
        shown = rows[:PAGE]
        return FlowPage(self.flows_of([flow for flow, _ in shown]), shown[-1][1] if len(rows) > PAGE else None)

    def flow(self, correlation_id: str) -> tuple[Flow | None, dict[int, JournalRecord]]:
        """Return one flow, None without records, and its records without logs by position, in the order written."""
        records = self._records([correlation_id])
        found = flows(records.values(), self._journal.outstanding([correlation_id]))
        return (found[0] if found else None), records

    def logs(self, positions: Iterable[int]) -> dict[int, Sequence[LogEntry]]:
        """Return what the attempts with the records at these positions logged, by position; one without logs is left out."""
        rows = self._database.read(
            "SELECT id, logs FROM journal WHERE id IN (SELECT value FROM json_each(?)) AND logs IS NOT NULL",
            (json.dumps([*positions]),),
        )
        return {position: read_logs(text) for position, text in rows}

    def events(self, event_ids: Iterable[str]) -> dict[str, KeptEvent]:
        """Return the events with these ids, by id; an id without an event is left out."""
        rows = self._database.read(
            "SELECT event_id, time, envelope FROM event WHERE event_id IN (SELECT value FROM json_each(?)) ORDER BY id",
            (json.dumps([*event_ids]),),
        )
        return {
            event_id: KeptEvent(event_id, datetime.fromtimestamp(time, UTC), _read_event(envelope))
            for event_id, time, envelope in rows
        }

    def failures(self, function: str, event_ids: Iterable[str]) -> dict[str, tuple[JournalRecord, JournalRecord]]:
        """Return by event id a function's first and last attempt, with logs, where the last one has an error."""
        self._database.flush()
        chosen = "FROM journal WHERE event_id IN (SELECT value FROM json_each(:events)) AND function = :function"
        rows = self._database.read(
            f"SELECT function, event_id, correlation_id, record, logs FROM journal WHERE id IN (SELECT max(id) {chosen} GROUP BY event_id "  # noqa: S608 - constants
            f"UNION SELECT min(id) {chosen} GROUP BY event_id) ORDER BY id",
            {"events": json.dumps([*event_ids]), "function": function},
        )
        found: dict[str, tuple[JournalRecord, JournalRecord]] = {}
        for (_, event_id, *_), record in zip(rows, records_of(rows), strict=True):
            found[event_id] = (found.get(event_id, (record,))[0], record)
        return {event_id: attempts for event_id, attempts in found.items() if attempts[1].error}

    def attempts_of(self, function: str, limit: int) -> list[JournalRecord]:
        """Return the latest `limit` attempts of a function without logs, the latest first."""
        self._database.flush()
        rows = self._database.read(
            "SELECT function, event_id, correlation_id, record, NULL FROM journal WHERE function = ? "
            "ORDER BY id DESC LIMIT ?",
            (function, limit),
        )
        return records_of(rows)

    def _goes_on(self, flow: str, start: int) -> bool:
        """Whether a flow has a record at the position `start` or later, so that an earlier page shows it."""
        query = "SELECT 1 FROM journal WHERE correlation_id = ? AND id >= ? LIMIT 1"
        return bool(self._database.read(query, (flow, start)))

    def _records(self, correlation_ids: Iterable[str]) -> dict[int, JournalRecord]:
        """Return the records of flows without logs, by position, in the order they were written."""
        self._database.flush()
        rows = self._database.read(
            "SELECT id, function, event_id, correlation_id, record, NULL FROM journal "
            "WHERE correlation_id IN (SELECT value FROM json_each(?)) ORDER BY id",
            (json.dumps([*correlation_ids]),),
        )
        return dict(zip((row[0] for row in rows), records_of(row[1:] for row in rows), strict=True))

    def flows_of(self, correlation_ids: Collection[str]) -> list[Flow]:
        """Return the flows with these ids, in their order; an id without records is left out."""
        outstanding = self._journal.outstanding(correlation_ids)
        by_flow = {flow.correlation_id: flow for flow in flows(self._records(correlation_ids).values(), outstanding)}
        return [
            by_flow[flow] for flow in correlation_ids if flow in by_flow
        ]  # SQLite's JSON ends an id at a null character
