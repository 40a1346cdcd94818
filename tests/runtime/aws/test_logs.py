"""What a deployed function writes: log lines, journal and metrics, in the shapes that Powertools writes."""

import io
import json
import logging
from datetime import UTC, datetime
from typing import Any

import pytest
from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit
from pydantic import ValidationError

from contradance.runtime.aws.log_journal import LoggedJournal
from contradance.runtime.aws.logs import JsonFormatter, masked, set_up
from contradance.runtime.journal_record import JournalRecord, PublishedEvent
from tests.runtime.aws.desk import Deployed
from tests.runtime.desk import TICKET, Job, opened
from tests.runtime.fakes import recorded

RECORD = JournalRecord(
    function="repairs.plan_repair",
    trigger="desk.tickets/TicketOpened v3",
    event_id="event-1",
    subject="ticket-1",
    correlation_id="chain-1",
    causation_id=None,
    attempt=1,
    outcome="done",
    retries_left=2,
    published=tuple(PublishedEvent(event_id=str(n), contract="desk.repairs/RepairPlanned v1") for n in range(2)),
    started_at=datetime(2026, 1, 1, tzinfo=UTC),
    duration_ms=12.5,
)


def written(environ: dict[str, str], **changes: object) -> list[dict[str, Any]]:
    """Return the lines that one record makes."""
    lines: list[str] = []
    LoggedJournal(environ, lines.append).write(RECORD.model_copy(update=changes))
    return [json.loads(line) for line in lines]


class TestLines:
    def test_every_line_of_a_handler_says_what_it_is_about(self, desk: Deployed) -> None:
        desk.invoke("plan_repair", recorded("eventbridge"))

        (line,) = [line for line in desk.lines() if line.get("location", "").startswith("plan_repair")]
        about = {name: line[name] for name in ("correlation_id", "subject", "event_id", "subscriber")}
        assert about == {
            "correlation_id": "3f0f0d0a-6f6c-5b7e-9a3c-1d2e3f4a5b6c",
            "subject": str(TICKET),
            "event_id": "0b6f2f1e-93cf-5f0a-8a5e-3b1d6f3a7c10",
            "subscriber": "repairs.plan_repair",
        }
        assert (line["level"], line["service"], line["function_request_id"]) == ("INFO", "repairs", "request-1")
        assert line["cold_start"] is True

    def test_personal_data_in_models_is_masked(self, desk: Deployed) -> None:
        desk.invoke("plan_repair", recorded("eventbridge"))

        text = json.dumps(desk.lines())
        assert "Jane Doe" not in text
        assert str(TICKET) in text

    def test_models_are_masked_however_deeply_they_are_nested(self) -> None:
        value = masked({"list": [opened()], "job": Job(ticket_id=TICKET), "plain": 1})

        assert value == {
            "list": [
                {
                    "ticket_id": str(TICKET),
                    "owner": "***",
                    "channel": "web",
                    "items": [{"name": "kettle", "count": 1}],
                }
            ],
            "job": {"ticket_id": str(TICKET), "attempts": 0},
            "plain": 1,
        }

    def test_only_the_first_invocation_is_a_cold_start(self, desk: Deployed) -> None:
        for event_id in ("a", "b"):
            event = recorded("eventbridge")
            event["detail"]["metadata"]["event_id"] = event_id
            desk.invoke("plan_repair", event)

        assert [line["cold_start"] for line in desk.lines() if "opened" in line] == [True, False]

    def test_the_keys_are_powertools_own(self) -> None:
        theirs, ours = io.StringIO(), logging.getLogger("test.ours")
        Logger(service="repairs", stream=theirs, utc=True).warning("Said %s", "so", extra={"more": 1})
        record = ours.makeRecord("ours", logging.WARNING, "x.py", 1, "Said %s", ("so",), None, "f", {"more": 1})

        line = json.loads(JsonFormatter({"POWERTOOLS_SERVICE_NAME": "repairs"}).format(record))

        expected = json.loads(theirs.getvalue())
        assert [*line] == [*expected]
        for name in ("level", "message", "service", "more"):
            assert line[name] == expected[name]
        assert len(line["timestamp"]) == len(expected["timestamp"])

    def test_an_exception_is_told_without_the_values_of_its_models(self) -> None:
        address = "jane@example.com"
        with pytest.raises(ValidationError) as raised:
            Job.model_validate({"ticket_id": address})
        record = logging.makeLogRecord({"msg": "no", "exc_info": (raised.type, raised.value, raised.tb)})

        line = json.loads(JsonFormatter({}).format(record))

        assert line["exception_name"] == "ValidationError"
        assert "test_logs.py" in line["exception"]
        assert address not in json.dumps(line)

    @pytest.mark.parametrize(
        ("environ", "level"),
        [
            ({}, logging.INFO),
            ({"AWS_LAMBDA_LOG_LEVEL": "WARN"}, logging.WARNING),
            ({"POWERTOOLS_LOG_LEVEL": "debug", "AWS_LAMBDA_LOG_LEVEL": "WARN"}, logging.DEBUG),
            ({"AWS_LAMBDA_LOG_LEVEL": "FATAL"}, logging.CRITICAL),
            ({"POWERTOOLS_LOG_LEVEL": "LOUD"}, logging.INFO),
        ],
    )
    def test_the_environment_says_what_is_logged(
        self, root_logger: logging.Logger, environ: dict[str, str], level: int
    ) -> None:
        set_up(environ)

        assert root_logger.level == level

    def test_an_authors_own_powertools_writes_beside_ours(
        self, root_logger: logging.Logger, capsys: pytest.CaptureFixture[str]
    ) -> None:
        set_up({"POWERTOOLS_SERVICE_NAME": "repairs"})

        Logger(service="repairs", name="own").info("Theirs")
        metrics = Metrics(namespace="desk", service="repairs")
        metrics.add_metric(name="kettles", unit=MetricUnit.Count, value=1)
        metrics.flush_metrics()
        logging.getLogger("test.ours").info("Ours")

        lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
        assert [line.get("message", line.get("kettles")) for line in lines] == ["Theirs", [1.0], "Ours"]


