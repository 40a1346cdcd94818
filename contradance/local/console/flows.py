"""Flows: the latest, and one as a waterfall and as its path through the picture."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict
from itertools import groupby
from typing import Any, Final
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from contradance.catalog.picture import Overlay
from contradance.choreography import Choreography
from contradance.function import Schedule
from contradance.httproute import Route
from contradance.local.console.flow_search import OUTCOMES, SPANS, WINDOW, FlowFilter, FlowSearch
from contradance.local.console.history import FlowPage, History, KeptEvent
from contradance.local.console.pages import PREFIX, Pages, flow_page, links_of
from contradance.local.console.pictures import Pictures
from contradance.local.console.submitted import SubmittedForm
from contradance.local.console.waterfall import Row, waterfall
from contradance.local.laptop import Laptop
from contradance.operate.flow import Flow, Handled
from contradance.operate.masking import masked_event
from contradance.runtime.journal_record import COMPLETED, JournalRecord, LogEntry

_MOST: Final = 500
"""Rows that a waterfall shows, events below it, and pending deliveries: one attempt may publish thousands of events."""


class FlowPages:
    """The list of flows, and one flow."""

    def __init__(self, laptop: Laptop, history: History, pictures: Pictures, pages: Pages) -> None:
        self._laptop = laptop
        self._choreography = laptop.choreography
        self._history = history
        self._search = FlowSearch(laptop.choreography, laptop.database, history)
        self._pictures = pictures
        self._pages = pages

    def latest(self, request: Request) -> Response:
        """Show the flows with the latest activity, filtered; redirect to the one flow that a term alone names."""
        wanted, now = FlowFilter.of(request.query_params), self._laptop.clock.now()
        before = _position(request.query_params.get("before", ""))
        is_term = bool(wanted.term) and wanted == FlowFilter(term=wanted.term)
        page = self._history.named(wanted.term, before) if is_term else FlowPage([], None)
        if len(page.flows) == 1 and before is None:
            return RedirectResponse(flow_page(page.flows[0].correlation_id), 303)
        if wanted.is_empty:
            page = self._history.latest(before)
        elif not page.flows:
            page = self._search.page(wanted, before, now)
        query = {name: value for name, value in asdict(wanted).items() if value}
        return self._pages.page(
            "flows",
            "flows",
            entries=collapsed(page.flows),
            older=f"{PREFIX}/flows?{urlencode({**query, 'before': page.older})}" if page.older else "",
            wanted=wanted,
            first=before is None,
            latest=f"{PREFIX}/flows?{urlencode(query)}",
            functions=[*self._choreography.functions],
            events=[str(one.identity) for one in self._choreography.contracts],
            triggers=_triggers(self._choreography),
            outcomes=OUTCOMES,
            spans=[*SPANS],
            window=WINDOW,
        )

    def one(self, request: Request) -> Response:
        """Show one flow with personal data masked; a 404 page for an unknown one."""
        query = request.query_params
        return self._show(
            request.path_params["flow"],
            published=query.get("event", ""),
            after=_position(query.get("after", "")) or 0,
            whole=query.get("picture") == "whole",
        )

    def act(self, request: Request, form: SubmittedForm) -> Response:
        """Show one flow with one event unmasked; or make its waiting deliveries now, and redirect to it."""
        if form.first("do") == "retry":
            self._laptop.retry(request.path_params["flow"], "flow")
            return RedirectResponse(flow_page(request.path_params["flow"]), 303)
        after = _position(request.query_params.get("after", "")) or 0
        return self._show(request.path_params["flow"], revealed=form.first("reveal"), after=after)

    def _show(
        self, correlation_id: str, *, after: int, published: str = "", revealed: str = "", whole: bool = False
    ) -> Response:
        """Show a page of a flow, or the event `published` alone; the event `revealed` unmasked. A 404 page without both.

        In a large choreography the picture shows the flow's part, unless `whole` is wanted.
        """
        part = self._history.flow(correlation_id, after)
        flow, records = part.flow, [*part.records.values()]
        rows = waterfall(flow, self._laptop.clock.now(), _MOST) if flow else []
        ids = _event_ids(records)
        events, cut = self._history.events(dict.fromkeys([*([published] if published else []), *ids[:_MOST]]))
        if flow is None and published not in events:
            why = "There is no flow of this id. It may have been in another folder of state."
            return self._pages.page("refused", "flows", status=404, why=why)
        overlay = _overlay_of(records, links_of(self._choreography))
        partly = self._pictures.large and bool(overlay.boxes) and not whole
        return self._pages.page(
            "flow",
            "flows",
            correlation_id=correlation_id,
            flow=flow,
            picture=self._pictures.around(overlay.boxes or (), overlay) if partly else self._pictures.whole(overlay),
            partly=partly,
            rows=rows,
            logs_of=self._logs_of(rows, part.records),
            most=_MOST,
            part=part,
            after=after,
            outstanding=self._laptop.journal.outstanding([correlation_id])[:_MOST],
            events=[self._shown_event(event, revealed) for event in events.values()],
            events_cut=cut or len(ids) > _MOST,
            well=COMPLETED,
        )

    def _logs_of(
        self, rows: Iterable[Row], records: Mapping[int, JournalRecord]
    ) -> Callable[[JournalRecord], Sequence[LogEntry]]:
        """Return a function from an attempt in a waterfall's rows to what it logged; only these logs are read."""
        positions = {id(record): position for position, record in records.items()}
        found = self._history.logs(positions[id(attempt.record)] for row in rows for attempt in row.attempts)
        return lambda record: found.get(positions[id(record)], ())

    def _shown_event(self, event: KeptEvent, revealed: str) -> dict[str, Any]:
        """Return an event as the page shows it: masked, unless its id is `revealed`."""
        open_ = event.event_id == revealed
        shown = event.envelope
        if shown is not None and not open_:
            shown = masked_event(self._choreography, shown)
        return {"id": event.event_id, "contract": event.contract, "at": event.at, "shown": shown, "revealed": open_}


