"""Flows: the latest, and one as a timeline and as its path through the picture."""

from typing import Any, Final
from urllib.parse import quote

from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from contradance.catalog.picture import Overlay, svg
from contradance.local.console.history import History, KeptEvent
from contradance.local.console.pages import PREFIX, Pages
from contradance.local.console.submitted import SubmittedForm
from contradance.local.laptop import Laptop
from contradance.operate.flow import COMPLETED
from contradance.operate.masking import masked_event
from contradance.runtime.journal_record import JournalRecord

_MOST: Final = 500
"""Attempts that a timeline shows; `contradance trace` shows all of a longer flow."""


class FlowPages:
    """The list of flows, and one flow."""

    def __init__(self, laptop: Laptop, history: History, pages: Pages) -> None:
        self._laptop = laptop
        self._choreography = laptop.choreography
        self._history = history
        self._pages = pages

    def latest(self, request: Request) -> Response:
        """Show the flows with the latest activity, or those that a search found."""
        term = request.query_params.get("term", "").strip()
        if term:
            found = self._history.found(term)
            if len(found) == 1:
                return RedirectResponse(f"{PREFIX}/flows/{quote(found[0].correlation_id, safe='')}", 303)
            return self._pages.page("flows", "flows", flows=found, older=None, term=term, first=False)
        before = request.query_params.get("before", "")
        page = self._history.latest(int(before) if before.isdecimal() and len(before) < 19 else None)  # noqa: PLR2004 - 64 bits
        return self._pages.page("flows", "flows", flows=page.flows, older=page.older, term="", first=not before)

    def one(self, request: Request) -> Response:
        """Show one flow; personal data is masked."""
        return self._show(request.path_params["flow"], published=request.query_params.get("event", ""))

    def reveal(self, request: Request, form: SubmittedForm) -> Response:
        """Show one flow, with the unmasked data of one of its events."""
        return self._show(request.path_params["flow"], revealed=form.first("reveal"))

    def _show(self, correlation_id: str, *, published: str = "", revealed: str = "") -> Response:
        flow, records = self._history.flow(correlation_id)
        events = self._history.events(dict.fromkeys([*_events(records[:_MOST]), *([published] if published else [])]))
        if flow is None and published not in events:
            why = "There is no flow of this id. It may have been in another folder of state."
            return self._pages.page("refused", "flows", status=404, why=why)
        return self._pages.page(
            "flow",
            "flows",
            correlation_id=correlation_id,
            flow=flow,
            picture=Markup(svg(self._choreography, _taken(records))),  # noqa: S704 - the picture escapes what it shows
            records=records[:_MOST],
            count=len(records),
            outstanding=self._laptop.journal.outstanding([correlation_id])[:_MOST],
            events=[self._event(event, revealed) for event in events.values()],
            well=COMPLETED,
        )

    def _event(self, event: KeptEvent, revealed: str) -> dict[str, Any]:
        """Return an event as the page shows it: masked, unless it is the one to reveal."""
        open_ = event.event_id == revealed
        shown = event.envelope
        if shown is not None and not open_:
            shown = masked_event(self._choreography, shown)
        return {"id": event.event_id, "contract": event.contract, "at": event.at, "shown": shown, "revealed": open_}


def _events(records: list[JournalRecord]) -> list[str]:
    """Return the ids of every event of a flow, in the order of the records."""
    found: dict[str, None] = {}
    for record in records:
        if record.event_id is not None:
            found[record.event_id] = None
        found.update(dict.fromkeys(event.event_id for event in record.published))
    return [*found]


def _taken(records: list[JournalRecord]) -> Overlay:
    """Return the path of a flow: functions, events and the arrows between them."""
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
    return Overlay(counts=counts, troubled=frozenset(troubled), boxes=frozenset(boxes), arrows=frozenset(arrows))
