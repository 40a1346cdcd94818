"""One HTTP request as API Gateway's payload 2.0 has it, and the shape of every answer.

Errors have one shape, here and on the laptop, and it is API Gateway's own with more in it:

    {"message": "The request is not valid.", "errors": [{"field": "body.lines.0.quantity", "message": "..."}]}
"""

import base64
import json
import re
from collections.abc import Iterable, Mapping
from hashlib import sha256
from math import isfinite
from typing import Any, Final

from contradance.errors import ContradanceError
from contradance.reply import HttpError

MAX_BODY_BYTES: Final = 1_048_576
"""Largest body of a request. API Gateway would take 10 MB and Lambda 6 MB, base64 included; but what comes of a request
is stored in items of 400 KB and published in events of 256 KiB, so what is larger is a mistake or an attack."""
BODY_TOO_LARGE: Final = f"The request's body is over {MAX_BODY_BYTES:,} bytes."
NOT_FINITE: Final = "Input should be a finite number"
MAX_IDEMPOTENCY_KEY: Final = 255
"""Longest Idempotency-Key, in characters."""
_SAFE: Final = ("GET", "HEAD")
_UNSAID: Final = ("application/x-www-form-urlencoded", "application/octet-stream")
"""What clients say of a body when nobody told them what it is: `curl -d`, and API Gateway of what it has in base64."""
_TRACEPARENT: Final = re.compile(r"(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")
"""W3C Trace Context, level 1, section 3.2."""

Response = dict[str, Any]
"""API Gateway's response: statusCode, headers, body."""


class BadRequest(ContradanceError):
    """Parts of a request that are not valid, each as (field, what is wrong)."""

    def __init__(self, found: list[tuple[str, str]]) -> None:
        super().__init__("The request is not valid.")
        self.found = found


def body_of(request: Mapping[str, Any]) -> bytes:
    """Return the request's body; refuse one that is too large."""
    body = request.get("body") or ""
    read = base64.b64decode(body) if request.get("isBase64Encoded") else str(body).encode()
    if len(read) > MAX_BODY_BYTES:
        raise HttpError(413, BODY_TOO_LARGE)
    return read


def json_of(request: Mapping[str, Any]) -> bytes:
    """Return a body that may be JSON: refuse one that says of itself that it is something else."""
    given = _header(request, "content-type") or ""
    media_type = given.partition(";")[0].strip().lower()
    if media_type and media_type not in _UNSAID and not media_type.endswith(("/json", "+json")):
        raise HttpError(415, "Send the body as application/json.")
    return body_of(request)


def check_json(body: bytes) -> None:
    """Refuse JSON that two readers may read differently: an object with a field twice, a number that is no finite one."""
    not_finite = path_of_infinity(json.loads(body, object_pairs_hook=_named_once), "body")
    if not_finite is not None:
        raise BadRequest([(not_finite, NOT_FINITE)])


def path_of_infinity(data: object, path: str = "") -> str | None:
    """Return the path of the first number in JSON-like data that is infinite or NaN; None where there is none."""
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
    fields = dict(pairs)
    if len(fields) < len(pairs):
        raise BadRequest([("body", "Should name each field once")])
    return fields


def idempotency_key(request: Mapping[str, Any]) -> str | None:
    """Return what a repetition of the request would have too, and no other request of any caller; None for no such thing.

    It is the client's Idempotency-Key, which a request that changes nothing needs not, and the caller's own.
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
    """Return who asks, as API Gateway has authorized it: by IAM or by a JWT; empty where nobody was asked who they are."""
    authorizer = (request.get("requestContext") or {}).get("authorizer") or {}
    claims = (authorizer.get("jwt") or {}).get("claims") or {}
    if "sub" in claims:
        return f"{claims.get('iss')} {claims['sub']}"
    return str((authorizer.get("iam") or {}).get("userArn") or "")


def traceparent_of(request: Mapping[str, Any]) -> str | None:
    """Return the W3C trace context that the client sent, if it is one."""
    given = _header(request, "traceparent")
    return given if given and _TRACEPARENT.fullmatch(given) else None


def _header(request: Mapping[str, Any], name: str) -> str | None:
    value = (request.get("headers") or {}).get(name)
    return None if value is None else str(value)


def response(status: int, body: str) -> Response:
    """Return an answer whose body is JSON text."""
    return {"statusCode": status, "headers": {"content-type": "application/json"}, "body": body}


def problem(status: int, message: str, found: list[tuple[str, str]] | None = None) -> Response:
    """Return an answer that says what is wrong, by field where it is known."""
    said: dict[str, Any] = {"message": message}
    if found:
        said["errors"] = [{"field": field, "message": text} for field, text in found]
    return response(status, json.dumps(said))
