"""Lambda's Invoke on the laptop: a function is invoked at once, or as a new delivery."""

import json
import re
from collections.abc import Mapping
from concurrent.futures import wait
from time import monotonic
from typing import Final
from urllib.parse import parse_qsl, unquote
from uuid import uuid4

from contradance.choreography import AnyFunction, Choreography
from contradance.function import Schedule
from contradance.local.events.bus import Bus
from contradance.local.invocation.gateway import HttpResponse
from contradance.local.invocation.record import LaptopContext, error_document
from contradance.local.invocation.threads import RequestThreads, TooManyRequests
from contradance.local.names import ACCOUNT, REGION, aws_name, function_arn
from contradance.local.refusal import Refused
from contradance.printable import printable
from contradance.runtime.entry import invoke
from contradance.runtime.ports import Environment
from contradance.strictjson import read_json
from contradance.subscription import Subscription

PREFIX: Final = "/2015-03-31/"
"""Start of every path of Lambda's API."""
_INVOKE: Final = re.compile(r"/2015-03-31/functions/([^/]+)/invocations")
MAX_PAYLOAD_BYTES: Final = 6 * 1024 * 1024
"""Largest payload of a synchronous invocation, in bytes. Lambda developer guide, quotas."""
_MOST_ASYNCHRONOUS: Final = 1_048_576
"""Largest payload of an asynchronous invocation, in bytes. Lambda quotas, 2026-01-29."""
_VERSION: Final = "$LATEST"
_NAME: Final = re.compile(
    r"(arn:(?P<partition>aws[a-zA-Z-]*)?:lambda:)?((?P<region>(eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1}):)?"
    r"((?P<account>\d{12}):)?(function:)?(?P<name>[a-zA-Z0-9-_\.]+)(:(?P<version>\$LATEST(\.PUBLISHED)?|[a-zA-Z0-9-_]+))?",
    re.ASCII,
)
_LONGEST_NAME: Final = 256
_QUALIFIER: Final = re.compile(r"\$(LATEST(\.PUBLISHED)?)|[a-zA-Z0-9-_$]{1,128}", re.ASCII)
"""Names and versions of functions, as in the service model of botocore 1.44."""
_NOT_HONOURED: Final = {
    "ClientContext": "x-amz-client-context",
    "DurableExecutionName": "x-amz-durable-execution-name",
    "TenantId": "x-amz-tenant-id",
}
"""Parameters of Invoke that the laptop refuses, by their headers."""


