import json
from datetime import timedelta
from pathlib import Path

import pytest

from contradance.operate.flow import flows
from tests.local.desk import Desk, always_fails, ask, dead_letters, fails_until, later, opened

HOUR, DAY = 3600, 86_400


@pytest.mark.parametrize(
    ("expression", "period", "times"),
    [
        ("rate(1 hour)", timedelta(hours=3), [HOUR, 2 * HOUR, 3 * HOUR]),
        ("rate(5 minutes)", timedelta(minutes=14), [300, 600]),
        ("cron(0 12 * * ? *)", timedelta(days=2), [DAY // 2, DAY + DAY // 2]),
        ("cron(0 0 1 2 ? *)", timedelta(days=365), [31 * DAY]),
    ],
)
def test_a_schedule_runs_at_each_of_its_moments_that_pass(
    tmp_path: Path, expression: str, period: timedelta, times: list[int]
) -> None:
    desk = Desk()
    with opened(tmp_path, desk.watchman(expression)) as laptop:
        laptop.advance(period)

    assert desk.times("watch") == times


def test_draining_runs_no_schedule(tmp_path: Path) -> None:
    desk = Desk()
    with opened(tmp_path, desk.watchman("rate(1 minute)"), desk.clerk(does=always_fails)) as laptop:
        ask(laptop, "a")
        laptop.drain()

    assert desk.times() == [0, 60, 180]
    assert desk.times("watch") == []


def test_a_run_that_fails_is_tried_again_after_one_minute_and_two_more_and_then_kept(tmp_path: Path) -> None:
    desk = Desk()
    with opened(tmp_path, desk.watchman("rate(1 day)", always_fails)) as laptop:
        laptop.advance(timedelta(days=1, hours=1))

        (dead,) = dead_letters(laptop)
        (flow,) = flows(laptop.journal.latest())

    assert desk.times("watch") == [DAY, DAY + 60, DAY + 180]
    assert dead.function == "clerk.watch"
    assert dead.json["requestPayload"]["scheduled_time"] == "2026-01-02T00:00:00Z"
    assert (flow.events, flow.deliveries, flow.dead_letters, flow.waiting) == (0, 0, 1, 0)


def test_a_retry_of_a_run_that_waits_is_made_after_a_restart(tmp_path: Path) -> None:
    desk = Desk()
    watchman = desk.watchman("rate(1 day)", fails_until(2))
    with opened(tmp_path, watchman) as laptop:
        laptop.advance(timedelta(days=1))

    with opened(tmp_path, watchman, clock=later(DAY + 1)) as laptop:
        laptop.drain()

    assert desk.times("watch") == [DAY, DAY + 60]


def test_a_moment_is_run_once_even_when_the_clock_shows_it_twice(tmp_path: Path) -> None:
    desk = Desk()
    watchman = desk.watchman("rate(1 hour)")
    with opened(tmp_path, watchman) as laptop:
        laptop.advance(timedelta(hours=1))

    with opened(tmp_path, watchman) as laptop:
        laptop.advance(timedelta(hours=1))
        outcomes = [record.outcome for record in laptop.journal.latest()]

    assert desk.times("watch") == [HOUR]
    assert outcomes == ["done"]


@pytest.mark.parametrize("deployed_as", [None, "guard"], ids=["", "after a rename"])
def test_a_run_that_is_asked_for_is_found_by_the_id_of_its_flow(tmp_path: Path, deployed_as: str | None) -> None:
    desk = Desk()
    with opened(tmp_path, desk.watchman("rate(1 day)", deployed_as=deployed_as)) as laptop:
        flow = laptop.run_schedule("clerk.watch")
        laptop.drain()

        (record,) = laptop.journal.flows(flow)

    assert (record.function, record.outcome) == ("clerk.watch", "done")


def test_each_run_that_is_asked_for_in_one_second_has_a_second_of_its_own(tmp_path: Path) -> None:
    desk = Desk()
    with opened(tmp_path, desk.watchman("rate(1 day)")) as laptop:
        flows_of_runs = [laptop.run_schedule("clerk.watch") for _ in range(3)]
        laptop.drain()

        times = [json.loads(text)["scheduled_time"] for (text,) in laptop.database.read("SELECT envelope FROM event")]

    assert len({*flows_of_runs}) == len(desk.times("watch")) == 3
    assert times == [f"2026-01-01T00:00:0{second}Z" for second in range(3)]
