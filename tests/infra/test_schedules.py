"""Schedules as EventBridge Scheduler takes them: time zone, start and end."""

import json
import shlex
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from contradance import Choreography, Retry, schedule
from contradance.errors import InvalidStack
from contradance.infra.components.schedule import INPUT
from tests.album import album
from tests.infra.aws_calls import calls
from tests.infra.mocks import ACCOUNT, REGION, Deployment, Recorder
from tests.infra.shapes import problems
from tests.infra.stack import deployed


@schedule(
    "cron(0 8 ? * 2#1 *)",
    timezone="Europe/Berlin",
    start=datetime(2097, 1, 1, tzinfo=UTC),
    end=datetime(2098, 1, 1, tzinfo=UTC),
    service="gallery",
)
def mail_digest() -> None: ...


def test_the_alarms_of_a_lost_run_have_a_command_that_repeats_it(tmp_path: Path) -> None:
    stack = deployed(tmp_path, Choreography("album", contracts=album.contracts, functions=[mail_digest]), secrets=None)

    arn = f"arn:aws:scheduler:{REGION}:{ACCOUNT}:schedule/album-dev/{stack.all('Schedule')['gallery.mail_digest']['name']}"
    for purpose in ("dropped", "failed-lost"):
        described = stack.all("MetricAlarm")[f"gallery.mail_digest.{purpose}"]["alarmDescription"]
        _, _, command = described.partition("repeat the run: ")
        words = shlex.split(command)
        assert words[words.index("--function-name") + 1] == stack.all("Function")["gallery.mail_digest"]["name"]
        event = json.loads(words[words.index("--payload") + 1])
        assert event == {"schedule": arn, "scheduled_time": "MOMENT"}
        assert event.keys() == json.loads(INPUT).keys()
        assert "contradance replay" not in described


def test_zone_start_and_end_are_the_schedules_own(tmp_path: Path) -> None:
    stack = deployed(tmp_path, Choreography("album", contracts=album.contracts, functions=[mail_digest]), secrets=None)

    schedules = stack.all("Schedule")
    digest, sweeper = schedules["gallery.mail_digest"], schedules["contradance.sweeper"]
    assert digest["scheduleExpression"] == "cron(0 8 ? * 2#1 *)"
    assert digest["scheduleExpressionTimezone"] == "Europe/Berlin"
    assert (digest["startDate"], digest["endDate"]) == ("2097-01-01T00:00:00Z", "2098-01-01T00:00:00Z")
    assert sweeper["scheduleExpressionTimezone"] == "UTC"
    assert sweeper.get("startDate") is None
    resources = [one for one in stack.resources if one.custom]
    assert [f"{one.name}: {problem}" for one in resources for call in calls(one) for problem in problems(call)] == []


BEGAN = datetime(2020, 1, 1, 6, tzinfo=UTC)


def scheduled(folder: Path, expression: str, before: Deployment | None = None, **options: Any) -> Deployment:
    """Deploy one schedule, after `before`."""

    def tidy() -> None: ...

    function = schedule(expression, service="gallery", **options)(tidy)
    choreography = Choreography("album", contracts=album.contracts, functions=[function])
    recorder = Recorder(before=dict(before.outputs) if before else {})
    return deployed(folder, choreography, secrets=None, recorder=recorder)


def test_a_cron_that_has_begun_is_sent_without_its_start(tmp_path: Path) -> None:
    stack = scheduled(tmp_path, "cron(0 8 * * ? *)", start=BEGAN)

    assert stack.all("Schedule")["gallery.tidy"].get("startDate") is None


def with_begun_start(before: Deployment) -> str:
    """Replace the start of a deployed schedule by one that is over now; return the declaration."""
    function = before.outputs["deployed"]["functions"]["gallery.tidy"]
    function["schedule"] = function["schedule"].replace("2097-01-01T00", "2020-01-01T06")
    return str(function["schedule"])


@pytest.mark.parametrize("changed", ["new", "rate(2 hours)", "paused", "retry"])
def test_a_rate_whose_start_is_over_is_refused_when_it_is_new_or_changes(changed: str, tmp_path: Path) -> None:
    before = scheduled(tmp_path, "rate(1 hour)", start=datetime(2097, 1, 1, tzinfo=UTC))
    declaration = with_begun_start(before)
    before.outputs["deployed"]["functions"]["gallery.tidy"]["schedule"] = (
        f"{declaration} paused" if changed == "paused" else declaration
    )
    expression = changed if changed.startswith("rate") else "rate(1 hour)"
    options = {"retry": Retry(max_age=timedelta(hours=1))} if changed == "retry" else {}

    with pytest.raises(
        InvalidStack, match=r"gallery\.tidy has start=2020-01-01T06:00:00\+00:00, which is over"
    ) as told:
        scheduled(tmp_path, expression, None if changed == "new" else before, start=BEGAN, **options)

    _, _, fix = str(told.value).partition("datetime.fromisoformat('")
    suggested = datetime.fromisoformat(fix.partition("'")[0])
    assert suggested > datetime.now(UTC)
    assert (suggested - BEGAN) % timedelta(hours=1) == timedelta(0)


def test_a_rate_that_stays_as_it_is_is_accepted_for_good(tmp_path: Path) -> None:
    before = scheduled(tmp_path, "rate(1 hour)", start=datetime(2097, 1, 1, tzinfo=UTC))
    with_begun_start(before)

    stack = scheduled(tmp_path, "rate(1 hour)", before, start=BEGAN)

    assert stack.all("Schedule")["gallery.tidy"]["startDate"] == "2020-01-01T06:00:00Z"
