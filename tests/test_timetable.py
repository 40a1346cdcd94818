import re
from calendar import monthrange
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import pytest
from cronsim import CronSim
from hypothesis import assume, given
from hypothesis import strategies as st

from contradance import schedule
from contradance.errors import InvalidFunction
from contradance.timetable import Timetable, parse_timetable

SIX = ": a cron has six fields, minute hour day-of-month month day-of-week year, and one of the two days is '?'."
FIX = "\n  Write it like rate(1 day), cron(0 12 * * ? *) or at(2027-01-31T12:00:00)."
MOMENTS = st.integers(min_value=631_152_000, max_value=4_102_444_800).map(
    lambda second: datetime.fromtimestamp(second, UTC)
)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def runs_after(table: Timetable, now: datetime, count: int) -> list[datetime]:
    """Return so many runs after a moment; fewer when the timetable ends."""
    seen: list[datetime] = []
    while len(seen) < count and (following := table.next_after(now)) is not None:
        now = following
        seen.append(now)
    return seen


@pytest.mark.parametrize(
    ("expression", "period"),
    [
        ("rate(1 minute)", timedelta(minutes=1)),
        ("rate(5 minutes)", timedelta(minutes=5)),
        ("rate(1 hour)", timedelta(hours=1)),
        ("rate(36 hours)", timedelta(hours=36)),
        ("rate(1 day)", timedelta(days=1)),
        ("rate(1 days)", timedelta(days=1)),
        ("rate(5 minute)", timedelta(minutes=5)),
        ("rate(10000 days)", timedelta(days=10_000)),
    ],
)
def test_a_rate_has_a_period(expression: str, period: timedelta) -> None:
    assert parse_timetable(expression, "x").every == period


