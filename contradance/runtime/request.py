"""Reads an HTTP request in API Gateway's payload 2.0, and builds responses.

All errors have one shape, on AWS and on the laptop: API Gateway's own, with a list of errors added:

    {"message": "The request is not valid.", "errors": [{"field": "body.lines.0.quantity", "message": "..."}]}
"""

import base64
import json
import re
from collections.abc import Iterable, Mapping
from hashlib import sha256
from itertools import accumulate
from math import isfinite
from typing import Any, Final

from contradance.bounds import MAX_PROBLEM_ANSWER_BYTES, MAX_REASON_BYTES, shortened
from contradance.errors import ContradanceError
from contradance.reply import HttpError

MAX_BODY_BYTES: Final = 1_048_576
"""Largest body of a request. API Gateway accepts 10 MB and Lambda 6 MB, base64 included; but items hold at most 400 KB
and events 256 KiB, so a larger body is a mistake or an attack."""
MAX_RESPONSE_BYTES: Final = 6 * 1024 * 1024
"""Largest response of a function, as JSON, in bytes. Lambda developer guide, quotas."""
NOT_FINITE: Final = "Input should be a finite number"
MAX_IDEMPOTENCY_KEY: Final = 255
"""Longest Idempotency-Key, in characters."""
_SAFE: Final = ("GET", "HEAD")
_DEFAULT_TYPES: Final = ("application/x-www-form-urlencoded", "application/octet-stream")
"""Content types that are treated as JSON: `curl -d` and API Gateway, for base64, send them by default."""
_TRACEPARENT: Final = re.compile(r"(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")
"""W3C Trace Context, level 1, section 3.2."""

Response = dict[str, Any]
"""API Gateway's response: statusCode, headers, body."""


class BadRequest(ContradanceError):
    """A request has invalid parts; `found` lists them as (field, message)."""

    def __init__(self, found: list[tuple[str, str]]) -> None:
        super().__init__("The request is not valid.")
        self.found = found


def body_too_large(most: int) -> str:
    """Return the message for a body of more than `most` bytes."""
    return f"The request's body is over {most:,} bytes."


def body_of(request: Mapping[str, Any]) -> bytes:
    """Return the request's body as bytes; raise a 413 `HttpError` when it is too large."""
    body = request.get("body") or ""
    read = base64.b64decode(body) if request.get("isBase64Encoded") else str(body).encode()
    if len(read) > MAX_BODY_BYTES:
        raise HttpError(413, body_too_large(MAX_BODY_BYTES))
    return read


def json_of(request: Mapping[str, Any]) -> bytes:
    """Return the request's body; raise `HttpError`, 415 for a content type other than JSON, 413 for a large body."""
    given = _header(request, "content-type") or ""
    media_type = given.partition(";")[0].strip().lower()
    if media_type and media_type not in _DEFAULT_TYPES and not media_type.endswith(("/json", "+json")):
        raise HttpError(415, "Send the body as application/json.")
    return body_of(request)


def refuse_ambiguous_json(body: bytes) -> None:
    """Raise `BadRequest` when valid JSON has a field twice in an object, infinity or NaN; other text: `ValueError`."""
    not_finite = path_of_infinity(json.loads(body, object_pairs_hook=_named_once), "body")
    if not_finite is not None:
        raise BadRequest([(not_finite, NOT_FINITE)])


def path_of_infinity(data: object, path: str = "") -> str | None:
    """Return the path of the first infinite or NaN number in JSON-like data; None when there is none."""
    if isinstance(data, float):
        return None if isfinite(data) else path
    items: Iterable[tuple[object, object]] = ()
    if isinstance(data, Mapping):
        items = data.items()
    elif isinstance(data, list | tuple):
        items = enumerate(data)
    paths = (path_of_infinity(value, f"{path}.{key}" if path else str(key)) for key, value in items)
    return next((found for found in paths if found is not None), None)


def _named_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return the fields of a JSON object; raise `BadRequest` when a name occurs twice."""
    fields = dict(pairs)
    if len(fields) < len(pairs):
        raise BadRequest([("body", "Should name each field once")])
    return fields


def idempotency_key(request: Mapping[str, Any]) -> str | None:
    """Return caller and Idempotency-Key as one key, None for GET, HEAD and without it; `BadRequest` for its length.

    GET and HEAD requests change nothing, so they have no key.
    """
    method = str(request["routeKey"]).partition(" ")[0]
    key = _header(request, "idempotency-key")
    if key is None or method in _SAFE:
        return None
    if not 1 <= len(key) <= MAX_IDEMPOTENCY_KEY:
        raise BadRequest([("headers.idempotency-key", f"Should have 1 to {MAX_IDEMPOTENCY_KEY} characters")])
    caller = _caller(request)
    return f"{sha256(caller.encode()).hexdigest()[:32]}/{key}" if caller else key


def _caller(request: Mapping[str, Any]) -> str:
    """Return the authenticated caller: a JWT's issuer and subject, or the ARN of IAM; empty without authorization."""
    authorizer = (request.get("requestContext") or {}).get("authorizer") or {}
    claims = (authorizer.get("jwt") or {}).get("claims") or {}
    if "sub" in claims:
        return f"{claims.get('iss')} {claims['sub']}"
    return str((authorizer.get("iam") or {}).get("userArn") or "")


def traceparent_of(request: Mapping[str, Any]) -> str | None:
    """Return the W3C trace context that the client sent; None when it is missing or malformed."""
    given = _header(request, "traceparent")
    return given if given and _TRACEPARENT.fullmatch(given) else None


def _header(request: Mapping[str, Any], name: str) -> str | None:
    """Return a header by its lower-case name; None when it is missing."""
    value = (request.get("headers") or {}).get(name)
    return None if value is None else str(value)


def response(status: int, body: str) -> Response:
    """Return a response with this status, whose body is JSON text."""
    return {"statusCode": status, "headers": {"content-type": "application/json"}, "body": body}


def problem(status: int, message: str, found: list[tuple[str, str]] | None = None) -> Response:
    """Return an error response with a message, and the first (field, message) pairs in `found`, within its bound."""
    body: dict[str, Any] = {"message": shortened(message, MAX_REASON_BYTES)}
    listed = [json.dumps({"field": field, "message": text}) for field, text in found or ()]
    room = MAX_PROBLEM_ANSWER_BYTES - len(json.dumps({**body, "errors": []}))
    sizes = accumulate(len(one) + len(", ") for one in listed)
    fitting = [one for one, size in zip(listed, sizes, strict=True) if size <= room]
    text = json.dumps(body)
    return response(status, f'{text[:-1]}, "errors": [{", ".join(fitting)}]}}' if fitting else text)
