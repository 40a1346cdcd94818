"""Reads and writes times as options have them: `2026-01-31T18:00`, `90m` (ago), `now`."""

import re
from datetime import UTC, date, datetime, timedelta
from typing import Final

import typer

_UNITS: Final = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_AGO: Final = re.compile(r"(\d{1,6})([smhd])")


def moment(text: str, now: datetime, option: str) -> datetime:
    """Return the time in an option's text (ISO 8601, in UTC without a zone; `90m` ago; `now`), else `BadParameter`."""
    ago = _AGO.fullmatch(text)
    if text == "now":
        return now
    try:
        if ago:
            return now - timedelta(**{_UNITS[ago[2]]: int(ago[1])})
        parsed = datetime.fromisoformat(text)
        return parsed.astimezone(UTC) if parsed.tzinfo else parsed.replace(tzinfo=UTC)
    except (ValueError, OverflowError) as error:
        raise typer.BadParameter(
            f"{text!r} is not a time. Use 2026-01-31T18:00 (UTC), 2026-01-31T18:00+01:00, 90m (ago; s, m, h or d) or now.",
            param_hint=option,
        ) from error


def clock_time(at: datetime, beside: datetime) -> str:
    """Return a time as `18:00:00`; with its date where that is not the date of `beside`, the time shown before it."""
    return f"{at:%H:%M:%S}" if at.date() == beside.date() else f"{at:%Y-%m-%d %H:%M:%S}"


class Days:
    """The days of a list: a line with the date goes before the first item of each day but the list's first."""

    def __init__(self) -> None:
        self._day: date | None = None

    def heading(self, at: datetime) -> str | None:
        """Return the date of the next item if the item before it has another one; None else, and for the first item."""
        before, self._day = self._day, at.date()
        return None if before in (None, self._day) else self._day.isoformat()


def format_moment(at: datetime) -> str:
    """Return a time as text that `moment` parses, to the second."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