@pytest.mark.parametrize(
    ("expression", "why"),
    [
        ("rate(0 hours)", ": a rate is 1 hour or several hours."),
        ("rate(0 hour)", ": a rate is 1 hour or several hours."),
        ("rate(-1 days)", "."),
        ("rate(1.5 days)", "."),
        ("rate(1 week)", "."),
        ("rate(1day)", "."),
        ("rate( 1 day )", "."),
        ("rate(999999999999 days)", "."),
        ("rate(\u0663 days)", "."),
        ("every day", "."),
        ("", "."),
        ("at(2026-01-01T00:00)", "."),
        ("at(2026-01-01 00:00:00)", "."),
        ("at(2026-01-01T00:00:00Z)", "."),
        ("at(\u0662026-01-01T00:00:00)", "."),
        ("at(2026-02-30T00:00:00)", ": there is no such time in UTC."),
        ("cron(0 12 * * ?)", SIX),
        ("cron(0 12 * * ? * *)", SIX),
        ("cron(0 18 * * *)", SIX),
        ("0 12 * * ? *", "."),
        ("cron(0 12 * * * *)", ": exactly one of day-of-month and day-of-week is '?'."),
        ("cron(0 12 ? * ? *)", ": exactly one of day-of-month and day-of-week is '?'."),
        ("cron(60 12 * * ? *)", ": '60' is not a valid minute (0 to 59)."),
        ("cron(0 24 * * ? *)", ": '24' is not a valid hour (0 to 23)."),
        ("cron(0 0 0 * ? *)", ": '0' is not a valid day-of-month (1 to 31)."),
        ("cron(0 0 32 * ? *)", ": '32' is not a valid day-of-month (1 to 31)."),
        ("cron(0 0 * 13 ? *)", ": '13' is not a valid month (1 to 12)."),
        ("cron(0 0 ? * 8 *)", ": '8' is not a valid day-of-week (1 to 7)."),
        ("cron(0 0 * * ? 1969)", ": '1969' is not a valid year (1970 to 2199)."),
        ("cron(0 0 * * ? 2200)", ": '2200' is not a valid year (1970 to 2199)."),
        ("cron(30-10 0 * * ? *)", ": '30-10' is not a valid minute (0 to 59)."),
        ("cron(0/0 0 * * ? *)", ": '0/0' is not a valid minute (0 to 59)."),
        ("cron(0/ 0 * * ? *)", ": '0/' is not a valid minute."),
        ("cron(/5 0 * * ? *)", ": '/5' is not a valid minute."),
        ("cron(1- 0 * * ? *)", ": '1-' is not a valid minute."),
        ("cron(1,, 0 * * ? *)", ": '1,,' is not a valid minute."),
        ("cron(+5 0 * * ? *)", ": '+5' is not a valid minute."),
        ("cron(1_0 0 * * ? *)", ": '1_0' is not a valid minute."),
        ("cron(\u0663 0 * * ? *)", ": '\u0663' is not a valid minute."),
        ("cron(? 0 * * ? *)", ": '?' is not a valid minute."),
        ("cron(0 0 L-1 * ? *)", ": 'L-1' is not a valid day-of-month."),
        ("cron(0 0 0W * ? *)", ": '0W' is not a valid day-of-month."),
        ("cron(0 0 32W * ? *)", ": '32W' is not a valid day-of-month."),
        ("cron(0 0 1,15W * ? *)", ": '1,15W' is not a valid day-of-month."),
        ("cron(0 0 31W 2 ? *)", ": no such day exists."),
        ("cron(0 0 ? * 8L *)", ": '8L' is not a valid day-of-week."),
        ("cron(0 0 ? * 6l *)", ": '6l' is not a valid day-of-week."),
        ("cron(0 0 ? * fril *)", ": 'fril' is not a valid day-of-week."),
        ("cron(0 0 ? * FRIDAYL *)", ": 'FRIDAYL' is not a valid day-of-week."),
        ("cron(0 0 ? * MON#1,TUE *)", ": 'MON#1,TUE' is not a valid day-of-week."),
        ("cron(0 0 ? * 2#6 *)", ": '2#6' is not a valid day-of-week."),
        ("cron(0 0 ? * 2#1,3#1 *)", ": '2#1,3#1' is not a valid day-of-week."),
        ("cron(0 L * * ? *)", ": 'L' is not a valid hour."),
        ("cron(0 0 ? * MONDAY *)", ": 'MONDAY' is not a valid day-of-week."),
        ("cron(0 0 31 2 ? *)", ": no such day exists."),
        ("cron(0 0 30 FEB ? *)", ": no such day exists."),
        ("cron(0 0 31 4,6,9,11 ? *)", ": no such day exists."),
        ("cron(0 0 29 2 ? 2027)", ": no such day exists."),
        ("cron(0 0 MON * ? *)", ": 'MON' is not a valid day-of-month."),
    ],
)
def test_a_schedule_that_cannot_be_parsed_is_refused(expression: str, why: str) -> None:
    with pytest.raises(InvalidFunction) as refused:
        parse_timetable(expression, "loyalty.daily (functions/loyalty/daily.py, line 3)")

    assert str(refused.value) == (
        f"loyalty.daily (functions/loyalty/daily.py, line 3) has the schedule {expression!r}, which is not a schedule that "
        f"contradance supports{why}{FIX}"
    )


def test_it_is_refused_when_the_module_is_imported() -> None:
    def daily() -> None: ...

    line = daily.__code__.co_firstlineno
    with pytest.raises(InvalidFunction) as refused:
        schedule("rate(0 days)", service="loyalty")(daily)

    assert str(refused.value) == (
        f"loyalty.daily (tests/test_timetable.py, line {line}) has the schedule 'rate(0 days)', which is not a schedule that "
        f"contradance supports: a rate is 1 day or several days.{FIX}"
    )


