"""The laptop's API Gateway: it finds the route of a request and invokes its function with payload format 2.0."""

import json
import logging
import re
from collections.abc import Mapping
from time import monotonic
from typing import Any, NamedTuple
from urllib.parse import unquote
from uuid import uuid4

from contradance.choreography import AnyFunction, Choreography, Routed
from contradance.errors import LaptopError
from contradance.local.invocation.record import LaptopContext, http_request
from contradance.runtime.entry import invoke
from contradance.runtime.ports import Environment

_LOG = logging.getLogger("contradance.gateway")
_PATH = re.compile(r"\S*[/\\].*?(?=: |$)")


class HttpResponse(NamedTuple):
    """An HTTP response: status, headers and body."""

    status: int
    headers: dict[str, str]
    body: str
    binary: bytes = b""
    """The body, if it is not text."""


class Gateway:
    """Invokes the routes of one choreography."""

    def __init__(self, choreography: Choreography, environment: Environment) -> None:
        self._environment = environment
        # A fixed path wins over one with placeholders, as in API Gateway.
        fixed_first = sorted(choreography.routes, key=lambda routed: routed.route.path.count("{"))
        self._routes = [(routed, _compiled(routed.route.path)) for routed in fixed_first]

    def answer(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> HttpResponse:
        """Return the response to one request, a 404 without such a route; `target` is the path with its query."""
        path, _, query = target.partition("?")
        found = self._find(method, path)
        if found is None:
            return error_response(404, "Not Found")
        routed, parameters = found
        request = http_request(
            routed.route.key,
            path,
            path_parameters={name: unquote(text) for name, text in parameters.items()},
            query=query,
            headers=headers,
            body=body,
            now=self._environment.clock.now(),
        )
        return self._invoke(routed, request)

    def function_of(self, method: str, path: str) -> AnyFunction | None:
        """Return the function that answers a request; None where no route matches."""
        found = self._find(method, path)
        return found[0].function if found else None

    def _find(self, method: str, path: str) -> tuple[Routed, dict[str, str]] | None:
        """Return the route of a request, and its path parameters; None where no route matches."""
        for routed, pattern in self._routes:
            found = pattern.fullmatch(path) if routed.route.method == method else None
            if found is not None:
                return routed, found.groupdict()
        return None

    def _invoke(self, routed: Routed, request: dict[str, Any]) -> HttpResponse:
        """Invoke a route's function and return its response, 503 for `LaptopError`; raise `TypeError` without one."""
        try:
            answer = invoke(
                routed.function,
                request,
                LaptopContext(str(uuid4()), monotonic() + routed.function.limits.timeout.total_seconds()),
                self._environment,
            )
        except LaptopError as error:
            _LOG.error("%s was not answered: %s", routed.route.key, error)
            return error_response(503, public_message(error))
        if not isinstance(answer, dict):
            raise TypeError(f"{routed.function.name} is a route, but its invocation returned {type(answer).__name__}")
        return HttpResponse(answer["statusCode"], answer["headers"], answer["body"])


def error_response(status: int, message: str) -> HttpResponse:
    """Return an error response with `message` in JSON, in the shape that all error responses share."""
    return HttpResponse(status, {"content-type": "application/json"}, json.dumps({"message": message}))


def public_message(error: LaptopError) -> str:
    """Return the first line of an error without paths of this machine, for an HTTP client."""
    first, _, _ = str(error).partition("\n")
    return _PATH.sub("its folder", first)


def _compiled(path: str) -> re.Pattern[str]:
    """Return the regular expression that matches a route's path; each placeholder is a group with its name."""
    parts = re.split(r"\{(\w+)\}", path)
    return re.compile("".join(f"(?P<{part}>[^/]+)" if odd % 2 else re.escape(part) for odd, part in enumerate(parts)))
