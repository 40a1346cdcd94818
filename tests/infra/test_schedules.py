"""Schedules as EventBridge Scheduler takes them: time zone, start and end."""

import json
import shlex
from datetime import UTC, datetime
from pathlib import Path

from contradance import Choreography, schedule
from contradance.infra.components.schedule import INPUT
from tests.album import album
from tests.infra.aws_calls import calls
from tests.infra.mocks import ACCOUNT, REGION
from tests.infra.shapes import problems
from tests.infra.stack import deployed


@schedule(
    "cron(0 8 ? * 2#1 *)",
    timezone="Europe/Berlin",
    start=datetime(2027, 1, 1, tzinfo=UTC),
    end=datetime(2028, 1, 1, tzinfo=UTC),
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
    assert (digest["startDate"], digest["endDate"]) == ("2027-01-01T00:00:00Z", "2028-01-01T00:00:00Z")
    assert sweeper["scheduleExpressionTimezone"] == "UTC"
    assert sweeper.get("startDate") is None
    resources = [one for one in stack.resources if one.custom]
    assert [f"{one.name}: {problem}" for one in resources for call in calls(one) for problem in problems(call)] == []