@pytest.mark.parametrize(
    ("expression", "moment", "runs"),
    [
        ("cron(0 12 * * ? *)", "2026-03-01T11:59", ["2026-03-01T12:00", "2026-03-02T12:00"]),
        ("cron(0 12 * * ? *)", "2026-03-01T12:00", ["2026-03-02T12:00"]),
        ("cron(0 12 * * ? *)", "2026-03-01T11:59:59.999999", ["2026-03-01T12:00"]),
        ("cron(0 0 31 * ? *)", "2026-01-31T00:00", ["2026-03-31T00:00", "2026-05-31T00:00"]),
        ("cron(0 0 1 * ? *)", "2026-02-28T23:59", ["2026-03-01T00:00"]),
        ("cron(0 0 29 2 ? *)", "2026-01-01T00:00", ["2028-02-29T00:00", "2032-02-29T00:00"]),
        ("cron(0 0 29 2 ? *)", "2096-03-01T00:00", ["2104-02-29T00:00"]),
        ("cron(59 23 31 12 ? *)", "2026-12-31T23:58", ["2026-12-31T23:59", "2027-12-31T23:59"]),
        ("cron(0/20 * * * ? *)", "2026-03-01T10:10", ["2026-03-01T10:20", "2026-03-01T10:40", "2026-03-01T11:00"]),
        ("cron(*/30 8-9 * * ? *)", "2026-03-01T09:30", ["2026-03-02T08:00", "2026-03-02T08:30"]),
        ("cron(10-20/5 0 * * ? *)", "2026-03-01T00:10", ["2026-03-01T00:15", "2026-03-01T00:20", "2026-03-02T00:10"]),
        ("cron(5,50 6,18 * * ? *)", "2026-03-01T06:05", ["2026-03-01T06:50", "2026-03-01T18:05"]),
        ("cron(0 9 ? * MON-FRI *)", "2026-03-06T09:00", ["2026-03-09T09:00", "2026-03-10T09:00"]),
        ("cron(0 9 ? * 2-6 *)", "2026-03-06T09:00", ["2026-03-09T09:00"]),
        ("cron(0 9 ? * sun,WED *)", "2026-03-01T09:00", ["2026-03-04T09:00", "2026-03-08T09:00"]),
        ("cron(0 9 ? * 1 *)", "2026-03-01T08:00", ["2026-03-01T09:00", "2026-03-08T09:00"]),
        ("cron(0 0 1 JAN,jul ? *)", "2026-03-01T00:00", ["2026-07-01T00:00", "2027-01-01T00:00"]),
        ("cron(0 0 1 1-3 ? 2027-2028)", "2026-03-01T00:00", ["2027-01-01T00:00", "2027-02-01T00:00"]),
        ("cron(0 0 1 1 ? 2030/2)", "2026-03-01T00:00", ["2030-01-01T00:00", "2032-01-01T00:00"]),
        ("cron(0 9 ? * L *)", "2026-03-01T09:00", ["2026-03-07T09:00", "2026-03-14T09:00"]),
        ("cron(0 9 ? * FRIL *)", "2026-03-01T09:00", ["2026-03-27T09:00", "2026-04-24T09:00"]),
        ("cron(0 9 ? * friL *)", "2026-03-01T09:00", ["2026-03-27T09:00"]),
        ("cron(0 9 ? * mon#1 *)", "2026-03-01T09:00", ["2026-03-02T09:00", "2026-04-06T09:00"]),
        ("cron(0 9 LW * ? *)", "2026-05-01T09:00", ["2026-05-29T09:00", "2026-06-30T09:00"]),
        ("at(2026-03-01T12:00:30)", "2026-03-01T12:00:29", ["2026-03-01T12:00:30"]),
        ("rate(1 day)", "2026-03-01T12:00", ["2026-03-02T00:00", "2026-03-03T00:00"]),
        ("rate(5 minutes)", "2026-03-01T12:00", ["2026-03-01T12:05", "2026-03-01T12:10"]),
        ("rate(1 hour)", "2026-03-01T12:59:59", ["2026-03-01T13:00"]),
    ],
)
def test_runs_come_one_after_the_other(expression: str, moment: str, runs: list[str]) -> None:
    table = parse_timetable(expression, "x")

    assert runs_after(table, at(moment), len(runs)) == [at(run) for run in runs]


