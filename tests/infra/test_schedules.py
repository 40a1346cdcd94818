"""Schedules as EventBridge Scheduler takes them: time zone, start and end."""

from datetime import UTC, datetime
from pathlib import Path

from contradance import Choreography, schedule
from tests.album import album
from tests.infra.aws_calls import calls
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
