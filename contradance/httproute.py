"""A route of the HTTP API, read from a handler's signature: method and path, parameters, request body, response."""

import re
from dataclasses import dataclass
from datetime import date, time, timedelta
from decimal import Decimal
from enum import Enum
from types import NoneType
from typing import Any, Final, Literal, get_args, get_origin
from uuid import UUID

from contradance.annotation import is_model, members, type_name
from contradance.contract import Contract
from contradance.delivery import Delivery
from contradance.errors import InvalidFunction
from contradance.reply import Reply
from contradance.signature import Parameter, Signature, check_whole_number
from contradance.unreadable import check_unions

_KEY: Final = r"(GET|POST|PUT|PATCH|DELETE) (/|(?:/[^\s/?#]+)+)"
SEGMENT: Final = r"[A-Za-z0-9._~-]+|\{[a-z_][a-z0-9_]*\}"
"""A path segment: a word or a placeholder."""
PLACEHOLDER: Final = r"\{([a-z_][a-z0-9_]*)\}"
"""A placeholder in a path; the group is its name."""
CORS_HEADERS: Final = ("authorization", "content-type", "idempotency-key", "traceparent")
"""Headers that a page of an allowed origin may send."""
CORS_SIGNED_HEADERS: Final = ("x-amz-content-sha256", "x-amz-date", "x-amz-security-token")
"""Headers that a browser also sends with signed requests."""
CORS_MAX_AGE_SECONDS: Final = 3600
"""How long a browser keeps the answer to a preflight."""
LONGEST_WAIT: Final = timedelta(seconds=30)
"""Longest time that an HTTP API waits for a function. API Gateway developer guide, http-api-quotas."""
_BODYLESS: Final = ("GET", "DELETE")
_LOWEST_STATUS: Final = 200
_HIGHEST_STATUS: Final = 399
_FROM_TEXT: Final = (str, int, float, Decimal, UUID, date, time, timedelta, Enum)


@dataclass(frozen=True, slots=True)
class Route:
    """A route of the application's HTTP API."""

    method: str
    path: str
    """With placeholders: `/loans/{loan_id}`."""
    status: int
    in_path: tuple[Parameter, ...]
    in_query: tuple[Parameter, ...]
    body: Parameter | None
    delivery: Parameter | None
    """The parameter that takes a `Delivery`."""
    answers: Any
    """Annotation of the response body."""

    @property
    def key(self) -> str:
        """API Gateway's route key: `GET /loans/{loan_id}`."""
        return f"{self.method} {self.path}"

    @property
    def shape(self) -> str:
        """The route key without the names of its placeholders: two routes of one shape are one route."""
        return f"{self.method} {re.sub(PLACEHOLDER, '{}', self.path)}"


def read_route(key: str, status: int, signature: Signature) -> Route:
    """Return the route of a handler; raise `InvalidFunction` for a key, status or signature that cannot work."""
    function, parameters = signature.function, signature.parameters
    method, path = _method_and_path(function, key)
    check_whole_number(function, "status", status)
    if not _LOWEST_STATUS <= status <= _HIGHEST_STATUS:
        raise InvalidFunction(
            f"{function} has status={status}, which is not a success.\n"
            "  Use 200 to 399 here; raise HttpError for anything else."
        )
    placeholders = _placeholders(function, path, [parameter.name for parameter in parameters])
    body = _body_parameter(function, method, parameters)
    delivery = next((parameter for parameter in parameters if parameter.annotation is Delivery), None)
    texts = [parameter for parameter in parameters if parameter not in (body, delivery)]
    for parameter in parameters:
        if parameter in texts or parameter.name in placeholders:
            _check_readable_from_text(function, parameter)
    return Route(
        method=method,
        path=path,
        status=status,
        in_path=tuple(parameter for parameter in texts if parameter.name in placeholders),
        in_query=tuple(parameter for parameter in texts if parameter.name not in placeholders),
        body=body,
        delivery=delivery,
        answers=_response_annotation(function, signature.returns),
    )