@pytest.mark.parametrize(
    "expression", ["at(2026-03-01T00:00:00)", "cron(0 0 1 1 ? 2020)", "cron(0 0 29 2 ? 2020-2026)"]
)
def test_a_schedule_may_have_no_run_left(expression: str) -> None:
    assert parse_timetable(expression, "x").next_after(at("2026-03-01T00:00")) is None


@pytest.mark.parametrize(
    ("local", "run"),
    [
        ("2026-03-29T03:30:00", "2026-03-29T01:30"),
        ("2026-03-29T02:30:00", None),
        ("2026-10-25T02:30:00", "2026-10-25T00:30"),
    ],
    ids=["after the hour that is missing", "in it", "first of the two hours"],
)
def test_a_single_run_is_in_local_time(local: str, run: str | None) -> None:
    def table() -> Timetable:
        return parse_timetable(f"at({local})", "x", timezone="Europe/Berlin")

    if run is None:
        with pytest.raises(InvalidFunction, match=r"there is no such time in Europe/Berlin"):
            table()
    else:
        assert runs_after(table(), at("2026-01-01"), 2) == [at(run)]


def test_a_single_run_has_no_start_or_end() -> None:
    with pytest.raises(InvalidFunction, match="x runs once, so that EventBridge Scheduler ignores its start= and end="):
        parse_timetable("at(2026-03-01T00:00:00)", "x", start=datetime(2026, 1, 1, tzinfo=UTC))


def test_the_moment_may_be_told_in_any_zone() -> None:
    noon_in_zurich = datetime(2026, 3, 1, 12, tzinfo=timezone(timedelta(hours=1)))

    assert parse_timetable("cron(30 11 * * ? *)", "x").next_after(noon_in_zurich) == at("2026-03-01T11:30")


FIELDS = st.tuples(
    st.sampled_from(["*", "0", "0/15", "7,50", "10-20"]),
    st.sampled_from(["*", "3", "*/6", "8-17"]),
    st.sampled_from(["*", "1", "31", "28-31", "1/10"]),
    st.sampled_from(["*", "2", "JAN-MAR", "4,6,9,12"]),
)


@given(fields=FIELDS, moment=MOMENTS)
def test_a_run_is_later_on_the_minute_and_allowed(fields: tuple[str, ...], moment: datetime) -> None:
    assume(fields[2:] != ("31", "2"))
    table = parse_timetable(f"cron({' '.join(fields)} ? *)", "x")

    run = table.next_after(moment)

    if run is not None:
        assert run > moment
        assert (run.second, run.microsecond) == (0, 0)
        assert table.cron is not None
        assert (run.hour, run.minute) in table.cron.times
        assert run.month in table.cron.months
        assert isinstance(table.cron.days, frozenset)
        assert run.day in table.cron.days
        assert table.next_after(run - timedelta(minutes=1)) == run


@given(moment=MOMENTS, minutes=st.integers(min_value=2, max_value=10_000))
def test_a_rate_runs_within_one_period(moment: datetime, minutes: int) -> None:
    run = Timetable("", timedelta(minutes=minutes)).next_after(moment)

    assert run is not None
    assert moment < run <= moment + timedelta(minutes=minutes)


def test_stepping_through_a_year_counts_its_days() -> None:
    step = parse_timetable("cron(0 0 * * ? 2028)", "x").next_after
    runs, now = 0, step(at("2027-12-31T23:59"))

    while now is not None:
        runs, now = runs + 1, step(now)

    assert runs == 366


MINUTES = st.sampled_from(["*", "0", "0/15", "7,50", "10-20"])
HOURS = st.sampled_from(["*", "3", "*/6", "8-17", "1,2"])
MONTH_NUMBERS = st.sampled_from(["*", "2", "1-3", "4,6,9,12"])
DAYS_OF_MONTH = st.sampled_from(["*", "1", "15", "28-30", "2-28/5", "L"])
DAYS_OF_WEEK = st.one_of(
    st.sampled_from(["*", "1", "7", "2-6", "1,4"]),
    st.integers(1, 7).map(lambda day: f"{day}L"),
    st.tuples(st.integers(1, 7), st.integers(1, 4)).map(lambda both: f"{both[0]}#{both[1]}"),
)


