"""The run times of a schedule: EventBridge Scheduler's `rate`, `cron` and `at` expressions, in a time zone.

Daylight saving time, as EventBridge Scheduler has it: a local time that does not exist is skipped, a local time that occurs
twice runs the first time only, and a day of a rate is 24 hours. EventBridge Scheduler user guide, schedule-types.
"""

import re
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from math import floor
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from contradance.cron import Cron, InvalidField, parse_cron
from contradance.errors import InvalidFunction

_RATE: Final = r"rate\(([0-9]{1,5}) (minute|hour|day)s?\)"
_AT: Final = r"at\((\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)\)"
_CRON: Final = r"cron\((\S+) (\S+) (\S+) (\S+) (\S+) (\S+)\)"
_NOT_ZONES: Final = ("Factory", "localtime", "posix", "right/")
"""Beginnings of names of files in a machine's database that AWS does not have: its own zone, and other tables of zones."""
_SIX_FIELDS: Final = (
    "a cron has six fields, minute hour day-of-month month day-of-week year, and one of the two days is '?'"
)
_FIX: Final = "  Write it like rate(1 day), cron(0 12 * * ? *) or at(2027-01-31T12:00:00)."


@dataclass(frozen=True)
class Timetable:
    """A parsed schedule expression, with its time zone and the time in which it is active."""

    expression: str
    every: timedelta | None
    """The period of a rate; None for a cron and for one run."""
    cron: Cron | None = None
    timezone: str = "UTC"
    start: datetime | None = None
    """The earliest run; of a rate, the first."""
    end: datetime | None = None
    """The latest run."""
    once: datetime | None = None
    """The only run of `at(...)`, in local time."""

    @property
    def label(self) -> str:
        """The expression, with the time zone where it is not UTC."""
        return self.expression if self.timezone == "UTC" else f"{self.expression} {self.timezone}"

    def next_after(self, moment: datetime) -> datetime | None:
        """Return the first run after `moment`; None when no run follows before the end, or before the year 2200."""
        if self.once is not None:
            once = self.once.replace(tzinfo=self._zone).astimezone(UTC)
            return once if once > moment else None
        if self.start is not None and moment < self.start:
            moment = self.start - timedelta(microseconds=1)
        run = self._next_of_rate(moment, self.every) if self.every else next(self._runs_after(moment), None)
        return None if run is None or (self.end is not None and run > self.end) else run

    def _next_of_rate(self, moment: datetime, every: timedelta) -> datetime:
        """Return the next run of a rate, which is counted from the start, else from 1970."""
        first = int(self.start.timestamp()) if self.start else 0
        period = int(every.total_seconds())
        passed = floor((moment.timestamp() - first) / period)
        return datetime.fromtimestamp(first + (passed + 1) * period, UTC)

    def _runs_after(self, moment: datetime) -> Iterator[datetime]:
        """Yield the runs of a cron after `moment`: its local times that exist, in order, each once."""
        if self.cron is None:
            return
        local, times = moment.astimezone(self._zone), self.cron.times
        for day in self.cron.days_from(local.date()):
            passed = bisect_left(times, (local.hour, local.minute)) if day == local.date() else 0
            for hour, minute in times[passed:]:
                wanted = datetime(day.year, day.month, day.day, hour, minute)  # noqa: DTZ001 - local, and perhaps not existing
                run = wanted.replace(tzinfo=self._zone).astimezone(UTC)
                if run > moment and run.astimezone(self._zone).replace(tzinfo=None) == wanted:
                    yield run

    @cached_property
    def _zone(self) -> ZoneInfo:
        """The time zone of the timetable."""
        return ZoneInfo(self.timezone)


def parse_timetable(
    expression: str,
    function: str,
    *,
    timezone: str = "UTC",
    start: datetime | None = None,
    end: datetime | None = None,
) -> Timetable:
    """Parse a schedule expression of `function`; raise `InvalidFunction` for one that is invalid or never runs."""
    refusal = f"{function} has the schedule {expression!r}, which is not a schedule that contradance supports"
    _check_zone(function, timezone)
    _check_window(function, start, end)
    if rate := re.fullmatch(_RATE, expression):
        count, unit = int(rate[1]), rate[2]
        if count < 1:
            raise InvalidFunction(f"{refusal}: a rate is 1 {unit} or several {unit}s.\n{_FIX}")
        return Timetable(expression, timedelta(**{f"{unit}s": count}), None, timezone, start, end)
    if once := re.fullmatch(_AT, expression, re.ASCII):
        if start is not None or end is not None:
            raise InvalidFunction(
                f"{function} runs once, so that EventBridge Scheduler ignores its start= and end=.\n  Remove them."
            )
        return Timetable(expression, None, None, timezone, once=_parse_once(once[1], refusal, timezone))
    if not (cron := re.fullmatch(_CRON, expression)):
        reason = f": {_SIX_FIELDS}" if expression.startswith("cron(") else ""
        raise InvalidFunction(f"{refusal}{reason}.\n{_FIX}")
    try:
        parsed = parse_cron(cron.groups())
    except InvalidField as error:
        raise InvalidFunction(f"{refusal}: {error}.\n{_FIX}") from error
    return Timetable(expression, None, parsed, timezone, start, end)


def _parse_once(text: str, refusal: str, timezone: str) -> datetime:
    """Return a local time; raise `InvalidFunction` for one that does not exist in its zone, if zones are known here."""
    try:
        local = datetime.fromisoformat(text)
        if _exists(local, timezone):
            return local
    except (ValueError, OverflowError):
        pass
    raise InvalidFunction(f"{refusal}: there is no such time in {timezone}.\n{_FIX}")


def _exists(local: datetime, timezone: str) -> bool:
    """Whether clocks of a time zone show a local time; True when this machine does not have the zone."""
    try:
        zone = UTC if timezone == "UTC" else ZoneInfo(timezone)
    except ZoneInfoNotFoundError:
        return True
    return local.replace(tzinfo=zone).astimezone(UTC).astimezone(zone).replace(tzinfo=None) == local


def _check_zone(function: str, timezone: str) -> None:
    """Raise `InvalidFunction` for an unknown time zone, unless this machine has no database of time zones."""
    if timezone == "UTC":
        return
    try:
        if timezone.startswith(_NOT_ZONES):
            raise ValueError(timezone)  # noqa: TRY301 - as ZoneInfo raises for other texts
        ZoneInfo(timezone)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        if isinstance(error, ZoneInfoNotFoundError) and not _has_zones():
            return
        raise InvalidFunction(
            f"{function} has timezone={timezone!r}, which is not a time zone of the IANA database.\n"
            "  Write it like timezone='Europe/Berlin'."
        ) from error


def _has_zones() -> bool:
    """Whether this machine has a database of time zones."""
    try:
        ZoneInfo("Europe/London")
    except ZoneInfoNotFoundError:
        return False
    return True


def _check_window(function: str, start: datetime | None, end: datetime | None) -> None:
    """Raise `InvalidFunction` for a start or end without zone or with split seconds, or an end before the start."""
    for option, moment in (("start", start), ("end", end)):
        if moment is not None and (moment.tzinfo is None or moment.microsecond):
            raise InvalidFunction(
                f"{function} has {option}={moment.isoformat()}, which has no time zone or parts of a second.\n"
                f"  Write it like {option}=datetime(2027, 1, 1, tzinfo=UTC)."
            )
    if start is not None and end is not None and end <= start:
        raise InvalidFunction(
            f"{function} has an end= that is not later than its start=, so it never runs.\n  Give it a later end=."
        )
