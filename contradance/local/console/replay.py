"""Replay: choose a subscriber and a window, see the forecast, start the replay, and watch it."""

from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import uuid4

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from contradance.errors import OperateError
from contradance.local.console.pages import PREFIX, Pages
from contradance.local.console.submitted import SubmittedForm
from contradance.local.laptop import Laptop
from contradance.local.state.archive import ArchiveReader
from contradance.local.state.stored import stored_time
from contradance.operate.forecast import from_archive
from contradance.operate.ports import System
from contradance.operate.replay import ReplayPlan, plan, start, watch

_NAME_LENGTH: Final = 12
_WINDOW: Final = timedelta(hours=1)
"""Default window: the last hour."""


class ReplayPages:
    """The form, the dry run, and one replay."""

    def __init__(self, system: System, laptop: Laptop, pages: Pages) -> None:
        self._system = system
        self._laptop = laptop
        self._choreography = laptop.choreography
        self._archive = ArchiveReader(laptop.database)
        self._pages = pages

    def show(self, request: Request) -> Response:
        """Show the form, filled with the last hour, and the latest replays."""
        now = self._laptop.clock.now()
        values = {
            "subscriber": request.query_params.get("subscriber", ""),
            "from": _input_value(now - _WINDOW),
            "to": _input_value(now + timedelta(seconds=1)),
            "again": "",
        }
        return self._form(values)

    def take(self, _: Request, form: SubmittedForm) -> Response:
        """Show what a replay would do, or the form for wrong values; if confirmed, start it and redirect to it."""
        values = {name: form.first(name) for name in ("subscriber", "from", "to", "again")}
        errors = {name: why for name in ("from", "to") if (why := _time_problem(values[name]))}
        if errors:
            return self._form(values, errors)
        try:
            planned = plan(
                self._system,
                self._choreography,
                values["subscriber"],
                _moment(values["from"]),
                _moment(values["to"]),
                identifier=uuid4().hex[:_NAME_LENGTH],
                again=values["again"] == "yes",
            )
        except OperateError as error:
            return self._form(values, {"subscriber": str(error)})
        if form.first("confirmed") != "yes":
            return self._forecast(planned, values, {})
        if planned.publishes_again and form.first("name") != planned.function.name:
            return self._forecast(planned, values, {"name": "Type the function's name exactly as it is above."})
        return RedirectResponse(f"{PREFIX}/replay/{start(self._system, planned).name}", 303)

    def one(self, request: Request) -> Response:
        """Show the progress of one replay; raise `Refused` for an unknown one."""
        replay = self._laptop.replays.named(request.path_params["name"])
        progress = next(watch(self._system, replay.name, [None]))
        window = max(replay.last - replay.first, 1.0)
        position = window if progress.state == "COMPLETED" else (replay.replayed or replay.first) - replay.first
        return self._pages.page(
            "replay_one",
            "replay",
            replay=replay,
            progress=progress,
            percent=round(100 * position / window),
            subscribers=replay.functions or [],
            first=stored_time(replay.first),
            last=stored_time(replay.last),
        )

    def _form(self, values: dict[str, str], errors: dict[str, str] | None = None) -> Response:
        """Show the form and the latest replays; with errors beside the fields, the status is 422."""
        return self._pages.page(
            "replay",
            "replay",
            status=422 if errors else 200,
            values=values,
            errors=errors or {},
            subscribers=[
                one.function.name for one in self._choreography.subscriptions if one.subscription.on_replay == "run"
            ],
            replays=self._laptop.replays.all()[:10],
        )

    def _forecast(self, planned: ReplayPlan, values: dict[str, str], errors: dict[str, str]) -> Response:
        """Show what a replay would do, for confirmation; with errors, the status is 422."""
        values_: dict[str, Any] = {
            "planned": planned,
            "forecast": from_archive(planned, self._archive),
            "values": values,
            "errors": errors,
            "published": [contract.__name__ for contract in planned.function.publishes],
        }
        return self._pages.page("replay_forecast", "replay", status=422 if errors else 200, **values_)


def _input_value(at: datetime) -> str:
    """Return a moment in UTC as a browser's input has it: `2026-01-31T18:00:00`."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S")


def _moment(text: str) -> datetime:
    """Return the time in an ISO text, UTC without a zone; raise `ValueError` or `OverflowError` for another text."""
    found = datetime.fromisoformat(text)
    return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)


def _time_problem(text: str) -> str:
    """Return what is wrong with a time in the form; an empty text for a valid one."""
    try:
        _moment(text)
    except (ValueError, OverflowError):
        return "Enter a time in UTC, like 2026-01-31T18:00."
    return ""