def as_cronsim(minute: str, hour: str, day: str, month: str, weekday: str) -> str:
    """Return the fields as cronsim has them: Sunday is 0, and a value with a step is a range."""
    shifted = re.sub(r"#?\d", lambda found: found[0] if found[0][0] == "#" else str(int(found[0]) - 1), weekday)
    fields = [minute.replace("0/15", "0-59/15"), hour, day, month, shifted]
    return " ".join("*" if field == "?" else field for field in fields)


@given(st.data(), MINUTES, HOURS, MONTH_NUMBERS, MOMENTS)
def test_runs_are_those_of_another_implementation(
    data: st.DataObject, minute: str, hour: str, month: str, moment: datetime
) -> None:
    day, weekday = data.draw(
        st.one_of(st.tuples(DAYS_OF_MONTH, st.just("?")), st.tuples(st.just("?"), DAYS_OF_WEEK)), label="days"
    )
    table, expected = (
        parse_timetable(f"cron({minute} {hour} {day} {month} {weekday} *)", "x"),
        CronSim(as_cronsim(minute, hour, day, month, weekday), moment),
    )

    now = moment
    for _ in range(5):
        found = table.next_after(now)
        assert found is not None
        assert found == next(expected)
        now = found


def nearest_weekday(year: int, month: int, wanted: int) -> int | None:
    """Return the weekday nearest to a day of a month, found by looking at all days of the month."""
    last = monthrange(year, month)[1]
    weekdays = [day for day in range(1, last + 1) if date(year, month, day).weekday() < 5]
    return min(weekdays, key=lambda day: abs(day - wanted)) if wanted <= last else None


@given(st.integers(1, 31), st.integers(1980, 2099), st.integers(1, 12))
def test_the_nearest_weekday_is_in_the_same_month(wanted: int, year: int, month: int) -> None:
    first = datetime(year, month, 1, tzinfo=UTC) - timedelta(minutes=1)
    assume(wanted <= 29 or month != 2)

    run = parse_timetable(f"cron(0 12 {wanted}W {month} ? *)", "x").next_after(first)

    expected = nearest_weekday(year, month, wanted)
    assert run is not None
    assert (run.day if (run.year, run.month) == (year, month) else None) == expected


ZONES = st.sampled_from(
    [
        "Europe/Berlin",
        "America/New_York",
        "Australia/Lord_Howe",  # half an hour
        "America/Sao_Paulo",  # once at midnight
        "Asia/Kathmandu",
        "Pacific/Apia",  # without 2011-12-30
        "Africa/Casablanca",
        "UTC",
    ]
)


def transitions(zone: ZoneInfo, year: int) -> list[datetime]:
    """Return the hours of a year in which the zone's offset changes."""
    hours = [datetime(year, 1, 1, tzinfo=UTC) + timedelta(hours=n) for n in range(366 * 24)]
    offsets = [hour.astimezone(zone).utcoffset() for hour in hours]
    return [hour for hour, one, two in zip(hours, offsets, offsets[1:], strict=False) if one != two]


@given(ZONES, st.integers(2005, 2030), st.data())
def test_in_a_zone_each_local_time_that_exists_runs_once(zone: str, year: int, data: st.DataObject) -> None:
    info = ZoneInfo(zone)
    around = data.draw(st.sampled_from(transitions(info, year) or [datetime(year, 6, 1, tzinfo=UTC)]), label="around")
    start, minutes = around - timedelta(hours=30), 60 * 60
    expression = data.draw(st.sampled_from(["cron(0/10 * * * ? *)", "cron(30 0-3 * * ? *)", "cron(5 2 ? * * *)"]))
    table = parse_timetable(expression, "x", timezone=zone)
    assert table.cron is not None
    expected, seen = [], set()
    for moment in (start + timedelta(minutes=n) for n in range(-24 * 60, minutes + 1)):
        local = moment.astimezone(info).replace(tzinfo=None)
        if (local.hour, local.minute) in table.cron.times and local not in seen and moment > start:
            expected.append(moment)
        seen.add(local)

    found, now = [], table.next_after(start)
    while now is not None and now <= start + timedelta(minutes=minutes):
        found.append(now)
        now = table.next_after(now)

    assert found == expected


