"""The fields of EventBridge Scheduler's `cron(...)`: minute, hour, day of month, month, day of week and year.

*  ?  1,3  1-5  0/15   as usual; the day of week is 1 (SUN) to 7 (SAT)
L                      in day of month: the last day of the month; in day of week: Saturday, the last day of the week
15W, LW                in day of month: the weekday (Monday to Friday) nearest to the 15th, or to the last day, in the same month
6L, FRIL               in day of week: the last Friday of the month
2#1, MON#1             in day of week: the first Monday of the month
"""

import re
from calendar import monthrange
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final, NamedTuple

_MONTHS: Final = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_WEEKDAYS: Final = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
_DAY_OF_MONTH: Final = "day-of-month"
_DAY_OF_WEEK: Final = "day-of-week"
_SATURDAY: Final = 7
_SUNDAY: Final = 1
_YEARS: Final = (1970, 2199)
_NEAREST: Final = re.compile(r"([1-9]|[12][0-9]|3[01]|L)W")
_ONE_WEEKDAY: Final = f"([1-7]|(?i:{'|'.join(_WEEKDAYS)}))"
_LAST: Final = re.compile(f"{_ONE_WEEKDAY}L")
_NUMBERED: Final = re.compile(f"{_ONE_WEEKDAY}#([1-5])")


class InvalidField(ValueError):
    """The text is not a cron expression; the message is the reason."""


class _Field(NamedTuple):
    """A field's name, range, and the names of its values."""

    name: str
    low: int
    high: int
    names: tuple[str, ...] = ()


_ALL: Final = (
    _Field("minute", 0, 59),
    _Field("hour", 0, 23),
    _Field(_DAY_OF_MONTH, 1, 31),
    _Field("month", 1, 12, _MONTHS),
    _Field(_DAY_OF_WEEK, 1, 7, _WEEKDAYS),
    _Field("year", *_YEARS),
)


@dataclass(frozen=True, slots=True)
class Cron:
    """A parsed cron expression, without a time zone."""

    times: tuple[tuple[int, int], ...]
    """The hours and minutes of a day, in order."""
    days: "frozenset[int] | str | None"
    """Days of the month; `L`, `LW` and `15W` as text; None for `?`."""
    months: frozenset[int]
    weekdays: "frozenset[int] | str | None"
    """Days of the week, 1 is Sunday; `6L` and `2#1` as text; None for `?`."""
    years: frozenset[int]

    def days_from(self, first: date) -> Iterator[date]:
        """Yield the days on which it runs, from `first` to the end of 2199."""
        for year in range(first.year, max(self.years) + 1):
            if year in self.years:
                for month in sorted(self.months):
                    for day in self._days_of(year, month):
                        if day >= first:
                            yield day

    def _days_of(self, year: int, month: int) -> list[date]:
        """Return the days of a month on which it runs, in order."""
        last = monthrange(year, month)[1]
        if isinstance(self.days, str):
            return _special_day(self.days, year, month, last)
        if isinstance(self.weekdays, str):
            return _special_weekday(self.weekdays, year, month, last)
        days = [date(year, month, day) for day in range(1, last + 1) if self.days is None or day in self.days]
        return [day for day in days if self.weekdays is None or _weekday(day) in self.weekdays]


def parse_cron(texts: tuple[str, ...]) -> Cron:
    """Parse the six fields of a cron expression; raise `InvalidField` for an invalid one, or when no day fits all."""
    if (texts[2] == "?") == (texts[4] == "?"):
        raise InvalidField("exactly one of day-of-month and day-of-week is '?'")
    minutes, hours, days, months, weekdays, years = (
        _parse_field(field, text) for field, text in zip(_ALL, texts, strict=True)
    )
    times = tuple((hour, minute) for hour in _sorted_numbers(hours) for minute in _sorted_numbers(minutes))
    cron = Cron(times, days, frozenset(_sorted_numbers(months)), weekdays, frozenset(_sorted_numbers(years)))
    if next(cron.days_from(date(_YEARS[0], 1, 1)), None) is None:
        raise InvalidField("no such day exists")
    return cron


def _sorted_numbers(parsed: "frozenset[int] | str | None") -> list[int]:
    """Return the values of a field in order; none for `?` and for a day as text."""
    return sorted(parsed) if isinstance(parsed, frozenset) else []


def _weekday(day: date) -> int:
    """Return 1 for Sunday to 7 for Saturday."""
    return day.isoweekday() % 7 + 1


def _special_day(text: str, year: int, month: int, last: int) -> list[date]:
    """Return the day of `L`, `LW` or `15W` in a month; a month without a 31st has no `31W`."""
    wanted = last if text in ("L", "LW") else int(text[:-1])
    if wanted > last:
        return []
    day = date(year, month, wanted)
    if text != "L" and _weekday(day) == _SATURDAY:
        day += timedelta(days=-1 if wanted > 1 else 2)
    elif text != "L" and _weekday(day) == _SUNDAY:
        day += timedelta(days=1 if wanted < last else -2)
    return [day]


def _special_weekday(text: str, year: int, month: int, last: int) -> list[date]:
    """Return the day of `6L` or `2#1` in a month; not every month has a fifth of each weekday."""
    fitting = [day for day in (date(year, month, n) for n in range(1, last + 1)) if _weekday(day) == int(text[0])]
    position = len(fitting) if text.endswith("L") else int(text[2])
    return fitting[position - 1 : position]


def _parse_field(field: _Field, text: str) -> "frozenset[int] | str | None":
    """Return a field's values, `L`, `LW`, `15W`, `6L` or `2#1` as text, None for `?`; else raise `InvalidField`."""
    if field.name == _DAY_OF_MONTH and (text == "L" or _NEAREST.fullmatch(text)):
        return text
    if field.name == _DAY_OF_WEEK and (special := _LAST.fullmatch(text) or _NUMBERED.fullmatch(text)):
        return f"{_parse_number(field, special[1])}{text[len(special[1]) :]}"
    if field.name == _DAY_OF_WEEK and text == "L":
        return frozenset({_SATURDAY})
    if text == "?" and field.name in (_DAY_OF_MONTH, _DAY_OF_WEEK):
        return None
    return frozenset(value for part in text.split(",") for value in _parse_part(field, text, part))


def _parse_part(field: _Field, text: str, part: str) -> range:
    """Return the values of one part of a field: `*`, `3`, `1-5` or `0/15`; raise `InvalidField` for any other."""
    span, slash, step = part.partition("/")
    first, dash, last = span.partition("-")
    try:
        start = field.low if span == "*" else _parse_number(field, first)
        end = _parse_number(field, last) if dash else field.high if span == "*" or slash else start
        stride = _parse_number(None, step) if slash else 1
    except ValueError as error:
        raise InvalidField(f"{text!r} is not a valid {field.name}") from error
    if not (field.low <= start <= end <= field.high and stride >= 1):
        raise InvalidField(f"{text!r} is not a valid {field.name} ({field.low} to {field.high})")
    return range(start, end + 1, stride)


def _parse_number(field: _Field | None, text: str) -> int:
    """Return a number, or that of a field's name such as `JAN`; raise ValueError for another text."""
    if field is not None and text.upper() in field.names:
        return field.names.index(text.upper()) + field.low
    if not (text.isascii() and text.isdigit()):
        raise ValueError
    return int(text)
