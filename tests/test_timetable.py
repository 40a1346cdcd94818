from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from contradance import schedule
from contradance.errors import InvalidFunction
from contradance.timetable import Timetable, parse_timetable

FIX = "\n  Write it like rate(1 day), rate(5 minutes) or cron(0 12 * * ? *)."
MOMENTS = st.integers(min_value=631_152_000, max_value=4_102_444_800).map(
    lambda second: datetime.fromtimestamp(second, UTC)
)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("expression", "period"),
    [
        ("rate(1 minute)", timedelta(minutes=1)),
        ("rate(5 minutes)", timedelta(minutes=5)),
        ("rate(1 hour)", timedelta(hours=1)),
        ("rate(36 hours)", timedelta(hours=36)),
        ("rate(1 day)", timedelta(days=1)),
        ("rate(10000 days)", timedelta(days=10_000)),
    ],
)
def test_a_rate_has_a_period(expression: str, period: timedelta) -> None:
    assert parse_timetable(expression, "x").every == period


@pytest.mark.parametrize(
    ("expression", "why"),
    [
        ("rate(1 days)", ": a rate is 1 day or several days."),
        ("rate(5 minute)", ": a rate is 1 minute or several minutes."),
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
        ("at(2026-01-01T00:00:00)", "."),
        ("cron(0 12 * * ?)", "."),
        ("cron(0 12 * * ? * *)", "."),
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
        ("cron(0 0 L * ? *)", ": 'L' is not a valid day-of-month."),
        ("cron(0 0 ? * 2#1 *)", ": '2#1' is not a valid day-of-week."),
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
        schedule("rate(2 day)", service="loyalty")(daily)

    assert str(refused.value) == (
        f"loyalty.daily (tests/test_timetable.py, line {line}) has the schedule 'rate(2 day)', which is not a schedule that "
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
        ("rate(1 day)", "2026-03-01T12:00", ["2026-03-02T00:00", "2026-03-03T00:00"]),
        ("rate(5 minutes)", "2026-03-01T12:00", ["2026-03-01T12:05", "2026-03-01T12:10"]),
        ("rate(1 hour)", "2026-03-01T12:59:59", ["2026-03-01T13:00"]),
    ],
)
def test_runs_come_one_after_the_other(expression: str, moment: str, runs: list[str]) -> None:
    table, now, seen = parse_timetable(expression, "x"), at(moment), []

    for _ in runs:
        following = table.next_after(now)
        assert following is not None
        now = following
        seen.append(now)

    assert seen == [at(run) for run in runs]


@pytest.mark.parametrize("expression", ["cron(0 0 1 1 ? 2020)", "cron(0 0 29 2 ? 2020-2026)"])
def test_a_schedule_may_have_no_run_left(expression: str) -> None:
    assert parse_timetable(expression, "x").next_after(at("2026-03-01T00:00")) is None


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
        minutes, hours, days, months, *_ = table.cron
        assert run > moment
        assert (run.second, run.microsecond) == (0, 0)
        assert minutes is not None
        assert hours is not None
        assert days is not None
        assert months is not None
        assert run.minute in minutes
        assert run.hour in hours
        assert run.day in days
        assert run.month in months
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