@pytest.mark.parametrize(
    ("expression", "moment", "runs"),
    [
        # 2026-03-29, 02:00 becomes 03:00
        ("cron(30 2 * * ? *)", "2026-03-28T00:00", ["2026-03-28T01:30", "2026-03-30T00:30"]),
        ("cron(0 3 * * ? *)", "2026-03-28T12:00", ["2026-03-29T01:00"]),
        # 2026-10-25, 03:00 becomes 02:00
        ("cron(30 2 * * ? *)", "2026-10-24T12:00", ["2026-10-25T00:30", "2026-10-26T01:30"]),
        ("cron(0 8 ? * 2#1 *)", "2026-03-01T00:00", ["2026-03-02T07:00", "2026-04-06T06:00"]),
        ("cron(0 0 L * ? *)", "2026-02-01T00:00", ["2026-02-27T23:00", "2026-03-30T22:00"]),
        ("cron(0 12 15W * ? *)", "2026-02-01T00:00", ["2026-02-16T11:00", "2026-03-16T11:00"]),
        ("cron(0 12 ? * 6L *)", "2026-02-01T00:00", ["2026-02-27T11:00", "2026-03-27T11:00"]),
        # a day of a rate is 24 hours
        ("rate(1 day)", "2026-03-28T12:00", ["2026-03-29T00:00", "2026-03-30T00:00"]),
    ],
)
def test_berlin_has_the_rules_of_eventbridge_scheduler(expression: str, moment: str, runs: list[str]) -> None:
    table = parse_timetable(expression, "x", timezone="Europe/Berlin")

    assert runs_after(table, at(moment), len(runs)) == [at(run) for run in runs]


def test_start_and_end_bound_the_runs_and_a_rate_counts_from_its_start() -> None:
    start, end = at("2026-03-01T00:07"), at("2026-03-01T02:07")
    rate = parse_timetable("rate(1 hour)", "x", start=start, end=end)
    cron = parse_timetable("cron(7 * * * ? *)", "x", start=start, end=end)

    for table in (rate, cron):
        assert table.next_after(at("2020-01-01T00:00")) == start
        assert table.next_after(start) == at("2026-03-01T01:07")
        assert table.next_after(at("2026-03-01T01:30")) == end
        assert table.next_after(end) is None


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"timezone": "Mars/Olympus"}, "has timezone='Mars/Olympus', which is not a time zone of the IANA database"),
        ({"timezone": "../etc/passwd"}, "which is not a time zone"),
        ({"timezone": ""}, "which is not a time zone"),
        *(({"timezone": zone}, "which is not a time zone") for zone in ("localtime", "posixrules", "right/UTC", "utc")),
        ({"start": datetime(2026, 1, 1)}, "has start=2026-01-01T00:00:00, which has no time zone"),  # noqa: DTZ001
        ({"end": at("2026-01-01T00:00:00.5")}, "or parts of a second"),
        ({"start": at("2026-01-02T00:00"), "end": at("2026-01-02T00:00")}, "has an end= that is not later"),
    ],
    ids=str,
)
def test_a_zone_or_a_window_that_cannot_work_is_refused(options: dict[str, Any], reason: str) -> None:
    with pytest.raises(InvalidFunction, match=r"^loyalty\.daily ") as refused:
        parse_timetable("rate(1 day)", "loyalty.daily", **options)

    assert reason in str(refused.value)


def test_a_machine_without_time_zones_checks_none(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> ZoneInfo:
        raise ZoneInfoNotFoundError(name)

    monkeypatch.setattr("contradance.timetable.ZoneInfo", missing)

    for expression in ("cron(0 8 * * ? *)", "at(2027-01-31T08:00:00)"):
        assert parse_timetable(expression, "x", timezone="Europe/Berlin").label == f"{expression} Europe/Berlin"