def _position(text: str) -> int | None:
    """Return a record's position from a query; None unless the text is a number of at most 18 digits."""
    return int(text) if text.isdecimal() and text.isascii() and len(text) < 19 else None  # noqa: PLR2004 - 64 bits


def _triggers(choreography: Choreography) -> list[str]:
    """Return what can begin a flow, each once: the keys of routes, and the expressions of schedules."""
    found = []
    for function in choreography.functions.values():
        if isinstance(function.trigger, Route):
            found.append(function.trigger.key)
        elif isinstance(function.trigger, Schedule):
            found.append(function.trigger.timetable.expression)
    return [*dict.fromkeys(found)]


def collapsed(flows: Iterable[Flow]) -> list[list[Flow]]:
    """Return flows as rows: neighbouring runs of one schedule that went well are one row."""
    return [[*group] for _, group in groupby(flows, key=_row_key)]


def _row_key(flow: Flow) -> str:
    """Return the function of a scheduled run that went well, as its neighbours have; else the flow's id."""
    root = flow.roots[0]
    is_run = isinstance(root, Handled) and not root.last.is_request
    went_well = not (flow.dead_letters or flow.failed or flow.waiting or flow.unread)
    return root.last.function if isinstance(root, Handled) and is_run and went_well else flow.correlation_id


def _event_ids(records: list[JournalRecord]) -> list[str]:
    """Return the ids of the events that records consumed or published, each once, in their order."""
    found: dict[str, None] = {}
    for record in records:
        if record.event_id is not None:
            found[record.event_id] = None
        found.update(dict.fromkeys(event.event_id for event in record.published))
    return [*found]


def _overlay_of(records: list[JournalRecord], links: Mapping[str, str]) -> Overlay:
    """Return the overlay of a flow: its boxes and arrows, with counts, and the functions whose last attempt failed."""
    arrows = {(record.trigger, record.function) for record in records if record.event_id is not None}
    arrows |= {(record.function, event.contract) for record in records for event in record.published}
    counts: dict[str, int] = {}
    for record in records:
        counts[record.function] = counts.get(record.function, 0) + 1
        for event in record.published:
            counts[event.contract] = counts.get(event.contract, 0) + 1
    latest = {(record.function, record.event_id): record for record in records}
    troubled = {record.function for record in latest.values() if record.outcome not in COMPLETED}
    boxes = {end for arrow in arrows for end in arrow} | {record.function for record in records}
    return Overlay(
        counts=counts, troubled=frozenset(troubled), boxes=frozenset(boxes), arrows=frozenset(arrows), links=links
    )