def _method_and_path(function: str, key: str) -> tuple[str, str]:
    """Return the method and the path of a route's key; raise `InvalidFunction` for any other text."""
    parsed = re.fullmatch(_KEY, key)
    if parsed is None:
        raise InvalidFunction(
            f"{function} has the route {key!r}, which is not a method and a path.\n  Write it like 'POST /loans'."
        )
    return parsed[1], parsed[2]


def _body_parameter(function: str, method: str, parameters: tuple[Parameter, ...]) -> Parameter | None:
    """Return the parameter that is a model, or None; raise `InvalidFunction` for two, or a method without a body."""
    bodies = [parameter for parameter in parameters if is_model(parameter.annotation)]
    if len(bodies) > 1 or (bodies and method in _BODYLESS):
        why = f"a {method} request has no body" if method in _BODYLESS else "a request has one body"
        raise InvalidFunction(
            f"{function} takes {' and '.join(type_name(body.annotation) for body in bodies)}, but {why}.\n"
            "  Take its fields as query parameters, or merge the models."
        )
    for body in bodies:
        body.annotation.model_rebuild(raise_errors=False)
        if body.annotation.__pydantic_complete__:
            check_unions(body.annotation, f"{function} takes {type_name(body.annotation)}", InvalidFunction)
    return bodies[0] if bodies else None


def _placeholders(function: str, path: str, names: list[str]) -> list[str]:
    """Return the placeholders of a path; raise `InvalidFunction` for an invalid path, or one without a parameter."""
    for segment in path.split("/")[1:] if path != "/" else ():
        if not re.fullmatch(SEGMENT, segment):
            raise InvalidFunction(
                f"{function} has {segment!r} in its path {path!r}, which is neither a word nor a placeholder.\n"
                "  A placeholder is a whole segment in lower case, like {loan_id}."
            )
    placeholders = re.findall(PLACEHOLDER, path)
    for placeholder in placeholders:
        if placeholder not in names:
            raise InvalidFunction(
                f"{function} has {{{placeholder}}} in its path {path!r}, but takes no parameter of that name.\n"
                f"  Add one: {placeholder}: UUID."
            )
        if placeholders.count(placeholder) > 1:
            raise InvalidFunction(
                f"{function} has {{{placeholder}}} twice in its path {path!r}.\n  Give each placeholder its own name."
            )
    return placeholders


def reply_of(annotation: Any) -> tuple[Any, Any]:
    """Return (annotation of the response body, annotation of the published events) of a route's return annotation."""
    if get_origin(annotation) is Reply:
        body, publishes = get_args(annotation)
        return body, publishes
    return annotation, NoneType


def _response_annotation(function: str, returns: Any) -> Any:
    """Return the annotation of the response body; `InvalidFunction` for all but a model, a list of models and None."""
    body, _ = reply_of(returns)
    if body is Reply:
        raise InvalidFunction(
            f"{function} returns a Reply without its types.\n  Annotate it: -> Reply[Loan, BookLent]."
        )
    item = get_args(body)[0] if get_origin(body) is list else body
    if body is NoneType or (is_model(item) and not issubclass(item, Contract)):
        return body
    raise InvalidFunction(
        f"{function} returns {type_name(body)}, which is not a response model.\n"
        "  Return a Pydantic model, a list of them or None; publish with Reply(body, publishes=event)."
    )


def _check_readable_from_text(function: str, parameter: Parameter) -> None:
    """Raise `InvalidFunction` if a parameter has a type, such as a model, that cannot be read from text."""
    if not all(_is_from_text(member) for member in members(parameter.annotation)):
        raise InvalidFunction(
            f"{function} takes {parameter.name!r} as {type_name(parameter.annotation)}, which cannot be read from text.\n"
            "  Take a str, a number, a UUID, a date or an enum from the path and the query, and the body as one model."
        )


def _is_from_text(member: Any) -> bool:
    """Return whether a type can be read from the path or the query. A type with its own Pydantic schema is accepted."""
    return (
        member is NoneType
        or get_origin(member) is Literal
        or (isinstance(member, type) and issubclass(member, _FROM_TEXT))
        or (hasattr(member, "__get_pydantic_core_schema__") and not is_model(member))
    )
