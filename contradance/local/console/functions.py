"""Functions: what one declares, its latest attempts with their durations as a chart, and the actions on it."""

import inspect
import json
from datetime import UTC
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from contradance.choreography import AnyFunction
from contradance.function import Schedule
from contradance.httproute import Route
from contradance.local.console.history import History
from contradance.local.console.pages import Pages, function_page, moment
from contradance.local.console.submitted import SubmittedForm
from contradance.local.console.waterfall import bar_kind
from contradance.local.laptop import Laptop
from contradance.local.refusal import Refused
from contradance.operate.ports import System
from contradance.runtime.journal_record import COMPLETED, JournalRecord
from contradance.subscription import Subscription
from contradance.table import Grant

SHOWN: Final = 60
"""Latest attempts in the chart."""
_LISTED: Final = 10
"""Latest attempts in the list."""
_HEIGHT: Final = 60
"""Height of the chart."""


class FunctionPages:
    """The list of functions, and one function."""

    def __init__(self, laptop: Laptop, system: System, history: History, pages: Pages) -> None:
        self._laptop = laptop
        self._system = system
        self._history = history
        self._pages = pages

    def one(self, request: Request) -> Response:
        """Show one function: declaration, latest attempts, backlog; raise `Refused` for an unknown one."""
        function = self._function(request)
        attempts = self._history.attempts_of(function.name, SHOWN)
        due, later = self._laptop.deliveries.backlog(function.name)
        can_die = isinstance(function.trigger, Subscription | Schedule)
        return self._pages.page(
            "function",
            "functions",
            function=function,
            facts=[*_facts(function)],
            pattern=_pattern(function),
            source=_source(function),
            about=inspect.getdoc(function.handler) or "",
            publishes=[str(one.identity) for one in function.publishes],
            consumes=_consumed(function),
            is_schedule=isinstance(function.trigger, Schedule),
            route=function.trigger.key if isinstance(function.trigger, Route) else "",
            attempts=attempts[:_LISTED],
            chart=_chart(attempts),
            height=_HEIGHT,
            failures=sum(one.outcome not in COMPLETED for one in attempts),
            count=len(attempts),
            due=due,
            later=later,
            dead=self._system.dead_letters.count(function.name) if can_die else 0,
        )

    def act(self, request: Request, form: SubmittedForm) -> Response:
        """Run a scheduled function, or make postponed attempts, now; redirect. `Refused` for an unknown function."""
        function = self._function(request)
        if form.first("do") == "run" and isinstance(function.trigger, Schedule):
            self._laptop.run_schedule(function.name)
        elif form.first("do") == "retry":
            self._laptop.retry(function.name, "function")
        return RedirectResponse(function_page(function.name), 303)

    def all(self, _: Request) -> Response:
        """Show every function by its service."""
        services: dict[str, list[dict[str, Any]]] = {}
        for function in self._laptop.choreography.functions.values():
            facts = {
                "function": function,
                "trigger": _trigger(function),
                "about": (inspect.getdoc(function.handler) or ""),
            }
            services.setdefault(function.service, []).append(facts)
        return self._pages.page("functions", "functions", services=services)

    def _function(self, request: Request) -> AnyFunction:
        """Return the function in the request's path; raise `Refused` for an unknown one."""
        function = self._laptop.choreography.functions.get(request.path_params["function"])
        if function is None:
            raise Refused("NoSuchFunction", "The choreography has no such function.")
        return function


def _trigger(function: AnyFunction) -> str:
    """Return a function's trigger as text: its route, its schedule with the time zone, or its events' names."""
    match function.trigger:
        case Route(key=key):
            return key
        case Schedule(timetable=timetable):
            return timetable.label
        case _:
            return ", ".join(one.rpartition("/")[2].removesuffix(" v1") for one in _consumed(function))


def _consumed(function: AnyFunction) -> list[str]:
    """Return the identities of the events that a function consumes; none for a route or a schedule."""
    trigger = function.trigger
    return [str(one.identity) for one in trigger.events] if isinstance(trigger, Subscription) else []


def _facts(function: AnyFunction) -> list[tuple[str, str]]:
    """Return what a function declares as (name, value) pairs: trigger, retries, limits, tables and settings."""
    facts = [("Trigger", _trigger(function))]
    trigger = function.trigger
    if isinstance(trigger, Subscription):
        batch = f", up to {trigger.batch} together" if trigger.delivery == "queue" else ""
        facts.append(("Delivery", f"{'through a queue' if trigger.delivery == 'queue' else 'direct'}{batch}"))
        facts.append(("Replay", "skipped" if trigger.on_replay == "skip" else "consumed"))
    if isinstance(trigger, Schedule):
        active = (("First run from", trigger.timetable.start), ("Last run until", trigger.timetable.end))
        facts += [(name, f"{moment(at.astimezone(UTC))} UTC") for name, at in active if at is not None]
    if not isinstance(trigger, Route):
        facts.append(("Retry", f"{function.retry.attempts(function.delivery)} attempts: {function.retry}"))
    facts.append(("Timeout", f"{function.limits.timeout.total_seconds():g} s"))
    if function.limits.concurrency:
        facts.append(("Concurrency", str(function.limits.concurrency)))
    grants = [("Table", f"{link.table}, {link.access}") for link in function.uses if isinstance(link, Grant)]
    settings = [("Setting", link.name) for link in function.uses if not isinstance(link, Grant)]
    return [*facts, *sorted(grants), *sorted(settings)]


def _pattern(function: AnyFunction) -> str:
    """Return a subscriber's event pattern as indented JSON; an empty text for another function."""
    trigger = function.trigger
    if not isinstance(trigger, Subscription):
        return ""
    return json.dumps(json.loads(trigger.pattern.canonical), indent=2)


def _source(function: AnyFunction) -> str:
    """Return where a handler is defined, as `functions/loans/lend_book.py:12`; its module if it has no code."""
    code = function.handler.__code__ if hasattr(function.handler, "__code__") else None
    if code is None:
        return function.handler.__module__
    return f"{function.handler.__module__.replace('.', '/')}.py:{code.co_firstlineno}"


def _chart(attempts: list[JournalRecord]) -> list[dict[str, Any]]:
    """Return a bar for each attempt, in reverse order: the earliest first. The longest has the chart's height."""
    longest = max((one.duration_ms for one in attempts), default=0.0) or 1.0
    bars = []
    for position, one in enumerate(reversed(attempts)):
        height = max(one.duration_ms / longest * _HEIGHT, 2.0)
        bars.append(
            {
                "x": position * 10,
                "y": round(_HEIGHT - height, 1),
                "height": round(height, 1),
                "kind": bar_kind(one),
                "record": one,
            }
        )
    return bars
