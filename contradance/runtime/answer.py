"""Answering one HTTP request: API Gateway's payload 2.0 in, its response out.

Errors have one shape, here and on the laptop, and it is API Gateway's own with more in it:

    {"message": "The request is not valid.", "errors": [{"field": "body.lines.0.quantity", "message": "..."}]}
"""

import base64
import json
import logging
from collections.abc import Callable, Mapping
from functools import lru_cache
from hashlib import sha256
from typing import Any, Final
from uuid import uuid4

from pydantic import BaseModel, TypeAdapter, ValidationError

from contradance.choreography import AnyFunction
from contradance.delivery import Delivery
from contradance.envelope import derived_id
from contradance.errors import ContradanceError, LaptopError, LeaseHeld
from contradance.httproute import Route
from contradance.reply import HttpError, Reply
from contradance.runtime.attempt import Attempt
from contradance.runtime.once import Answer, OnceKey, OnceRecord
from contradance.runtime.perform import Cause, Performed, Task, perform
from contradance.runtime.ports import Context, Place
from contradance.runtime.told import told, trail
from contradance.signature import Parameter
from contradance.violation import problems

_LOG = logging.getLogger("contradance.routes")
_SAFE: Final = ("GET", "HEAD")
MAX_IDEMPOTENCY_KEY: Final = 255
"""Longest Idempotency-Key, in characters."""
MAX_BODY_BYTES: Final = 1_048_576
"""Largest body of a request. API Gateway would take 10 MB and Lambda 6 MB, base64 included; but what comes of a request
is stored in items of 400 KB and published in events of 256 KiB, so what is larger is a mistake or an attack."""
_UNSAID: Final = ("application/x-www-form-urlencoded", "application/octet-stream")
"""What clients say of a body when nobody told them what it is: `curl -d`, and API Gateway of what it has in base64."""
BODY_TOO_LARGE: Final = f"The request's body is over {MAX_BODY_BYTES:,} bytes."

Response = dict[str, Any]
"""API Gateway's response: statusCode, headers, body."""


class _BadRequest(ContradanceError):
    """Parts of a request that are not valid, each as (field, what is wrong)."""

    def __init__(self, found: list[tuple[str, str]]) -> None:
        super().__init__("The request is not valid.")
        self.found = found


def answer(function: AnyFunction, route: Route, request: Mapping[str, Any], place: Place, context: Context) -> Response:
    """Answer one request; what is wrong with it is told by field, what is wrong with us by nothing but a 500.

    Raises:
        LaptopError: the laptop itself cannot answer, whichever the function; its gateway says so.
    """
    this = Attempt(function, route.key, place)
    try:
        task = _task(function, route, request, context)
        this.correlation_id = task.cause.correlation_id
        performed = _perform(task, request, place, context)
    except _BadRequest as error:
        return _error(422, str(error), error.found)
    except HttpError as error:
        return _error(error.status, str(error))
    except LeaseHeld:
        return _error(409, "The same request is still being answered. Try again in a moment.")
    except LaptopError:
        raise
    except Exception as error:  # noqa: BLE001 - told to whoever runs this, never to the client
        _LOG.error("%s failed: %s\n%s", function.name, told(error), trail(error))
        return _error(500, "Internal Server Error")
    if performed.published and not performed.duplicate:
        this.subject = performed.subject
        this.leave("done", performed.attempt, published=performed.published)
    given = performed.answer
    return _response(given.status, given.body) if given else _error(500, "Internal Server Error")


def _task(function: AnyFunction, route: Route, request: Mapping[str, Any], context: Context) -> Task:
    """Return what is to be done once: per Idempotency-Key where the client gives one, else per request."""
    if len(_body(request)) > MAX_BODY_BYTES:
        raise HttpError(413, BODY_TOO_LARGE)
    headers = request.get("headers") or {}
    client_key = _client_key(request)
    if client_key is not None and not 1 <= len(client_key) <= MAX_IDEMPOTENCY_KEY:
        raise _BadRequest([("headers.idempotency-key", f"Should have 1 to {MAX_IDEMPOTENCY_KEY} characters")])
    arguments = _arguments(route, request)
    key = OnceKey(function.name, "http", client_key or str(uuid4()))

    def run(delivery: Delivery) -> tuple[object, Callable[[], Answer]]:
        taken = {route.delivery.name: delivery} if route.delivery else {}
        returned = function.handler(**arguments, **taken)
        body, published = (returned.body, returned.publishes) if isinstance(returned, Reply) else (returned, None)
        return published, lambda: Answer(route.status, _render(route, body), _fingerprint(request))

    cause = Cause(derived_id(*key, "correlation"), None, traceparent=headers.get("traceparent"))
    return Task(function, key, context.aws_request_id, cause, run, remembered=client_key is not None)


