"""The laptop's JSON API, for the commands on the same machine.

`contradance.local.web.browsers` refuses every request of a browser. It has no token: a program of this machine that could not
read one from the laptop's folder could still use AWS's protocols on the same port.
"""

import json
from collections.abc import Callable, Collection, Mapping
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from contradance.errors import ContradanceError, LaptopError
from contradance.local.invocation.gateway import HttpResponse, error_response
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
        self._description = description
        actions = DirectActions(laptop)
        self._operations: dict[str, Callable[[bytes], str]] = {
            "events": self._publish,
            "redrive": self._operation(
                LettersRequest, lambda one: _letters(actions.redrive(one.function, one.messages))
            ),
            "delete": self._operation(LettersRequest, lambda one: _letters(actions.delete(one.function, one.messages))),
            "replay": self._operation(
                ReplayRequest, lambda one: actions.replay(one.name, one.function, one.first, one.last)
            ),
            "retry": self._operation(RetryRequest, lambda one: RetryResponse(deliveries=actions.retry(one.term))),
            "pulled": self._operation(PulledRequest, lambda one: _letters(actions.store_pulled(one.letters, one.rows))),
            "schedule": self._operation(
                ScheduleRequest, lambda one: ScheduleResponse(flow=actions.run_schedule(one.function))
            ),
        }

    def answer(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> HttpResponse:
        """Return the response to one request; a 404 for an unknown operation, a 415 for a body not sent as JSON."""
        operation = path.removeprefix(API_PREFIX)
        if (method, operation) == ("GET", "system"):
            now = self._description.model_copy(update={"hangs": self._laptop.in_flight.hangs()})
            return _ok(now.model_dump_json(by_alias=True))
        if method != "POST" or operation not in self._operations:
            return error_response(404, "Not Found")
        if headers.get("content-type") != "application/json":
            return error_response(415, "Send JSON, with the content type application/json.")
        return self._do(operation, body)

    def _do(self, operation: str, body: bytes) -> HttpResponse:
        """Run an operation and return its response; a 400 for a body of another shape, a 409 if it is refused."""
        try:
            return _ok(self._operations[operation](body))
        except ValidationError:
            return error_response(400, f"The body is not a request of {operation}.")
        except ContradanceError as error:
            return error_response(409, str(error))

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

    def _operation(self, model: type[Request], run: Callable[[Request], BaseModel | None]) -> Callable[[bytes], str]:
        """Return a function that reads a request from a body, refuses it if for another laptop, and calls `run`."""

        def operation(body: bytes) -> str:
            response = run(self._checked(model.model_validate_json(body)))
            return "{}" if response is None else response.model_dump_json()

        return operation

    def _checked(self, request: Request) -> Request:
        """Return the request; raise `LaptopError` if its `state` is not the folder of this laptop."""
        if request.state != self._description.state:
            raise LaptopError(
                f"it runs on the state in {self._description.state}, not on {request.state}.\n"
                "  Name its folder with --state, or its port with --port."
            )
        return request


def _letters(messages: Collection[str]) -> LettersResponse:
    """Return the response with these message ids."""
    return LettersResponse(messages=[*messages])


def _ok(text: str) -> HttpResponse:
    """Return a response of status 200 with this JSON."""
    return HttpResponse(200, {"content-type": "application/json"}, text)
