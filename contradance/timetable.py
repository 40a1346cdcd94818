"""The run times of a schedule: EventBridge Scheduler's `rate(...)` and `cron(...)` expressions."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from contradance.errors import InvalidFunction

_RATE: Final = r"rate\(([0-9]{1,5}) (minute|hour|day)(s?)\)"
_CRON: Final = r"cron\((\S+) (\S+) (\S+) (\S+) (\S+) (\S+)\)"
_MONTHS: Final = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_WEEKDAYS: Final = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
_FIELDS: Final = (
    ("minute", 0, 59, ()),
    ("hour", 0, 23, ()),
    ("day-of-month", 1, 31, ()),
    ("month", 1, 12, _MONTHS),
    ("day-of-week", 1, 7, _WEEKDAYS),
    ("year", 1970, 2199, ()),
)
_BEFORE_ALL_RUNS: Final = datetime(1969, 12, 31, tzinfo=UTC)
_LONGER_THAN_A_MONTH: Final = timedelta(days=32)
_FIX: Final = "  Write it like rate(1 day), rate(5 minutes) or cron(0 12 * * ? *)."


@dataclass(frozen=True, slots=True)
class Timetable:
    """A parsed schedule expression. Times are UTC."""

    expression: str
    every: timedelta | None
    """The period of a rate; None for a cron."""
    cron: tuple[frozenset[int] | None, ...] = ()
    """Allowed values of minute, hour, day of month, month, weekday (1 is Sunday) and year; None for `?`."""

    def next_after(self, moment: datetime) -> datetime | None:
        """Return the first run after `moment`; None when no run follows before the year 2200."""
        if self.every is not None:
            period = int(self.every.total_seconds())
            return datetime.fromtimestamp((int(moment.timestamp()) // period + 1) * period, UTC)
        minutes, hours, _, months, _, years = self.cron
        run = moment.astimezone(UTC).replace(second=0, microsecond=0) + timedelta(minutes=1)
        while years and run.year <= max(years):
            if run.year not in years or (months and run.month not in months):
                run = (run.replace(day=1, hour=0, minute=0) + _LONGER_THAN_A_MONTH).replace(day=1)
            elif not self._runs_on(run):
                run = run.replace(hour=0, minute=0) + timedelta(days=1)
            elif hours and run.hour not in hours:
                run = run.replace(minute=0) + timedelta(hours=1)
            elif minutes and run.minute not in minutes:
                run += timedelta(minutes=1)
            else:
                return run
        return None

    def _runs_on(self, day: datetime) -> bool:
        """Whether the day of the month and the weekday allow a run on `day`."""
        _, _, days, _, weekdays, _ = self.cron
        return (days is None or day.day in days) and (weekdays is None or day.isoweekday() % 7 + 1 in weekdays)


def parse_timetable(expression: str, function: str) -> Timetable:
    """Parse a schedule expression of `function`; refuse one that is invalid or never runs."""
    refusal = f"{function} has the schedule {expression!r}, which is not a schedule that contradance supports"
    if rate := re.fullmatch(_RATE, expression):
        count, unit, plural = int(rate[1]), rate[2], rate[3]
        if count < 1 or (count == 1) == bool(plural):
            raise InvalidFunction(f"{refusal}: a rate is 1 {unit} or several {unit}s.\n{_FIX}")
        return Timetable(expression, timedelta(**{f"{unit}s": count}))
    if not (cron := re.fullmatch(_CRON, expression)):
        raise InvalidFunction(f"{refusal}.\n{_FIX}")
    if (cron[3] == "?") == (cron[5] == "?"):
        raise InvalidFunction(f"{refusal}: exactly one of day-of-month and day-of-week is '?'.\n{_FIX}")
    fields = tuple(_parse_field(refusal, position, text) for position, text in enumerate(cron.groups()))
    parsed = Timetable(expression, None, fields)
    if parsed.next_after(_BEFORE_ALL_RUNS) is None:
        raise InvalidFunction(f"{refusal}: no such day exists.\n{_FIX}")
    return parsed


def _parse_field(refusal: str, position: int, text: str) -> frozenset[int] | None:
    """Return the values that a cron field allows, None for `?`; refuse a field that is invalid."""
    name, low, high, names = _FIELDS[position]
    if text == "?" and name in ("day-of-month", "day-of-week"):
        return None
    values: set[int] = set()
    for part in text.split(","):
        span, slash, step = part.partition("/")
        first, dash, last = span.partition("-")
        try:
            start = low if span == "*" else _parse_number(first, low, names)
            end = _parse_number(last, low, names) if dash else high if span == "*" or slash else start
            stride = _parse_number(step, 0, ()) if slash else 1
        except ValueError as error:
            raise InvalidFunction(f"{refusal}: {text!r} is not a valid {name}.\n{_FIX}") from error
        if not (low <= start <= end <= high and stride >= 1):
            raise InvalidFunction(f"{refusal}: {text!r} is not a valid {name} ({low} to {high}).\n{_FIX}")
        values.update(range(start, end + 1, stride))
    return frozenset(values)


def _parse_number(text: str, low: int, names: tuple[str, ...]) -> int:
    """Return a number, or that of a name such as `JAN`, counted from `low`; raise ValueError for another text."""
    if text.upper() in names:
        return names.index(text.upper()) + low
    if not (text.isascii() and text.isdigit()):
        raise ValueError
    return int(text)
