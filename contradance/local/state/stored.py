"""Values in the rows of the state file: one that a person has damaged is read as a default, and never raises."""

from datetime import UTC, datetime
from typing import Any, Final

from contradance.strictjson import read_json

_FIRST, _LAST = datetime(1, 1, 2, tzinfo=UTC), datetime(9999, 12, 31, tzinfo=UTC)
"""The days in between have a time in every zone."""
_FIRST_SECOND: Final = _FIRST.timestamp()
_LAST_SECOND: Final = _LAST.timestamp()


def stored_time(seconds: float) -> datetime:
    """Return a time in seconds of the epoch, in UTC; one that no calendar has becomes the first or the last."""
    if seconds >= _LAST_SECOND:
        return _LAST
    return _FIRST if seconds <= _FIRST_SECOND else datetime.fromtimestamp(seconds, UTC)


def stored_texts(text: str) -> list[str]:
    """Return the texts in a JSON list; an empty list for any other text."""
    found = _json(text)
    return [one for one in found if isinstance(one, str)] if isinstance(found, list) else []


def stored_object(text: str) -> dict[str, Any] | None:
    """Return the JSON object in a text, as of an event; None for any other text."""
    found = _json(text)
    return found if isinstance(found, dict) else None


def envelope_in(text: str) -> dict[str, Any] | None:
    """Return the event in a text, which EventBridge's envelope is around; None for any other text."""
    found = stored_object(text)
    if found is None or "detail" not in found:
        return None
    return found if all(isinstance(found.get(name), str) for name in ("source", "detail-type")) else None


def _json(text: str) -> object:
    """Return the value of a JSON text; None for any other text."""
    try:
        return read_json(text, any_integer=True)
    except ValueError:
        return None