class Functions:
    """Invokes the choreography's functions."""

    def __init__(
        self,
        choreography: Choreography,
        bus: Bus,
        environment: Environment,
        threads: RequestThreads,
    ) -> None:
        self._bus = bus
        self._threads = threads
        self._environment = environment
        self._functions = {aws_name(name): function for name, function in choreography.functions.items()}

    def answer(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> HttpResponse:
        """Answer Invoke, also with a handler's error; raise `Refused` for another request. `target` is path and query.

        Raises:
            Refused: with AWS's code and message.
        """
        path, _, query = target.partition("?")
        found = _INVOKE.fullmatch(path)
        if found is None or method != "POST":
            raise Refused("UnknownOperationException", f"The laptop does not answer {method} {path}.", 404)
        qualifier = dict(parse_qsl(query, keep_blank_values=True)).get("Qualifier")
        function = self._named(unquote(found[1]), qualifier)
        _refuse_options(headers)
        kind = headers.get("x-amz-invocation-type", "RequestResponse")
        text, payload = _read(body or b"{}")
        if kind == "DryRun":
            return HttpResponse(204, {}, "")
        if kind == "Event":
            return self._accept(function, text)
        if kind == "RequestResponse":
            return self._invoke(function, payload)
        raise Refused("InvalidParameterValueException", "The invocation type is not Event, RequestResponse or DryRun.")

    def _accept(self, function: AnyFunction, payload: str) -> HttpResponse:
        """Accept a delivery and return 202; raise `Refused` for a route, a function behind a queue, a large payload."""
        if not isinstance(function.trigger, Subscription | Schedule) or function.delivery == "queue":
            raise Refused(
                "UnsupportedOperation",
                f"The laptop invokes {function.name} asynchronously by "
                + ("messages on its queue." if function.delivery == "queue" else "nothing: it is a route."),
            )
        if len(payload.encode()) > _MOST_ASYNCHRONOUS:
            raise Refused("RequestTooLargeException", f"Request must be smaller than {_MOST_ASYNCHRONOUS} bytes.", 413)
        return HttpResponse(202, {"x-amzn-requestid": self._bus.enqueue_direct(function.name, payload)}, "")

    def _invoke(self, function: AnyFunction, payload: object) -> HttpResponse:
        """Invoke the function once and wait; return its result, error or timeout. Raise `Refused` when too many run."""
        request_id = str(uuid4())
        headers = {
            "content-type": "application/json",
            "x-amzn-requestid": request_id,
            "x-amz-executed-version": _VERSION,
        }
        seconds = function.limits.timeout.total_seconds()

        def run() -> object:
            """Invoke the function in a request's thread, and return its result."""
            called = LaptopContext(request_id, monotonic() + seconds)
            return invoke(function, payload, called, self._environment)

        self._threads.may_run.wait()
        try:
            running = self._threads.start(function, run)
        except TooManyRequests as error:
            raise Refused("TooManyRequestsException", "Rate Exceeded.", 429) from error
        if not wait([running], seconds).done:
            timed_out = {"errorType": "Sandbox.Timedout", "errorMessage": f"Task timed out after {seconds:.2f} seconds"}
            return HttpResponse(200, {**headers, "x-amz-function-error": "Unhandled"}, json.dumps(timed_out))
        try:
            returned = running.result()
        except Exception as error:  # noqa: BLE001 - journaled by the runtime; Lambda answers it too
            return HttpResponse(
                200, {**headers, "x-amz-function-error": "Unhandled"}, json.dumps(error_document(error))
            )
        return HttpResponse(200, headers, json.dumps(returned))

    def _named(self, given: str, qualifier: str | None) -> AnyFunction:
        """Return a function by its name or ARN; raise `Refused` if unknown, or a version other than `$LATEST`."""
        name, own = _read_name(given)
        if qualifier is not None and not _QUALIFIER.fullmatch(qualifier):
            raise _invalid("qualifier", qualifier, _QUALIFIER)
        if own and qualifier and own != qualifier:
            raise Refused(
                "InvalidParameterValueException",
                "The derived qualifier from the function name does not match Qualifier.",
            )
        version = own or qualifier or _VERSION
        if name not in self._functions or version != _VERSION:
            arn = function_arn(name) + ("" if version == _VERSION else f":{version}")
            raise Refused("ResourceNotFoundException", f"Function not found: {arn}", 404)
        return self._functions[name]


def _refuse_options(headers: Mapping[str, str]) -> None:
    """Raise `Refused` for headers that the laptop cannot honour: of `_NOT_HONOURED`, or a log type other than None."""
    log = headers.get("x-amz-log-type", "None")
    if log not in ("None", "Tail"):
        raise Refused("InvalidParameterValueException", "The log type is not None or Tail.")
    if log == "Tail":
        raise Refused(
            "UnsupportedOperation", "The laptop does not honour LogType Tail: it prints logs, and stores none."
        )
    for name, header in _NOT_HONOURED.items():
        if header in headers:
            raise Refused("UnsupportedOperation", f"The laptop does not honour {name}.")


def _read_name(given: str) -> tuple[str, str | None]:
    """Return (name, version or None) in a function's name or ARN, also a partial one; raise `Refused` if invalid.

    Raises:
        Refused: also for another account or region.
    """
    found = _NAME.fullmatch(given)
    if found is None or len(given) > _LONGEST_NAME:
        raise _invalid("functionName", given, _NAME)
    if found["account"] not in (None, ACCOUNT):
        raise Refused("AccessDeniedException", f"The laptop has no functions of the account {found['account']}.", 403)
    if found["partition"] not in (None, "aws") or found["region"] not in (None, REGION):
        where = (
            f"Functions from {found['region'] or found['partition']!r} are not reachable in this region ({REGION!r})"
        )
        raise Refused("ResourceNotFoundException", where, 404)
    return found["name"], found["version"]


def _invalid(member: str, value: str, pattern: re.Pattern[str]) -> Refused:
    """Return the `ValidationException` of a name that is too long, or does not match its pattern."""
    return Refused(
        "ValidationException",
        f"1 validation error detected: Value '{printable(value[:_LONGEST_NAME])}' at '{member}' failed to satisfy constraint: "
        f"Member must satisfy regular expression pattern: {re.sub(r'[?]P<[a-z]+>', '', pattern.pattern)}",
    )


def _read(body: bytes) -> tuple[str, object]:
    """Return (text, JSON value) of a payload; raise `Refused` for one that is not JSON in UTF-8."""
    try:
        text = body.decode()
        return text, read_json(text)
    except ValueError as error:
        raise Refused("InvalidRequestContentException", f"Could not parse request body into json: {error}.") from error