class TestJournal:
    def test_a_record_is_one_line(self) -> None:
        line = written({"POWERTOOLS_SERVICE_NAME": "repairs"})[0]

        assert JournalRecord.model_validate(line["journal"]) == RECORD
        assert {name: line[name] for name in ("service", "correlation_id", "subject", "event_id", "subscriber")} == {
            "service": "repairs",
            "correlation_id": "chain-1",
            "subject": "ticket-1",
            "event_id": "event-1",
            "subscriber": "repairs.plan_repair",
        }

    def test_it_is_written_whatever_the_level(self, desk: Deployed) -> None:
        desk.configure(POWERTOOLS_LOG_LEVEL="CRITICAL", CONTRADANCE_FUNCTION="tests.runtime.aws.functions:plan_repair")

        desk.invoke("plan_repair", recorded("eventbridge"))

        assert [next(iter(line)) for line in desk.lines()] == ["level", "_aws", "_aws"]


ENVIRON = {"POWERTOOLS_SERVICE_NAME": "repairs", "POWERTOOLS_METRICS_NAMESPACE": "desk"}


class TestMetrics:
    def test_they_have_the_shape_that_powertools_writes(self, capsys: pytest.CaptureFixture[str]) -> None:
        metrics = Metrics(namespace="desk", service="repairs")
        metrics.add_dimension(name="contract", value="desk.repairs/RepairPlanned v1")
        metrics.add_dimension(name="subscriber", value="repairs.plan_repair")
        metrics.add_metric(name="published", unit=MetricUnit.Count, value=2)
        metrics.flush_metrics()
        theirs = json.loads(capsys.readouterr().out)

        ours = written(ENVIRON)[2]

        for line in (ours, theirs):
            line["_aws"]["CloudWatchMetrics"][0]["Dimensions"][0].sort()
            line["_aws"].pop("Timestamp")
        assert ours == theirs

    @pytest.mark.parametrize(
        ("outcome", "names"),
        [
            ("done", [{"duration", "consumed"}, {"published"}]),
            ("duplicate", [{"duration", "duplicate"}]),
            ("failed", [{"duration", "failed"}]),
            ("invalid", [{"duration", "invalid"}]),
            ("expired", [{"duration", "expired"}]),
        ],
    )
    def test_each_outcome_is_counted(self, outcome: str, names: list[set[str]]) -> None:
        lines = written(ENVIRON, outcome=outcome)[1:]

        found = [{metric["Name"] for metric in line["_aws"]["CloudWatchMetrics"][0]["Metrics"]} for line in lines]
        assert found == names
        assert lines[0]["contract"] == "desk.tickets/TicketOpened v3"
        assert lines[0]["duration"] == [12.5]

    def test_a_route_consumes_nothing(self) -> None:
        first, second = written(ENVIRON, event_id=None, trigger="POST /tickets")[1:]

        assert "consumed" not in first
        assert second["published"] == [2.0]

    @pytest.mark.parametrize("disabled", ["true", "1", "TRUE", "on"])
    def test_they_can_be_turned_off(self, disabled: str) -> None:
        assert len(written({**ENVIRON, "POWERTOOLS_METRICS_DISABLED": disabled})) == 1
