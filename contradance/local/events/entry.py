"""One PutEvents entry: refused in AWS's words, or wrapped as EventBridge delivers it."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final
from uuid import uuid4

from contradance.local.names import ACCOUNT, REGION

_REQUIRED: Final = ("Source", "DetailType", "Detail")
_DEEPEST: Final = 500
"""Most levels of objects and arrays in a detail. EventBridge takes 1,000; Python cannot be sure to write them down again."""


class RefusedEntry(Exception):
    """(ErrorCode, ErrorMessage) of an entry that EventBridge would not take, in its words."""


def envelope(entry: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    """Wrap an entry as EventBridge delivers it: these fields, in this order."""
    for name in _REQUIRED:
        if not entry.get(name):
            raise RefusedEntry(
                "InvalidArgument", f"Parameter {name} is not valid. Reason: {name} is a required argument."
            )
    return {
        "version": "0",
        "id": str(uuid4()),
        "detail-type": entry["DetailType"],
        "source": entry["Source"],
        "account": ACCOUNT,
        "time": _time(entry.get("Time"), now).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "region": REGION,
        "resources": list(entry.get("Resources") or ()),
        "detail": _detail(entry["Detail"]),
    }


def _detail(text: str) -> dict[str, Any]:
    """Return the object that an entry's Detail holds."""
    try:
        detail = json.loads(text, parse_constant=_refuse_constant)
        if is_too_deep(text, detail):
            detail = None
        if not text.isascii() or "\\u" in text:
            json.dumps(detail, ensure_ascii=False).encode()  # half a surrogate pair is no text
    except (ValueError, TypeError, RecursionError):
        detail = None
    if not isinstance(detail, dict):
        raise RefusedEntry("MalformedDetail", "Detail is malformed.")
    return detail


def is_too_deep(text: str, value: object) -> bool:
    """Whether JSON, given as its text and as what it says, has more levels than can be written down again."""
    return text.count("{") + text.count("[") > _DEEPEST and _depth(value) > _DEEPEST


def _depth(value: object) -> int:
    """Return how many levels of objects and arrays a JSON value has."""
    depth, level = 0, [value]
    while level := [item for item in level if isinstance(item, dict | list)]:
        depth += 1
        level = [inner for item in level for inner in (item.values() if isinstance(item, dict) else item)]
    return depth


def _refuse_constant(name: str) -> None:
    """Refuse NaN and Infinity, which are no JSON."""
    raise ValueError(f"{name} is no JSON")


def _time(given: object, now: datetime) -> datetime:
    """Return an entry's Time, which AWS's protocol says in seconds of the epoch; `now` where it says none."""
    if isinstance(given, datetime):
        return given.astimezone(UTC)
    try:
        return datetime.fromtimestamp(given, UTC) if isinstance(given, int | float) else now
    except (ValueError, OverflowError, OSError) as error:
        raise RefusedEntry("InvalidArgument", "Parameter Time is not valid.") from error
