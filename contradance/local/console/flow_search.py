"""Flows by what happened in them: a filter of the latest attempts, each in a fixed number of queries.

A term is searched in ids, subjects, error texts, and in those fields of events that are not marked as personal. A filter
reads the latest `WINDOW` attempts, so that its cost has a bound; an id is found at any age, through an index.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from contradance.choreography import Choreography
from contradance.local.console.history import END, PAGE, FlowPage, History
from contradance.local.state.database import Database
from contradance.local.state.journal_row import STARTED_AT
from contradance.local.state.stored import stored_object
from contradance.operate.flow import Flow
from contradance.operate.masking import masked_event

WINDOW: Final = 20_000
"""Latest attempts, and latest events, that a filter reads."""
_CANDIDATES: Final = 4 * PAGE
"""Flows that are looked at for a page, because an outcome is known only of a whole flow."""
_HITS: Final = 500
"""Most events whose fields are compared with a term."""
OUTCOMES: Final = {"done": "done", "waiting": "waiting", "failed": "failed"}
SPANS: Final = {"15m": timedelta(minutes=15), "1h": timedelta(hours=1), "1d": timedelta(days=1)}
"""The choices of a filter by time."""


@dataclass(frozen=True, slots=True)
class FlowFilter:
    """What a flow must have; empty texts filter nothing."""

    term: str = ""
    outcome: str = ""
    trigger: str = ""
    """A route's key or a schedule's expression that began it."""
    function: str = ""
    event: str = ""
    """The identity of an event that it has."""
    span: str = ""

    @classmethod
    def of(cls, query: Mapping[str, str]) -> "FlowFilter":
        """Return the filter in a page's query; what is missing there filters nothing."""
        names = ("term", "outcome", "trigger", "function", "event", "span")
        return cls(**{name: str(query.get(name, "")).strip() for name in names})

    @property
    def is_empty(self) -> bool:
        """Whether it filters nothing, so that every flow passes."""
        return self == FlowFilter()


class FlowSearch:
    """Finds flows in the laptop's file."""

    def __init__(self, choreography: Choreography, database: Database, history: History) -> None:
        self._choreography = choreography
        self._database = database
        self._history = history

    def page(self, wanted: FlowFilter, before: int | None, now: datetime) -> FlowPage:
        """Return a page of recent flows that fit, the latest activity first; `before`: None, or the last `older`."""
        self._database.flush()
        conditions, values = self._conditions(wanted, now)
        # Without the plus sign SQLite would group by the index, and read every record of it.
        rows = self._database.read(
            "SELECT correlation_id, max(id) AS last FROM journal WHERE id > (SELECT max(id) FROM journal) - ? "  # noqa: S608 - the conditions are constants
            f"AND {' AND '.join(conditions)} "
            "GROUP BY +correlation_id HAVING last < ? ORDER BY last DESC LIMIT ?",
            (WINDOW, *values, END if before is None else before, _CANDIDATES + 1),
        )
        candidates: dict[str, int] = dict(rows[:_CANDIDATES])
        fitting = [flow for flow in self._history.flows_of(candidates) if _has_outcome(flow, wanted.outcome)]
        shown = fitting[:PAGE]
        if len(fitting) > PAGE:
            return FlowPage(shown, candidates[shown[-1].correlation_id])
        more = len(rows) > _CANDIDATES
        return FlowPage(shown, rows[_CANDIDATES - 1][1] if more else None)

    def _conditions(self, wanted: FlowFilter, now: datetime) -> tuple[list[str], list[Any]]:
        """Return SQL conditions on a journal record for a filter, and their parameters; outcome `done` adds none."""
        found: list[tuple[str, list[Any]]] = [("1", [])]
        if wanted.term:
            found.append(
                (
                    "(correlation_id IN (SELECT value FROM json_each(?)) OR record LIKE ? ESCAPE '!')",
                    [json.dumps(self._flows_with_field(wanted.term)), f"%{_escaped(wanted.term)}%"],
                )
            )
        if wanted.function:
            found.append(("function = ?", [wanted.function]))
        if wanted.event:
            found.append(("instr(record, ?) > 0", [json.dumps(wanted.event, ensure_ascii=False)]))
        if wanted.trigger:
            quoted = json.dumps(wanted.trigger, ensure_ascii=False)
            found.append(("event_id IS NULL AND instr(record, ?) > 0", [f'"trigger":{quoted}']))
        if wanted.outcome == "waiting":
            found.append(("EXISTS (SELECT 1 FROM delivery WHERE delivery.correlation_id = journal.correlation_id)", []))
        if wanted.outcome == "failed":
            failed = [f'instr(record, \'"outcome":"{outcome}"\') > 0' for outcome in ("failed", "invalid", "expired")]
            found.append((f"({' OR '.join(failed)})", []))
        if wanted.span in SPANS:
            found.append((f"{STARTED_AT} >= ?", [_json_time(now - SPANS[wanted.span])]))
        return [condition for condition, _ in found], [value for _, values in found for value in values]

    def _flows_with_field(self, term: str) -> list[str]:
        """Return the flow ids of recent events with a term in a field that is not personal."""
        rows = self._database.read(
            "SELECT correlation_id, envelope FROM event WHERE id > (SELECT max(id) FROM event) - ? "
            "AND envelope LIKE ? ESCAPE '!' ORDER BY id DESC LIMIT ?",
            (WINDOW, f"%{_escaped(json.dumps(term, ensure_ascii=False)[1:-1])}%", _HITS),
        )
        return [flow for flow, envelope in rows if flow is not None and self._shows(envelope, term)]

    def _shows(self, envelope: str, term: str) -> bool:
        """Whether a term is in the event's JSON with personal data masked; case does not count."""
        event = stored_object(envelope)
        if event is None:
            return False
        shown = json.dumps(masked_event(self._choreography, event), ensure_ascii=False)
        return json.dumps(term, ensure_ascii=False)[1:-1].lower() in shown.lower()


def _has_outcome(flow: Flow, outcome: str) -> bool:
    """Whether a flow is `done`, `waiting` or `failed`, as `outcome` names it, or may be by what was read; True for any other."""
    if outcome == "failed":
        return bool(flow.dead_letters or flow.failed or flow.unread)
    if outcome == "waiting":
        return bool(flow.waiting)
    return outcome != "done" or not (flow.dead_letters or flow.failed or flow.waiting)


def _escaped(term: str) -> str:
    """Return a term for LIKE with the escape `!`, so that nothing in it is a wildcard."""
    return term.replace("!", "!!").replace("%", "!%").replace("_", "!_")


def _json_time(moment: datetime) -> str:
    """Return a moment in UTC to the second, as text that compares with the times in the journal's JSON."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S")
