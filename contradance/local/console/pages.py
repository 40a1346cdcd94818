"""Pages: templates with every value escaped, and how times, durations and names are written on them.

Beside HTML's own characters those are escaped that `contradance.printable` escapes everywhere: a reordering character in a
subject would show another one. A form's values are exact: they come back.
"""

import re
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import quote

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape
from starlette.responses import HTMLResponse

from contradance.bounds import MAX_SHOWN_BYTES, shortened
from contradance.choreography import Choreography
from contradance.local.console.guard import Guard
from contradance.operate.flow import delivery_state
from contradance.printable import encodable, printable, printable_block, printable_json
from contradance.quantity import counted

PREFIX: Final = "/_contradance"
"""Start of every path of the console, even where the application has a route that matches it."""
SECTIONS: Final = {
    "live": "Live",
    "flows": "Flows",
    "dead-letters": "Dead letters",
    "functions": "Functions",
    "replay": "Replay",
    "contracts": "Contracts",
    "publish": "Publish",
}
"""The pages of the menu, by path."""
_SECOND: Final = 1000.0
_MINUTE: Final = 60.0


class Pages:
    """Renders the templates of one console."""

    def __init__(self, choreography: Choreography, guard: Guard) -> None:
        self._environment = Environment(
            loader=PackageLoader("contradance.local.console"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            finalize=_shown,
        )
        self._environment.globals.update(
            app=choreography.name,
            prefix=PREFIX,
            sections=SECTIONS,
            token=guard.token,
            links=links_of(choreography),
        )
        self._environment.filters.update(
            moment=moment,
            milliseconds=milliseconds,
            event=event_name,
            exact=exact,
            pretty=pretty,
            took=took,
            plural=counted,
            soft=soft,
            state=lambda record: delivery_state((record,)),
            flow_page=flow_page,
            function_page=function_page,
        )

    def page(self, template: str, section: str, *, status: int = 200, **values: Any) -> HTMLResponse:
        """Return the page of a template with these values; `section` is marked in the menu."""
        text = self._environment.get_template(f"{template}.html").render(section=section, **values)
        return HTMLResponse(encodable(text), status)


def links_of(choreography: Choreography) -> dict[str, str]:
    """Return the path of each box's page, by the box's key: a function's page, or the page of an event's contract."""
    links = {name: function_page(name) for name in choreography.functions}
    for contract in choreography.contracts:
        source, detail_type, version = contract.identity
        links[str(contract.identity)] = f"{PREFIX}/contracts/{quote(source)}/{quote(detail_type, safe='')}/{version}"
    return links


def flow_page(correlation_id: str) -> str:
    """Return the path of a flow's page."""
    return f"{PREFIX}/flows/{quote(correlation_id, safe='')}"


def function_page(name: str) -> str:
    """Return the path of a function's page."""
    return f"{PREFIX}/functions/{quote(name)}"


def moment(at: datetime) -> str:
    """Return a time, which is given in UTC, as `2026-01-31 18:00:00`."""
    return f"{at:%Y-%m-%d %H:%M:%S}"


def milliseconds(duration: float) -> str:
    """Return a duration in milliseconds as text: `0.4 ms`, from a second on `1.2 s`."""
    return f"{duration:.1f} ms" if duration < _SECOND else f"{duration / _SECOND:.1f} s"


def took(duration: timedelta) -> str:
    """Return a duration as text: `0.4 ms`, `1.2 s`, `3 min 5 s` or `2 h 3 min`."""
    seconds = duration.total_seconds()
    if seconds < _MINUTE:
        return milliseconds(seconds * _SECOND)
    minutes, rest = divmod(round(seconds), int(_MINUTE))
    hours, minutes = divmod(minutes, int(_MINUTE))
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"


def event_name(contract: str) -> str:
    """Return `BookLent` for `library.loans/BookLent v1`, and `BookLent v2` for a later version."""
    return contract.rpartition("/")[2].removesuffix(" v1")


def pretty(value: object) -> str:
    """Return a value as indented JSON, cut where it is long: a page may show many."""
    return shortened(printable_json(value, indent=2), MAX_SHOWN_BYTES)


def soft(name: str) -> Markup:
    """Return a name as HTML that may break after a dot or an underscore, or before a capital letter."""
    return Markup(re.sub(r"(?<=[._])(?=\w)|(?<=[a-z])(?=[A-Z])", "<wbr>", str(escape(printable(name)))))  # noqa: S704 - escaped


def exact(value: str) -> Markup:
    """Return a value of a form as HTML, with every character that a browser has to send back."""
    return escape(value)


def _shown(value: object) -> object:
    """Return what a template shows of a value: a text with escapes for unsafe characters, unless it is HTML already."""
    return printable_block(value) if isinstance(value, str) and not isinstance(value, Markup) else value