def _perform(task: Task, request: Mapping[str, Any], place: Place, context: Context) -> Performed:
    """Run the handler as a unit of work; a repeated Idempotency-Key gets the first answer again.

    A request that failed gives its lease back: the client that tries again with the same key is not told to wait.
    """
    lease = task.lease(place.clock.now())
    if _client_key(request) is None:
        return perform(task, lease, OnceRecord("in_progress", 1), place, context)
    record = place.store.begin(task.key, lease, place.clock.now())
    if record.answer and record.answer.fingerprint != _fingerprint(request):
        raise _BadRequest([("headers.idempotency-key", "Was used for another request")])
    try:
        return perform(task, lease, record, place, context)
    except Exception:
        place.store.release(task.key, lease)
        raise


def _client_key(request: Mapping[str, Any]) -> str | None:
    """Return the Idempotency-Key; a request that changes nothing needs none."""
    method = str(request["routeKey"]).partition(" ")[0]
    key = (request.get("headers") or {}).get("idempotency-key")
    return None if key is None or method in _SAFE else str(key)


def _fingerprint(request: Mapping[str, Any]) -> str:
    asked = (request.get("rawPath"), request.get("rawQueryString"), request.get("body"))
    return sha256(repr(asked).encode()).hexdigest()


@lru_cache(maxsize=256)
def _adapter(annotation: Any) -> TypeAdapter[Any]:
    return TypeAdapter(annotation)


def _render(route: Route, body: object) -> str:
    """Return the answer's body as JSON, checked against what the route promises."""
    adapter = _adapter(route.answers)
    promised = adapter.validate_python(body)
    return "" if promised is None else adapter.dump_json(promised, warnings="error").decode()


def _arguments(route: Route, request: Mapping[str, Any]) -> dict[str, Any]:
    """Return the handler's arguments, or raise with everything that is wrong with them."""
    found: list[tuple[str, str]] = []
    arguments: dict[str, Any] = {}
    for where, parameters in (("pathParameters", route.in_path), ("queryStringParameters", route.in_query)):
        texts = request.get(where) or {}
        place = "path" if where == "pathParameters" else "query"
        for parameter in parameters:
            _take_text(parameter, place, texts.get(parameter.name), arguments, found)
    if route.body is not None:
        _check_media_type(request)
        try:
            model: type[BaseModel] = route.body.annotation
            arguments[route.body.name] = model.model_validate_json(_body(request))
            json.loads(_body(request), object_pairs_hook=_named_once)
        except ValidationError as error:
            found += problems(error, "body")
    if found:
        raise _BadRequest(found)
    return arguments


def _check_media_type(request: Mapping[str, Any]) -> None:
    """Refuse a body that says of itself that it is something else than JSON."""
    given = (request.get("headers") or {}).get("content-type", "")
    media_type = given.partition(";")[0].strip().lower()
    if media_type and media_type not in _UNSAID and not media_type.endswith(("/json", "+json")):
        raise HttpError(415, "Send the body as application/json.")


def _named_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Refuse an object that says a thing twice: which of the two is meant, two readers may see differently."""
    fields = dict(pairs)
    if len(fields) < len(pairs):
        raise _BadRequest([("body", "Should name each field once")])
    return fields


def _take_text(
    parameter: Parameter, place: str, text: str | None, arguments: dict[str, Any], found: list[tuple[str, str]]
) -> None:
    if text is None:
        if parameter.required:
            found.append((f"{place}.{parameter.name}", "Field required"))
        return
    try:
        arguments[parameter.name] = _adapter(parameter.annotation).validate_python(text)
    except ValidationError as error:
        found += problems(error, f"{place}.{parameter.name}")


def _body(request: Mapping[str, Any]) -> bytes:
    body = request.get("body") or ""
    return base64.b64decode(body) if request.get("isBase64Encoded") else str(body).encode()


def _response(status: int, body: str) -> Response:
    return {"statusCode": status, "headers": {"content-type": "application/json"}, "body": body}


def _error(status: int, message: str, found: list[tuple[str, str]] | None = None) -> Response:
    problem: dict[str, Any] = {"message": message}
    if found:
        problem["errors"] = [{"field": field, "message": text} for field, text in found]
    return _response(status, json.dumps(problem))
