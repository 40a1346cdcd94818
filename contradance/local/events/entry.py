"""Validates one PutEvents entry as EventBridge does, and wraps it in EventBridge's envelope."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final
from uuid import uuid4

from contradance.identity import MAX_DETAIL_TYPE
from contradance.local.names import ACCOUNT, REGION
from contradance.strictjson import read_json

_REQUIRED: Final = ("Source", "DetailType", "Detail")
_OF_AWS: Final = "aws."
"""Start of the sources of AWS's own services."""


class RefusedEntry(Exception):
    """(ErrorCode, ErrorMessage) that EventBridge returns for an invalid entry."""


def envelope(entry: Mapping[str, Any], now: datetime, *, refuse_aws: bool = True) -> dict[str, Any]:
    """Return EventBridge's envelope for a valid entry, its fields in EventBridge's order; else raise RefusedEntry.

    Only AWS and its partners publish with a source of AWS; `refuse_aws=False` accepts it.
    """
    source, detail_type, detail = (_required(entry, name) for name in _REQUIRED)
    if refuse_aws and source.startswith(_OF_AWS):
        raise RefusedEntry("NotAuthorizedForSourceException", "Not authorized for the source.")
    if len(detail_type) > MAX_DETAIL_TYPE:
        raise _invalid("DetailType", f"DetailType must have at most {MAX_DETAIL_TYPE} characters")
    return {
        "version": "0",
        "id": str(uuid4()),
        "detail-type": _encodable("DetailType", detail_type),
        "source": _encodable("Source", source),
        "account": ACCOUNT,
        "time": _time(entry.get("Time"), now),
        "region": REGION,
        "resources": _resources(entry.get("Resources")),
        "detail": _detail(detail),
    }


def _required(entry: Mapping[str, Any], name: str) -> str:
    """Return a required text of an entry; raise `RefusedEntry` if it is missing, empty or not text."""
    given = entry.get(name)
    if not given:
        raise _invalid(name, f"{name} is a required argument")
    if not isinstance(given, str):
        raise _invalid(name, f"{name} must be a string")
    return given


def _resources(given: object) -> list[str]:
    """Return an entry's Resources, an empty list for None; raise `RefusedEntry` unless all are texts in UTF-8."""
    if given is None:
        return []
    if not isinstance(given, list | tuple) or not all(isinstance(one, str) for one in given):
        raise _invalid("Resources", "Resources must be a list of strings")
    return [_encodable("Resources", one) for one in given]


def _encodable(name: str, text: str) -> str:
    """Return the text unchanged; raise `RefusedEntry` if UTF-8 cannot encode it."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise _invalid(name, f"{name} must be Unicode") from error
    return text


def _detail(text: str) -> dict[str, Any]:
    """Return an entry's Detail as a JSON object; raise `RefusedEntry` for any other text."""
    try:
        detail = read_json(text)
    except ValueError as error:
        raise RefusedEntry("MalformedDetail", "Detail is malformed.") from error
    if not isinstance(detail, dict):
        raise RefusedEntry("MalformedDetail", "Detail is malformed.")
    return detail


def _time(given: object, now: datetime) -> str:
    """Return a datetime or seconds since the epoch as text to the second, `now` for None; else raise `RefusedEntry`."""
    at = now if given is None else given
    try:
        if isinstance(at, int | float) and not isinstance(at, bool):
            at = datetime.fromtimestamp(at, UTC)
        if isinstance(at, datetime):
            whole = at.astimezone(UTC).replace(microsecond=0, tzinfo=None)
            return f"{whole.isoformat()}Z"  # strftime writes the year 1 without its zeros
    except (ValueError, OverflowError, OSError) as error:
        raise _invalid("Time", "Time must be a timestamp") from error
    raise _invalid("Time", "Time must be a timestamp")


def _invalid(name: str, reason: str) -> RefusedEntry:
    """Return the `RefusedEntry` of an invalid parameter; the caller raises it."""
    return RefusedEntry("InvalidArgument", f"Parameter {name} is not valid. Reason: {reason}.")
