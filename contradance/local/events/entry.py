"""Validates one PutEvents entry as EventBridge does, and wraps it in EventBridge's envelope."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final
from uuid import uuid4

from contradance.local.names import ACCOUNT, REGION

_REQUIRED: Final = ("Source", "DetailType", "Detail")
_DEEPEST: Final = 500
"""Maximum nesting of a detail. EventBridge accepts 1,000 levels; Python's JSON encoder may fail on that many."""


class RefusedEntry(Exception):
    """(ErrorCode, ErrorMessage) that EventBridge returns for an invalid entry."""


def envelope(entry: Mapping[str, Any], now: datetime, *, refuse_aws: bool = True) -> dict[str, Any]:
    """Return EventBridge's envelope for a valid entry, its fields in EventBridge's order; else raise RefusedEntry.

    Only AWS and its partners publish with a source of AWS; `refuse_aws=False` accepts it.
    """
    for name in _REQUIRED:
        if not entry.get(name):
            raise RefusedEntry(
                "InvalidArgument", f"Parameter {name} is not valid. Reason: {name} is a required argument."
            )
    if refuse_aws and str(entry["Source"]).startswith("aws."):
        raise RefusedEntry("NotAuthorizedForSourceException", "Not authorized for the source.")
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
    """Parse an entry's Detail, which must be a JSON object."""
    try:
        detail = json.loads(text, parse_constant=_refuse_constant)
        if is_too_deep(text, detail):
            detail = None
        if not text.isascii() or "\\u" in text:
            json.dumps(detail, ensure_ascii=False).encode()  # a lone surrogate cannot be encoded
    except (ValueError, TypeError, RecursionError):
        detail = None
    if not isinstance(detail, dict):
        raise RefusedEntry("MalformedDetail", "Detail is malformed.")
    return detail


def is_too_deep(text: str, value: object) -> bool:
    """Whether a JSON value, given as text and parsed, is nested more deeply than `_DEEPEST`."""
    # Counting brackets is cheap and rules out almost every event; only the rest is walked.
    return text.count("{") + text.count("[") > _DEEPEST and _depth(value) > _DEEPEST


def _depth(value: object) -> int:
    """Return the nesting depth of a JSON value, without recursion, which a deep value would exhaust."""
    depth, level = 0, [value]
    while level := [item for item in level if isinstance(item, dict | list)]:
        depth += 1
        level = [inner for item in level for inner in (item.values() if isinstance(item, dict) else item)]
    return depth


def _refuse_constant(name: str) -> None:
    """Refuse NaN and Infinity, which are not JSON."""
    raise ValueError(f"{name} is not JSON")


def _time(given: object, now: datetime) -> datetime:
    """Return an entry's Time, in seconds of the epoch in AWS's protocol; `now` when it has none."""
    if isinstance(given, datetime):
        return given.astimezone(UTC)
    try:
        return datetime.fromtimestamp(given, UTC) if isinstance(given, int | float) else now
    except (ValueError, OverflowError, OSError) as error:
        raise RefusedEntry("InvalidArgument", "Parameter Time is not valid.") from error
