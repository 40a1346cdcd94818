"""The laptop's JSON API, for the commands on the same machine.

`contradance.local.web.browsers` refuses every request of a browser. It has no token: a program of this machine that could not
read one from the laptop's folder could still use AWS's protocols on the same port.
"""

import json
from collections.abc import Callable, Collection, Mapping
from typing import TypeVar

from pydantic import ValidationError

from contradance.errors import ContradanceError, LaptopError
from contradance.local.invocation.gateway import HttpResponse, refused
from contradance.local.laptop import Laptop
from contradance.local.system.in_process import DirectActions
from contradance.local.system.protocol import (
    API_PREFIX,
    ApiRequest,
    EventsRequest,
    LettersRequest,
    LettersResponse,
    PulledRequest,
    ReplayRequest,
    RetryRequest,
    RetryResponse,
    ScheduleRequest,
    ScheduleResponse,
    SystemDescription,
)

Request = TypeVar("Request", bound=ApiRequest)


class CommandApi:
    """Answers the requests of commands."""

    def __init__(self, laptop: Laptop, description: SystemDescription) -> None:
        self._laptop = laptop
        self._actions = DirectActions(laptop)
        self._description = description
        self._operations: dict[str, Callable[[bytes], str]] = {
            "events": self._publish,
            "redrive": self._redrive,
            "delete": self._delete,
            "replay": self._replay,
            "retry": self._retry,
            "pulled": self._pulled,
            "schedule": self._schedule,
        }

    def answer(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> HttpResponse:
        """Return the response to one request; a 404 for an unknown operation, a 415 for a body not sent as JSON."""
        operation = path.removeprefix(API_PREFIX)
        if (method, operation) == ("GET", "system"):
            now = self._description.model_copy(update={"hangs": self._laptop.in_flight.hangs()})
            return _ok(now.model_dump_json(by_alias=True))
        if method != "POST" or operation not in self._operations:
            return refused(404, "Not Found")
        if headers.get("content-type") != "application/json":
            return refused(415, "Send JSON, with the content type application/json.")
        return self._do(operation, body)

    def _do(self, operation: str, body: bytes) -> HttpResponse:
        """Run an operation and return its response; a 400 for a body of another shape, a 409 if it is refused."""
        try:
            return _ok(self._operations[operation](body))
        except ValidationError:
            return refused(400, f"The body is not a request of {operation}.")
        except ContradanceError as error:
            return refused(409, str(error))

    def _publish(self, body: bytes) -> str:
        """Publish PutEvents entries; return PutEvents' response. `LaptopError` for a bus that is not the laptop's."""
        entries = EventsRequest.model_validate_json(body).entries
        bus = self._laptop.bus
        for entry in entries:
            if bus.bus_named(str(entry.get("EventBusName"))) is None:
                # AWS accepts an event for another bus and drops it; an author's mistake would stay unseen
                names = ", ".join(map(repr, bus.names))
                raise LaptopError(f"There is no bus {entry.get('EventBusName')!r} here; this laptop runs {names}.")
        return json.dumps(bus.put_any(entries))

    def _redrive(self, body: bytes) -> str:
        """Redrive dead letters; return the message ids of those redriven. `LaptopError` if for another laptop."""
        asked = self._checked(LettersRequest.model_validate_json(body))
        return _letters_response(self._actions.redrive(asked.function, asked.messages))

    def _delete(self, body: bytes) -> str:
        """Delete dead letters; return the message ids of those deleted. `LaptopError` if for another laptop."""
        asked = self._checked(LettersRequest.model_validate_json(body))
        return _letters_response(self._actions.delete(asked.function, asked.messages))

    def _replay(self, body: bytes) -> str:
        """Start a replay; return an empty JSON object. `LaptopError` if for another laptop."""
        asked = self._checked(ReplayRequest.model_validate_json(body))
        self._actions.replay(asked.name, asked.function, asked.first, asked.last)
        return "{}"

    def _pulled(self, body: bytes) -> str:
        """Store pulled dead letters and rows; return the ids of new letters. `LaptopError` if for another laptop."""
        asked = self._checked(PulledRequest.model_validate_json(body))
        return _letters_response(self._actions.store_pulled(asked.letters, asked.rows))

    def _retry(self, body: bytes) -> str:
        """Make postponed deliveries due now, and return them. `LaptopError` if for another laptop."""
        asked = self._checked(RetryRequest.model_validate_json(body))
        return RetryResponse(deliveries=self._actions.retry(asked.term)).model_dump_json()

    def _schedule(self, body: bytes) -> str:
        """Run a scheduled function now; return its flow's id. `LaptopError` if for another laptop."""
        asked = self._checked(ScheduleRequest.model_validate_json(body))
        return ScheduleResponse(flow=self._actions.run_schedule(asked.function)).model_dump_json()

    def _checked(self, request: Request) -> Request:
        """Return the request; raise `LaptopError` if its `state` is not the folder of this laptop."""
        if request.state != self._description.state:
            raise LaptopError(
                f"it runs on the state in {self._description.state}, not on {request.state}.\n"
                "  Name its folder with --state, or its port with --port."
            )
        return request


def _letters_response(messages: Collection[str]) -> str:
    """Return a `LettersResponse` with these message ids, as JSON."""
    return LettersResponse(messages=[*messages]).model_dump_json()


def _ok(text: str) -> HttpResponse:
    """Return a response of status 200 with this JSON."""
    return HttpResponse(200, {"content-type": "application/json"}, text)
