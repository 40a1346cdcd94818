"""Answers one HTTP request: API Gateway's payload 2.0 in, its response out."""

import json
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import lru_cache
from hashlib import sha256
from typing import Any, Final, cast, get_args, get_origin
from uuid import uuid4

from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic_core import PydanticSerializationError

from contradance.annotation import type_name
from contradance.contract import Contract
from contradance.delivery import Delivery
from contradance.envelope import derived_id
from contradance.errors import ContractViolation, LaptopError, LeaseHeld, TooMuchWork
from contradance.function import AnyFunction
from contradance.httproute import Route
from contradance.reply import HttpError, Reply
from contradance.runtime.attempt import Attempt
from contradance.runtime.containment import Contained
from contradance.runtime.error_description import message_of
from contradance.runtime.once import OnceKey, OnceRecord, StoredResponse
from contradance.runtime.perform import Cause, Performed, Task, perform
from contradance.runtime.ports import Context, Environment
from contradance.runtime.request import (
    MAX_RESPONSE_BYTES,
    NOT_FINITE,
    BadRequest,
    Response,
    body_of,
    idempotency_key,
    json_of,
    path_of_infinity,
    problem,
    refuse_ambiguous_json,
    response,
    traceparent_of,
)
from contradance.runtime.tracing import tracing
from contradance.signature import Parameter, describe_function
from contradance.violation import problems
from contradance.wire import read_closed

_LONGEST_ESCAPE: Final = 13
"""Upper limit of the bytes of one character in a response: two escapes `\\uXXXX`, and room for the headers."""
_ESCAPES_ALL: Final = sys.version_info < (3, 12)
"""Whether Lambda's runtime for this Python escapes what is not ASCII. awslambdaric, lambda_runtime_marshaller.py."""


def answer(
    function: AnyFunction, route: Route, request: Mapping[str, Any], environment: Environment, context: Context
) -> Response:
    """Run a route and return the response to a request, an error response for every exception but `LaptopError`.

    Raises:
        LaptopError: the laptop cannot answer any request; its gateway reports that.
    """
    spans = tracing()
    with (
        spans.answering(function.name, route.key, traceparent_of(request)),
        Attempt(function, route.key, environment) as this,
    ):
        answered = _answer(this, function, request, environment, context)
        spans.record_status(answered["statusCode"])
        return answered


def _answer(
    this: Attempt, function: AnyFunction, request: Mapping[str, Any], environment: Environment, context: Context
) -> Response:
    """Run a route, journal it if it published or failed, and return the response; raise only `LaptopError`."""
    try:
        with Contained():
            task = _task(function, request, context)
        this.correlation_id = task.cause.correlation_id
        performed = _perform(task, request, environment, context)
    except BadRequest as error:
        return problem(422, str(error), error.found)
    except HttpError as error:
        return problem(error.status, str(error))
    except LeaseHeld:
        return problem(409, "The same request is still being answered. Try again in a moment.")
    except LaptopError:
        raise
    except Exception as error:  # noqa: BLE001 - the journal has it, the client must not see it
        if context.get_remaining_time_in_millis() > 0:  # else it is recorded as a timeout
            this.correlation_id = this.correlation_id or context.aws_request_id
            this.failed(1, error)
        tracing().record_error(error)  # last: the exception's type is more than the outcome
        return problem(500, "Internal Server Error")
    if performed.published and not performed.duplicate:
        this.subject = performed.subject
        this.record("done", performed.attempt, published=performed.published)
    stored = performed.answer
    return response(stored.status, stored.body) if stored else problem(500, "Internal Server Error")


def _task(function: AnyFunction, request: Mapping[str, Any], context: Context) -> Task:
    """Return the task of a request, remembered by its Idempotency-Key if any; raise `BadRequest` or `HttpError`."""
    route = cast("Route", function.trigger)
    body_of(request)
    client_key = idempotency_key(request)
    arguments = _arguments(route, request)
    key = OnceKey(function.deployed_name, "http", client_key or str(uuid4()))

    def run(delivery: Callable[[], Delivery]) -> tuple[object, Callable[[], StoredResponse]]:
        """Call the handler; return (events, function that renders its response), or raise `ContractViolation`."""
        taken = {route.delivery.name: delivery()} if route.delivery else {}
        returned = function.handler(**arguments, **taken)
        body, published = (returned.body, returned.publishes) if isinstance(returned, Reply) else (returned, None)
        if not isinstance(returned, Reply) and (isinstance(returned, Contract) or not function.may_publish_nothing):
            raise ContractViolation(
                f"{describe_function(function.service, function.handler)} returned {type_name(type(returned))} without a "
                "Reply.\n  Write: return Reply(body, publishes=event)."
            )
        return published, lambda: StoredResponse(route.status, _rendered(function, route, body), _fingerprint(request))

    cause = Cause(derived_id(*key, "correlation"), None, traceparent=traceparent_of(request))
    return Task(function, key, context.aws_request_id, cause, run, remembered=client_key is not None)


