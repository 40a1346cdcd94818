"""Flows and events in the laptop's file, a page at a time; an index answers each query."""

import json
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Final, NamedTuple

from contradance.foreign import UNVERSIONED
from contradance.identity import Identity
from contradance.local.state.database import Database
from contradance.local.state.journal_row import read_logs, records_of
from contradance.local.state.laptop_journal import LaptopJournal
from contradance.local.state.stored import stored_object, stored_time
from contradance.operate.flow import Flow, flows
from contradance.runtime.journal_record import JournalRecord, LogEntry

PAGE: Final = 25
"""Flows on a page."""
LISTED: Final = 100
"""Attempts of one flow that a list of flows reads, the first ones."""
SHOWN: Final = 250
"""Attempts of a flow on one page of it; the others are on the pages after it."""
_CHUNK: Final = 500
"""Records that are read together."""
_EVENTS: Final = 8 * 1024 * 1024
"""Characters of the events that one page reads."""
END: Final = 2**62
"""A position after every record."""


class FlowPage(NamedTuple):
    """Some flows, the latest activity first."""

    flows: list[Flow]
    older: int | None
    """`before` of the next page; None where this is the last."""


class FlowPart(NamedTuple):
    """Some attempts of one flow, in the order in which they were written."""

    flow: Flow | None
    """Everything that these attempts are about; None without any."""
    records: dict[int, JournalRecord]
    """By position, without logs."""
    total: int
    """Attempts of the whole flow."""
    first: int
    """The number of the first of these in the whole flow, from 1."""
    later: int | None
    """`after` of the next part; None where this is the last."""


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

    def flow(self, correlation_id: str, after: int = 0) -> FlowPart:
        """Return the first `SHOWN` attempts of one flow behind the position `after`, and what they are about."""
        records = self._records([correlation_id], SHOWN, after)
        found = flows(records.values(), self._journal.outstanding([correlation_id]))
        total, before = self._database.read(
            "SELECT count(*), count(*) FILTER (WHERE id <= ?) FROM journal WHERE correlation_id = ?",
            (after, correlation_id),
        )[0]
        is_last = not records or before + len(records) >= total
        flow = replace(found[0], unread=max(total - len(records), 0)) if found else None
        return FlowPart(flow, records, total, before + 1, None if is_last else max(records))

    def logs(self, positions: Iterable[int]) -> dict[int, Sequence[LogEntry]]:
        """Return what the attempts with the records at these positions logged, by position; one without logs is left out."""
        rows = self._database.read(
            "SELECT id, logs FROM journal WHERE id IN (SELECT value FROM json_each(?)) AND logs IS NOT NULL",
            (json.dumps([*positions]),),
        )
        return {position: read_logs(text) for position, text in rows}

    def events(self, event_ids: Iterable[str]) -> tuple[dict[str, KeptEvent], bool]:
        """Return the events with these ids, by id, and whether there are more than a page reads.

        An id without an event is left out.
        """
        found: dict[str, KeptEvent] = {}
        size = 0
        query = (
            "SELECT event_id, time, envelope FROM event WHERE event_id IN (SELECT value FROM json_each(?)) ORDER BY id"
        )
        for event_id, time, envelope in self._database.rows(query, (json.dumps([*event_ids]),)):
            if size > _EVENTS:
                return found, True
            found[event_id] = KeptEvent(event_id, stored_time(time), stored_object(envelope))
            size += len(envelope)
        return found, False

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

    def _records(self, correlation_ids: Iterable[str], most: int, after: int = 0) -> dict[int, JournalRecord]:
        """Return the first `most` records of each flow behind a position, without logs, by position, as they were written."""
        self._database.flush()
        rows = self._database.read(
            "SELECT journal.id, function, event_id, correlation_id, record, NULL FROM json_each(?) AS wanted JOIN journal "
            "ON journal.id IN (SELECT one.id FROM journal AS one WHERE one.correlation_id = wanted.value AND one.id > ? "
            "ORDER BY one.id LIMIT ?) ORDER BY journal.id",
            (json.dumps([*correlation_ids]), after, most),
        )
        return dict(zip((row[0] for row in rows), records_of(row[1:] for row in rows), strict=True))

    def _unread(self, found: Iterable[Flow], records: Iterable[JournalRecord]) -> list[Flow]:
        """Return the flows; one with more than `LISTED` attempts has the number of the others as `unread`."""
        read = Counter(record.correlation_id for record in records)
        long = [flow for flow, count in read.items() if count >= LISTED]
        if not long:
            return [*found]
        counts = dict(
            self._database.read(
                "SELECT correlation_id, count(*) FROM journal WHERE correlation_id IN (SELECT value FROM json_each(?)) "
                "GROUP BY correlation_id",
                (json.dumps(long),),
            )
        )
        return [replace(one, unread=max(counts.get(one.correlation_id, 0) - LISTED, 0)) for one in found]

    def flows_of(self, correlation_ids: Collection[str]) -> list[Flow]:
        """Return the flows with these ids, in their order, by their first `LISTED` records; an id without one is left out."""
        outstanding = self._journal.outstanding(correlation_ids)
        records = self._records(correlation_ids, LISTED).values()
        by_flow = {flow.correlation_id: flow for flow in self._unread(flows(records, outstanding), records)}
        # SQLite's JSON ends an id at a null character: such a flow is not found.
        return [by_flow[flow] for flow in correlation_ids if flow in by_flow]
