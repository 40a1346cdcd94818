"""The client of a laptop that runs in another process."""

import json
import shlex
import urllib.error
import urllib.request
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from functools import partial
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from typing import Any, Final, TypeVar

from pydantic import BaseModel, ValidationError

from contradance.choreography import Choreography
from contradance.errors import LaptopError
from contradance.local.names import DEFAULT_STATE
from contradance.local.state.journal_table import STATE_FILE
from contradance.local.state.pulled import PulledLetter, PulledRow
from contradance.local.state.reader import reading
from contradance.local.system.adapters import laptop_system
from contradance.local.system.deployed import deployed
from contradance.local.system.protocol import (
    API_PREFIX,
    EventsRequest,
    LettersRequest,
    LettersResponse,
    PulledRequest,
    ReplayRequest,
    RetriedDelivery,
    RetryRequest,
    RetryResponse,
    ScheduleRequest,
    ScheduleResponse,
    SystemDescription,
)
from contradance.operate.ports import System

Response = TypeVar("Response", bound=BaseModel)
_TIMEOUT_SECONDS: Final = 10
_DIRECT: Final = urllib.request.build_opener(urllib.request.ProxyHandler({}))
"""Without a proxy, even where the environment names one: the laptop is on this machine."""


def ask(request: urllib.request.Request) -> HTTPResponse:
    """Send a request to this machine, without a proxy; return the open response, or raise also for an error status.

    Raises:
        OSError: there is no answer, or it has an error status (`HTTPError`).
        HTTPException: the answer is not HTTP.
    """
    response: HTTPResponse = _DIRECT.open(request, timeout=_TIMEOUT_SECONDS)
    return response


def system_of_commands(choreography: Choreography, url: str, state: Path) -> System:
    """Return the `System` of the laptop with this state folder, which another process serves at `url`."""
    client = LaptopClient(url, state)
    return laptop_system(deployed(choreography, url), partial(reading, state / STATE_FILE), client, client.description)


class LaptopClient:
    """`contradance.local.system.adapters.LaptopActions` and `contradance.runtime.ports.Events` over the JSON API.

    Args:
        url: where the laptop is served.
        state: its folder. The laptop refuses to change something for another folder than its own.
    """

    def __init__(self, url: str, state: Path = DEFAULT_STATE) -> None:
        self._url = url
        self._state = str(state.resolve())
        self._option = "" if state == DEFAULT_STATE else f" --state {shlex.quote(str(state))}"

    def put_events(self, *, Entries: Sequence[Mapping[str, str]]) -> Mapping[str, Any]:  # noqa: N803 - boto3's name
        """Publish entries; return PutEvents' response. `LaptopError` without an answer, or for an unknown bus."""
        return self._send("events", EventsRequest(entries=Entries))

    def redrive(self, function: str, messages: Sequence[str]) -> Collection[str]:
        """Redrive dead letters of a function, by message id; return the redriven ids. `LaptopError` if refused."""
        return self._change_letters("redrive", function, messages)

    def delete(self, function: str, messages: Sequence[str]) -> Collection[str]:
        """Delete dead letters of a function, by message id; return the deleted ids. `LaptopError` if refused."""
        return self._change_letters("delete", function, messages)

    def replay(self, name: str, function: str, first: datetime, last: datetime) -> None:
        """Start a replay of events from `first` until before `last` to one function; `LaptopError` if refused."""
        self._send("replay", ReplayRequest(state=self._state, name=name, function=function, first=first, last=last))

    def store_pulled(self, letters: Sequence[PulledLetter], rows: Sequence[PulledRow]) -> Collection[str]:
        """Store pulled dead letters and rows; return the ids of the new letters. `LaptopError` if refused."""
        asked = PulledRequest(state=self._state, letters=letters, rows=rows)
        return self._read(LettersResponse, self._send("pulled", asked)).messages

    def retry(self, term: str | None) -> list[RetriedDelivery]:
        """Make the next attempt of postponed deliveries now, and return them; `term` selects as in `RetryRequest`."""
        asked = RetryRequest(state=self._state, term=term)
        return [*self._read(RetryResponse, self._send("retry", asked)).deliveries]

    def run_schedule(self, function: str) -> str:
        """Run a scheduled function once, now; return its flow's id. `LaptopError` for a function without a schedule."""
        asked = ScheduleRequest(state=self._state, function=function)
        return self._read(ScheduleResponse, self._send("schedule", asked)).flow

    def description(self) -> SystemDescription:
        """Return what the laptop runs; raise `LaptopError` if none answers, or it is on another folder."""
        found = self._read(SystemDescription, self._send("system"))
        if found.state != self._state:
            raise LaptopError(
                f"the laptop at {self._url} runs on the state in {found.state}, not on {self._state}.\n"
                "  Name its folder with --state, or its port with --port."
            )
        return found

    def _change_letters(self, operation: str, function: str, messages: Sequence[str]) -> Collection[str]:
        """Send the operation `redrive` or `delete` for messages; return the ids of those that were changed."""
        asked = LettersRequest(state=self._state, function=function, messages=messages)
        return self._read(LettersResponse, self._send(operation, asked)).messages

    def _send(self, operation: str, body: BaseModel | None = None) -> dict[str, Any]:
        """Send an operation and return the response's JSON; raise `LaptopError` if refused or not answered."""
        request = urllib.request.Request(  # noqa: S310 - always http://127.0.0.1
            f"{self._url}{API_PREFIX}{operation}",
            data=None if body is None else body.model_dump_json().encode(),
            headers={"content-type": "application/json"},
        )
        try:
            accepted, found = _answer(request)
        except OSError as error:
            reason = getattr(error, "reason", error)
            if isinstance(reason, TimeoutError):
                raise LaptopError(
                    f"the laptop at {self._url} has not answered in {_TIMEOUT_SECONDS} seconds.\n"
                    "  If a handler blocks the laptop's process, the laptop ends after the handler's timeout. Then start it again."
                ) from error
            raise LaptopError(
                f"no laptop answers at {self._url}: {getattr(reason, 'strerror', None) or reason}.\n"
                f"  Start one with: contradance run{self._option}"
            ) from error
        except (HTTPException, ValueError) as error:
            raise self._not_a_laptop() from error
        if not isinstance(found, dict):
            raise self._not_a_laptop()
        if not accepted:
            raise LaptopError(f"the laptop at {self._url} refused: {found.get('message')}")
        return found

    def _read(self, model: type[Response], found: dict[str, Any]) -> Response:
        """Return a response as `model`; raise `LaptopError` if it has another shape."""
        try:
            return model.model_validate(found)
        except ValidationError as error:
            raise self._not_a_laptop() from error

    def _not_a_laptop(self) -> LaptopError:
        """Return the `LaptopError` for an answer that is not a laptop's; the caller raises it."""
        return LaptopError(
            f"the program at {self._url} is not a laptop of this version.\n"
            "  Name the laptop's port with --port; contradance run prints it."
        )


def _answer(request: urllib.request.Request) -> tuple[bool, object]:
    """Return whether a request was accepted, and the response's JSON; raise as `ask`, and `ValueError` if not JSON."""
    try:
        with ask(request) as response:
            return True, json.load(response)
    except urllib.error.HTTPError as error:
        with error:
            return False, json.load(error)