def _perform(task: Task, request: Mapping[str, Any], environment: Environment, context: Context) -> Performed:
    """Run the task; for a repeated Idempotency-Key return its first answer, `BadRequest` for another request's.

    A failed request releases its lease, so that the client may retry with the same key at once.
    """
    lease = task.lease(environment.clock)
    if not task.remembered:
        return perform(task, lease, OnceRecord("in_progress", 1), environment, context)
    record = environment.store.begin(task.key, lease, environment.clock.now())
    if record.answer and record.answer.fingerprint != _fingerprint(request):
        raise BadRequest([("headers.idempotency-key", "Was used for another request")])
    try:
        return perform(task, lease, record, environment, context)
    except Exception:
        environment.store.release(task.key, lease)
        raise


def _fingerprint(request: Mapping[str, Any]) -> str:
    """Return a digest of the request's path, query and body."""
    parts = (request.get("rawPath"), request.get("rawQueryString"), request.get("body"))
    return sha256(repr(parts).encode()).hexdigest()


@lru_cache(maxsize=256)
def _adapter(annotation: Any) -> TypeAdapter[Any]:
    """Return the Pydantic adapter of a type, cached."""
    return TypeAdapter(annotation)


def _rendered(function: AnyFunction, route: Route, body: object) -> str:
    """Return the body as JSON, as `_render`; raise `ContractViolation`, which names the handler, if it does not fit."""
    try:
        return _render(route, body)
    except ValueError as error:
        raise ContractViolation(
            f"{describe_function(function.service, function.handler)} returned {type_name(type(body))}, which is not the "
            f"answer that its annotation names: {message_of(error)}.\n  Return {type_name(route.answers)}."
        ) from error


def _render(route: Route, body: object) -> str:
    """Return the body as JSON of the route's return type, empty for None; raise ValueError if it does not fit.

    Unlike an event, it includes computed fields, because the client cannot compute them.
    """
    adapter = _adapter(route.answers)
    validated = adapter.validate_python(body, by_name=True, by_alias=True)
    if validated is None:
        return ""
    answered = body if _is_built(route.answers, body) else validated
    text = _dump(adapter, answered)
    if "null" in text:  # Pydantic writes infinity and NaN as null
        not_finite = path_of_infinity(adapter.dump_python(answered, mode="json", by_alias=True))
        if not_finite is not None:
            raise ValueError(f"the answer's {not_finite} is infinite or NaN, which JSON does not have")
    _check_size(route, text)
    return text


def _dump(adapter: TypeAdapter[Any], answered: object) -> str:
    """Return the JSON of an answer; raise what a serializer of the author raises, with its frames."""
    with suppress(PydanticSerializationError):
        return adapter.dump_json(answered, by_alias=True, warnings="error").decode()
    adapter.dump_python(answered, mode="json", warnings="error")
    return adapter.dump_json(answered, by_alias=True, warnings="error").decode()


def _is_built(answers: Any, body: Any) -> bool:
    """Whether a body is an instance of the response model, or a list of them: a validator may change it a second time."""
    model, bodies = (get_args(answers)[0], body) if get_origin(answers) is list else (answers, [body])
    return isinstance(bodies, list) and all(isinstance(one, model) for one in bodies)


def _check_size(route: Route, body: str) -> None:
    """Raise `TooMuchWork` when Lambda would not return this body: within its response it is a text, with escapes."""
    if len(body) * _LONGEST_ESCAPE <= MAX_RESPONSE_BYTES:
        return
    size = len(json.dumps(response(route.status, body), ensure_ascii=_ESCAPES_ALL).encode())
    if size > MAX_RESPONSE_BYTES:
        raise TooMuchWork(
            f"{route.key} answers {size} bytes; Lambda returns at most {MAX_RESPONSE_BYTES}.\n"
            "  Answer page by page, or store the large part and refer to it."
        )


def _arguments(route: Route, request: Mapping[str, Any]) -> dict[str, Any]:
    """Return the handler's arguments from path, query and body; raise `BadRequest` or `HttpError` if any is invalid."""
    found: list[tuple[str, str]] = []
    arguments: dict[str, Any] = {}
    for where, parameters in (("pathParameters", route.in_path), ("queryStringParameters", route.in_query)):
        texts = request.get(where) or {}
        place = "path" if where == "pathParameters" else "query"
        for parameter in parameters:
            _take_text(parameter, place, texts.get(parameter.name), arguments, found)
    if route.body is not None:
        body = json_of(request)
        try:
            model: type[BaseModel] = route.body.annotation
            arguments[route.body.name] = read_closed(model, body, extra=None)
            refuse_ambiguous_json(body)
        except ValidationError as error:
            found += problems(error, "body")
    if found:
        raise BadRequest(found)
    return arguments


def _take_text(
    parameter: Parameter, place: str, text: str | None, arguments: dict[str, Any], found: list[tuple[str, str]]
) -> None:
    """Add a parameter's value to `arguments` or its problem to `found`; neither for an optional one without text."""
    if text is None:
        if parameter.required:
            found.append((f"{place}.{parameter.name}", "Field required"))
        return
    try:
        value = _adapter(parameter.annotation).validate_python(text)
    except ValidationError as error:
        found += problems(error, f"{place}.{parameter.name}")
        return
    if path_of_infinity(value) is not None:
        found.append((f"{place}.{parameter.name}", NOT_FINITE))
    arguments[parameter.name] = value
