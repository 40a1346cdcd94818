"""What a deployed function writes: log lines, journal and metrics, in the shapes that Powertools writes."""

import io
import json
import logging
import re
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import copy_context
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from importlib import import_module
from types import SimpleNamespace
from typing import TYPE_CHECKING, Annotated, Any, cast

import pytest
from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.logging.formatter import LambdaPowertoolsFormatter
from aws_lambda_powertools.metrics import EphemeralMetrics, MetricUnit, single_metric
from pydantic import BaseModel, ValidationError

from contradance import PII, Delivery, subscriber
from contradance.choreography import AnyFunction
from contradance.local.clock import VirtualClock
from contradance.runtime.attempt import Attempt
from contradance.runtime.aws import entry, metrics
from contradance.runtime.aws.log_event import masked_event
from contradance.runtime.aws.log_journal import LoggedJournal
from contradance.runtime.aws.log_values import masked
from contradance.runtime.aws.logs import AttemptFormatter, install
from contradance.runtime.aws.machine import Machine, observe
from contradance.runtime.aws.retry_budget import RetryBudget
from contradance.runtime.error_description import exception_text
from contradance.runtime.journal_record import JournalRecord, PublishedEvent
from tests.runtime.aws.desk import FUNCTIONS, Deployed, FakeLambda
from tests.runtime.aws.functions import open_ticket, plan_later, plan_repair, remind
from tests.runtime.desk import TICKET, Job, TicketOpened, opened
from tests.runtime.fakes import FakeJournal, World, delivered, queued, recorded
from tests.runtime.unjson import UNJSON, UNJSON_SHOWN

if TYPE_CHECKING:
    from contradance.runtime.ports import Environment

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
ABOUT = {
    "correlation_id": "3f0f0d0a-6f6c-5b7e-9a3c-1d2e3f4a5b6c",
    "subject": str(TICKET),
    "event_id": "0b6f2f1e-93cf-5f0a-8a5e-3b1d6f3a7c10",
    "subscriber": "repairs.log_everything",
}
INVOCATION = {
    "cold_start": True,
    "function_name": "desk-repairs",
    "function_memory_size": "256",
    "function_arn": "arn:aws:lambda:eu-central-1:123456789012:function:desk-repairs",
    "function_request_id": "request-1",
}
SHOWN = {"ticket_id": str(TICKET), "owner": "***", "channel": "web", "items": [{"name": "kettle", "count": 1}]}


def written(monkeypatch: pytest.MonkeyPatch, **changes: object) -> dict[str, Any]:
    """Return the line of the journal that one record makes."""
    monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", "repairs")
    lines: list[str] = []
    LoggedJournal(lines.append).write(RECORD.model_copy(update=changes))
    return dict(json.loads(lines[0]))


def timeless(line: dict[str, Any]) -> dict[str, Any]:
    """Return a line without what differs each time: its moment, and the line of code that wrote it."""
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3}[+-]\d{4}", line.pop("timestamp"))
    return {**line, "location": line["location"].partition(":")[0]}


@contextmanager
def attempt(event_id: str) -> Iterator[None]:
    """Run the block as an attempt at one event."""
    environment = SimpleNamespace(clock=VirtualClock(), journal=FakeJournal())
    with Attempt(plan_repair, "desk.tickets/TicketOpened v3", cast("Environment", environment)) as this:
        this.event_id, this.correlation_id = event_id, f"chain of {event_id}"
        yield


class Lambda:
    """Lambda, with one execution environment: its entry point, over a environment of stand-ins and a journal that is logged."""

    def __init__(self, world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self._monkeypatch = monkeypatch
        self._capsys = capsys
        self.machine = Machine(replace(world.environment, journal=LoggedJournal()), RetryBudget(), [True])

    def invoke(self, function: AnyFunction, event: dict[str, Any], request: str = "request-1") -> object:
        """Invoke a function."""
        self._monkeypatch.setattr(entry, "_deployed", lambda: (function, self.machine))
        return entry.handler(event, FakeLambda(request))

    def lines(self) -> list[dict[str, Any]]:
        """Return what was written since this was asked last."""
        return [json.loads(line) for line in self._capsys.readouterr().out.splitlines()]


@pytest.fixture
def on_lambda(
    world: World,
    monkeypatch: pytest.MonkeyPatch,
    root_logger: logging.Logger,
    capsys: pytest.CaptureFixture[str],
) -> Lambda:
    """An execution environment whose logs and metrics are set up."""
    monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", "repairs")
    monkeypatch.setenv("POWERTOOLS_METRICS_NAMESPACE", "desk")
    observe()
    return Lambda(world, monkeypatch, capsys)


class TestLines:
    @pytest.fixture
    def lines(self, on_lambda: Lambda, monkeypatch: pytest.MonkeyPatch) -> dict[str, dict[str, Any]]:
        """One line of each kind, as `log_everything` writes them in one invocation."""
        monkeypatch.delitem(sys.modules, "tests.runtime.aws.talkative", raising=False)
        talkative = import_module("tests.runtime.aws.talkative")
        on_lambda.invoke(talkative.log_everything, recorded("eventbridge"))
        return {line.get("kind", "journal"): line for line in on_lambda.lines() if "_aws" not in line}

    def test_a_line_of_the_standard_library(self, lines: dict[str, dict[str, Any]]) -> None:
        assert timeless(lines["stdlib"]) == {
            "level": "INFO",
            "location": "log_everything",
            "message": "Opened for web",
            "service": "repairs",
            "kind": "stdlib",
            **INVOCATION,
            **ABOUT,
        }

    def test_a_line_of_a_powertools_logger_of_another_service(self, lines: dict[str, dict[str, Any]]) -> None:
        assert timeless(lines["powertools"]) == {
            "level": "WARNING",
            "location": "log_everything",
            "message": "Opened for web",
            "service": "elsewhere",
            "kind": "powertools",
            "kettles": 1,
            **INVOCATION,
            **ABOUT,
        }

    def test_a_line_of_a_powertools_logger_that_is_made_while_a_handler_runs(
        self, lines: dict[str, dict[str, Any]]
    ) -> None:
        assert timeless(lines["late"]) == {
            "level": "INFO",
            "location": "log_everything",
            "message": {"opened": SHOWN},
            "service": "late",
            "kind": "late",
            **INVOCATION,
            **ABOUT,
        }

    def test_a_line_of_a_child_logger(self, lines: dict[str, dict[str, Any]]) -> None:
        assert (lines["child"]["service"], lines["child"]["subject"]) == ("elsewhere", str(TICKET))

    def test_a_line_with_models(self, lines: dict[str, dict[str, Any]]) -> None:
        assert timeless(lines["models"]) == {
            "level": "INFO",
            "location": "log_everything",
            "message": f"Got {SHOWN}",
            "service": "repairs",
            "kind": "models",
            "opened": SHOWN,
            "nested": {"list": [SHOWN], "job": {"ticket_id": str(TICKET), "attempts": 0}},
            **INVOCATION,
            **ABOUT,
        }

    def test_a_line_with_an_exception(self, lines: dict[str, dict[str, Any]]) -> None:
        line = timeless(lines["exception"])

        refusal = "Job: ticket_id: Input should be a valid UUID"
        assert line["message"].startswith(f"Refused: {refusal}")
        assert f"RuntimeError: there is no job: {refusal}" in line["exception"]
        assert line["stack_trace"]["value"].startswith(f"there is no job: {refusal}")
        assert line["exception_name"] == "RuntimeError"
        assert line["exception"].startswith("Traceback (most recent call last):\n  File ")
        assert "The above exception was the direct cause of the following exception" in line["exception"]
        assert line["stack_trace"]["type"] == "RuntimeError"
        assert line["stack_trace"]["frames"][0]["function"] == "log_everything"
        assert {name: line[name] for name in ABOUT} == ABOUT

    def test_a_line_of_the_runtime(self, on_lambda: Lambda) -> None:
        request = recorded("http_post")
        request["body"] = json.dumps({"owner": "broken", "items": [{"name": "kettle", "count": 1}]})

        on_lambda.invoke(open_ticket, request)

        (line,) = [line for line in on_lambda.lines() if line.get("level") == "ERROR"]
        assert line["message"] == "tickets.open_ticket: POST /tickets: failed"
        assert (line["service"], line["subscriber"]) == ("repairs", "tickets.open_ticket")
        assert line["journal"]["error"].startswith("RuntimeError: secret of the house (")
        assert line["journal"]["traceback"].endswith("RuntimeError: secret of the house")

    def test_a_line_of_the_journal(self, lines: dict[str, dict[str, Any]]) -> None:
        line = lines["journal"]

        assert JournalRecord.model_validate(line.pop("journal")).outcome == "done"
        line.pop("timestamp")
        assert line == {
            "level": "INFO",
            "message": "repairs.log_everything: desk.tickets/TicketOpened v3: done",
            "service": "repairs",
            **INVOCATION,
            **ABOUT,
        }

    def test_no_line_holds_what_is_personal(self, lines: dict[str, dict[str, Any]]) -> None:
        text = json.dumps(lines)

        assert len(lines) == 7
        assert "Jane" not in text
        assert str(TICKET) in text

    def test_only_the_first_invocation_is_a_cold_start(self, on_lambda: Lambda) -> None:
        for event_id in ("a", "b"):
            on_lambda.invoke(plan_repair, delivered(opened(), event_id))

        assert [line["cold_start"] for line in on_lambda.lines() if "opened" in line] == [True, False]

    def test_keys_that_a_handler_appends_end_with_the_attempt(self, root_logger: logging.Logger) -> None:
        stream = io.StringIO()
        install()
        logger = Logger(service="repairs", stream=stream)
        logger.append_keys(always="here")
        formatter = logger.registered_formatter

        for number in range(2):
            with attempt(f"event-{number}"):
                if number == 0:
                    logger.append_keys(kettles=1, always="changed")
                    logger.remove_keys(["sampling_rate"])
                    with logger.append_context_keys(spouts=2):
                        logger.info("first")
                logger.info("second")
        logger.info("third")

        lines = [json.loads(line) for line in stream.getvalue().splitlines()]
        own = [{name: line[name] for name in line if name in ("always", "kettles", "spouts")} for line in lines]
        assert own == [
            {"always": "changed", "kettles": 1, "spouts": 2},
            {"always": "changed", "kettles": 1},
            {"always": "here"},
            {"always": "here"},
        ]
        assert isinstance(formatter, AttemptFormatter)

    def test_an_attempt_is_named_whatever_a_caller_says(self, root_logger: logging.Logger) -> None:
        stream = io.StringIO()
        install()
        logger = Logger(service="repairs", stream=stream)

        with attempt("event-1"):
            logger.set_correlation_id("mine")
            logger.info("said", extra={"subject": "Your order", "event_id": "mine"})

        line = json.loads(stream.getvalue())
        assert (line["correlation_id"], line["event_id"]) == ("chain of event-1", "event-1")

    def test_a_logger_that_is_older_than_us_keeps_its_options(self, root_logger: logging.Logger) -> None:
        stream = io.StringIO()
        logger = Logger(service="older", stream=stream, utc=True, log_record_order=["message"], branch="north")
        install()

        with attempt("event-1"):
            logger.info("said", opened=opened())

        line = json.loads(stream.getvalue())
        assert next(iter(line)) == "message"
        assert line["timestamp"].endswith("+0000")
        assert (line["branch"], line["event_id"], line["opened"]) == ("north", "event-1", SHOWN)

    def test_a_formatter_of_an_authors_own_class_stays(self, root_logger: logging.Logger) -> None:
        class Own(LambdaPowertoolsFormatter):
            def serialize(self, log: Any) -> str:
                return f"own: {log['message']}"

        stream = io.StringIO()
        install()

        Logger(service="own", stream=stream, logger_formatter=Own()).info("said")

        assert stream.getvalue() == "own: said\n"

    def test_a_service_takes_no_lines_from_loggers_with_its_name_in_theirs(
        self, root_logger: logging.Logger, capsys: pytest.CaptureFixture[str]
    ) -> None:
        install()
        logger = Logger(service="orders")

        logging.getLogger("functions.orders.environment").warning("of the standard library")
        logging.getLogger("orders_report").warning("of another")
        logging.getLogger("orders.environment").warning("of its own")
        logging.getLogger("root").warning("of the root")
        logger.info("its own")

        said = [json.loads(line)["message"] for line in capsys.readouterr().out.splitlines()]
        assert sorted(said) == sorted(["of the standard library", "of another", "of its own", "of the root", "its own"])

    @pytest.mark.parametrize("argument", [{"owner": "Zoë"}, ["Zoë"], "Zoë"], ids=["mapping", "list", "text"])
    @pytest.mark.parametrize("logger", ["functions.repairs", "own"])
    def test_a_line_that_cannot_be_formatted_has_its_place_and_no_argument(
        self, root_logger: logging.Logger, capsys: pytest.CaptureFixture[str], argument: object, logger: str
    ) -> None:
        install()
        chosen = Logger(service="own") if logger == "own" else logging.getLogger(logger)

        chosen.warning("%d and %d", argument, argument)

        printed = capsys.readouterr()
        (line,) = [json.loads(text) for text in printed.out.splitlines()]
        assert line["level"] == "WARNING"
        assert re.match(r"the line logged at test_logs.py:\d+ cannot be formatted: TypeError", line["message"])
        assert "Zoë" not in printed.out + printed.err

    def test_the_keys_are_powertools_own(self, root_logger: logging.Logger) -> None:
        theirs, ours = io.StringIO(), io.StringIO()
        Logger(service="repairs", stream=theirs, utc=True).warning("Said %s", "so", extra={"more": 1})
        theirs_line = json.loads(theirs.getvalue())
        install()
        Logger(service="ours", stream=ours, utc=True).warning("Said %s", "so", extra={"more": 1})

        line = json.loads(ours.getvalue())

        assert [*line] == [*theirs_line]
        for name in ("level", "message", "more"):
            assert line[name] == theirs_line[name]

    @pytest.mark.parametrize(
        ("environ", "level"),
        [
            ({}, logging.INFO),
            ({"POWERTOOLS_LOG_LEVEL": "debug"}, logging.DEBUG),
            ({"LOG_LEVEL": "ERROR"}, logging.ERROR),
            ({"AWS_LAMBDA_LOG_LEVEL": "WARN"}, logging.WARNING),
            ({"AWS_LAMBDA_LOG_LEVEL": "FATAL"}, logging.CRITICAL),
            ({"AWS_LAMBDA_LOG_LEVEL": "WARN", "POWERTOOLS_LOG_LEVEL": "ERROR"}, logging.WARNING),
            ({"AWS_LAMBDA_LOG_LEVEL": "INFO", "POWERTOOLS_LOG_LEVEL": "WARNING"}, logging.WARNING),
        ],
    )
    def test_the_environment_names_the_level_of_every_logger(
        self,
        root_logger: logging.Logger,
        monkeypatch: pytest.MonkeyPatch,
        environ: dict[str, str],
        level: int,
    ) -> None:
        for name in ("POWERTOOLS_LOG_LEVEL", "AWS_LAMBDA_LOG_LEVEL", "LOG_LEVEL"):
            monkeypatch.delenv(name, raising=False)
        for name, value in environ.items():
            monkeypatch.setenv(name, value)

        install()

        assert (root_logger.level, Logger(service="any").log_level) == (level, level)

    @pytest.mark.parametrize("rate", ["1", "0"])
    def test_each_invocation_is_sampled(
        self, world: World, monkeypatch: pytest.MonkeyPatch, root_logger: logging.Logger, rate: str
    ) -> None:
        monkeypatch.setenv("POWERTOOLS_LOGGER_SAMPLE_RATE", rate)
        monkeypatch.setenv("POWERTOOLS_LOG_LEVEL", "WARNING")
        install()
        here, logger = Machine(world.environment, RetryBudget(), [True]), Logger(service="sampled")
        levels = []

        for _ in range(3):
            with here.invocation(FakeLambda("request-1")):
                levels.append((root_logger.level, logger.log_level))
                for one in (root_logger, logger):
                    one.setLevel(logging.ERROR)

        sampled = logging.DEBUG if rate == "1" else logging.WARNING
        assert levels == [(sampled, sampled)] * 3


class TestInterleaved:
    """No line carries the keys of another delivery."""

    def test_two_invocations_in_one_process(self, on_lambda: Lambda, root_logger: logging.Logger) -> None:
        root_logger.handlers[1:] = []  # pytest's own would format each line twice more
        lines, together = 1250, threading.Barrier(2, timeout=60)
        own, other, plain = Logger(service="repairs"), Logger(service="other"), logging.getLogger("tests.plain")

        @subscriber(service="repairs")
        def chatter(event: TicketOpened, delivery: Delivery) -> None:
            for number in range(lines):
                if number % 25 == 0:  # the two begin each part together, and the machine mixes the rest
                    together.wait()
                own.append_keys(mine=delivery.event_id)
                other.thread_safe_append_keys(also_mine=delivery.event_id)
                own.info(number, truth=delivery.event_id)
                other.info(number, truth=delivery.event_id)
                plain.info(number, extra={"truth": delivery.event_id})
                own.remove_keys(["mine"])
                own.info(number, truth=delivery.event_id)

        def run(event_id: str) -> None:
            on_lambda.invoke(chatter, delivered(opened(), event_id), f"request of {event_id}")

        threads = [threading.Thread(target=run, args=(event_id,)) for event_id in ("event-1", "event-2")]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        written = on_lambda.lines()
        found = [line for line in written if "truth" in line]
        assert len(found) == 2 * 4 * lines == 10_000
        assert [line for line in found if foreign(line, f"request of {line['truth']}")] == []
        assert [line["journal"]["outcome"] for line in written if "journal" in line] == ["done", "done"]


def foreign(line: dict[str, Any], request: str) -> bool:
    """Whether a line carries a key of another delivery than the one that wrote it."""
    truth = line["truth"]
    told = {line["event_id"], line.get("mine", truth), line.get("also_mine", truth)}
    return told != {truth} or line["function_request_id"] != request


class TestEvent:
    """POWERTOOLS_LOGGER_LOG_EVENT logs what an invocation was given, without personal data."""

    @pytest.fixture(autouse=True)
    def _asked_for(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("POWERTOOLS_LOGGER_LOG_EVENT", "true")

    def test_an_event(self, on_lambda: Lambda) -> None:
        event = recorded("eventbridge")

        on_lambda.invoke(plan_repair, event)

        (line,) = [line for line in on_lambda.lines() if isinstance(line.get("message"), dict)]
        assert line["message"].pop("detail") == {
            "metadata": event["detail"]["metadata"],
            "data": {**event["detail"]["data"], "owner": "***"},
        }
        assert line["message"] == {name: value for name, value in event.items() if name != "detail"}

    @pytest.mark.parametrize("function", [plan_repair, plan_later], ids=["direct", "behind a queue"])
    @pytest.mark.parametrize("in_batch", [False, True], ids=["an event", "a batch"])
    def test_an_event_in_the_shape_of_another_deployment(
        self, on_lambda: Lambda, function: AnyFunction, in_batch: bool
    ) -> None:
        event = recorded("eventbridge")
        event["detail"]["data"]["owner"] = "Jane Doe"

        on_lambda.invoke(function, queued(event) if in_batch else event)

        (line,) = [line for line in on_lambda.lines() if isinstance(line.get("message"), dict)]
        assert "Jane" not in json.dumps(line)
        shown = line["message"]["Records"][0]["body"] if in_batch else line["message"]
        assert shown["detail"]["data"]["owner"] == "***"

    @pytest.mark.parametrize(
        "payload",
        [["Jane Doe"], "Jane Doe", None, {"name": "Jane Doe"}, {"Records": [{"body": "Jane Doe"}]}],
        ids=["list", "text", "null", "other keys", "other records"],
    )
    @pytest.mark.parametrize("function", [plan_repair, remind, open_ticket], ids=["subscriber", "schedule", "route"])
    def test_what_the_function_does_not_take(self, function: AnyFunction, payload: object) -> None:
        assert "Jane" not in json.dumps(masked_event(function, payload))

    @pytest.mark.parametrize("body", ["{", "[]", '{"detail": {"data": {"owner": "Jane Doe"}}}'])
    def test_a_message_that_is_no_event(self, on_lambda: Lambda, body: str) -> None:
        on_lambda.invoke(plan_later, queued(body))

        (line,) = [line for line in on_lambda.lines() if isinstance(line.get("message"), dict)]
        assert "Jane" not in json.dumps(line)
        assert line["message"]["Records"][0]["messageId"] == "message-0"

    def test_a_request(self, on_lambda: Lambda) -> None:
        request = recorded("http_post")

        on_lambda.invoke(open_ticket, request)

        (line,) = [line for line in on_lambda.lines() if isinstance(line.get("message"), dict)]
        assert line["message"]["body"] == {**json.loads(request["body"]), "owner": "***"}
        assert line["message"]["routeKey"] == "POST /tickets"
        assert line["message"]["headers"] == line["message"]["requestContext"] == "***"

    def test_a_scheduled_moment(self, on_lambda: Lambda) -> None:
        on_lambda.invoke(remind, recorded("scheduler"))

        (line,) = [line for line in on_lambda.lines() if isinstance(line.get("message"), dict)]
        assert line["message"] == recorded("scheduler")


class TestJournal:
    def test_it_is_written_whatever_the_level(self, desk: Deployed) -> None:
        desk.configure(POWERTOOLS_LOG_LEVEL="CRITICAL", CONTRADANCE_FUNCTION=f"{FUNCTIONS}:plan_repair")

        desk.invoke("plan_repair", recorded("eventbridge"))

        assert [next(iter(line)) for line in desk.lines()] == ["level", "_aws", "_aws"]

    def test_a_record_is_read_back_from_its_line(self, monkeypatch: pytest.MonkeyPatch) -> None:
        line = written(monkeypatch)

        assert JournalRecord.model_validate(line["journal"]) == RECORD
        assert {name: line[name] for name in ("service", "correlation_id", "subject", "event_id", "subscriber")} == {
            "service": "repairs",
            "correlation_id": "chain-1",
            "subject": "ticket-1",
            "event_id": "event-1",
            "subscriber": "repairs.plan_repair",
        }


def counted(capsys: pytest.CaptureFixture[str], **changes: object) -> list[dict[str, Any]]:
    """Return the lines of metrics that one record makes."""

    def count_one() -> None:
        metrics.collected.set({})
        metrics.count(RECORD.model_copy(update=changes))
        metrics.flush()

    copy_context().run(count_one)
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


class TestMetrics:
    @pytest.fixture(autouse=True)
    def _environment(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", "repairs")
        monkeypatch.setenv("POWERTOOLS_METRICS_NAMESPACE", "desk")
        metrics.watch_authors_metrics()

    def test_they_have_the_shape_that_powertools_writes(self, capsys: pytest.CaptureFixture[str]) -> None:
        line = counted(capsys)[1]

        described = {
            "Namespace": "desk",
            "Dimensions": [["service", "contract", "subscriber"]],
            "Metrics": [{"Name": "published", "Unit": "Count"}],
        }
        assert isinstance(line["_aws"].pop("Timestamp"), int)
        assert line == {
            "_aws": {"CloudWatchMetrics": [described]},
            "service": "repairs",
            "contract": "desk.repairs/RepairPlanned v1",
            "subscriber": "repairs.plan_repair",
            "published": [2.0],
        }

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
    def test_each_outcome_is_counted(
        self, capsys: pytest.CaptureFixture[str], outcome: str, names: list[set[str]]
    ) -> None:
        lines = counted(capsys, outcome=outcome)

        found = [{metric["Name"] for metric in line["_aws"]["CloudWatchMetrics"][0]["Metrics"]} for line in lines]
        assert found == names
        assert lines[0]["contract"] == "desk.tickets/TicketOpened v3"
        assert lines[0]["duration"] == [12.5]

    def test_a_route_consumes_nothing(self, capsys: pytest.CaptureFixture[str]) -> None:
        first, second = counted(capsys, event_id=None, trigger="POST /tickets")

        assert "consumed" not in first
        assert second["published"] == [2.0]

    def test_without_a_namespace_there_is_a_default(
        self, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.delenv("POWERTOOLS_METRICS_NAMESPACE")

        (line, _) = counted(capsys)

        assert line["_aws"]["CloudWatchMetrics"][0]["Namespace"] == "contradance"

    @pytest.mark.parametrize("disabled", ["true", "1", "TRUE", "on"])
    def test_they_can_be_turned_off(
        self, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, disabled: str
    ) -> None:
        monkeypatch.setenv("POWERTOOLS_METRICS_DISABLED", disabled)

        assert counted(capsys) == []

    def test_a_batch_is_counted_together_at_its_end(self, on_lambda: Lambda) -> None:
        events = [delivered(opened(channel=channel), channel) for channel in ("web", "desk", "phone")]

        on_lambda.invoke(plan_later, queued(*events))

        lines = on_lambda.lines()
        assert ["_aws" in line for line in lines] == [False, False, False, True]
        assert (lines[-1]["consumed"], lines[-1]["failed"]) == ([1.0, 1.0], [1.0])
        assert len(lines[-1]["duration"]) == 3

    def test_an_authors_metrics_are_written_at_the_end_of_an_invocation(self, on_lambda: Lambda) -> None:
        shared, own = Metrics(), EphemeralMetrics(namespace="own", service="x")
        for _ in range(2):
            with on_lambda.machine.invocation(FakeLambda("request-1")):
                shared.add_metric(name="kettles", unit=MetricUnit.Count, value=1)
                own.add_metric(name="spouts", unit="Count", value=2)
                with single_metric(name="once", unit=MetricUnit.Count, value=3) as single:
                    single.add_dimension("a", "b")
        with on_lambda.machine.invocation(FakeLambda("request-1")):
            pass

        lines = on_lambda.lines()

        assert [[*line][-1] for line in lines] == ["once", "kettles", "spouts"] * 2
        assert [line["_aws"]["CloudWatchMetrics"][0]["Namespace"] for line in lines[:3]] == ["desk", "desk", "own"]

    def test_metrics_that_cannot_be_written_fail_no_delivery(self, on_lambda: Lambda) -> None:
        broken = Metrics()
        broken.add_metric(name="kettles", unit=MetricUnit.Count, value=1)
        broken.add_metadata("a", object())

        for _ in range(2):
            with on_lambda.machine.invocation(FakeLambda("request-1")):
                pass

        assert [line["message"] for line in on_lambda.lines()] == ["Metrics could not be written."]


def test_a_model_is_masked_in_whatever_holds_it() -> None:
    @dataclass
    class Note:
        author: Annotated[str, PII]
        about: object

    value = masked({"list": [opened()], 1: Note("Jane", {"job": Job(ticket_id=TICKET)}), "plain": 1})

    job = {"job": {"ticket_id": str(TICKET), "attempts": 0}}
    assert value == {"list": [SHOWN], "1": {"author": "***", "about": job}, "plain": 1}


class Card(BaseModel):
    number: int


def test_a_traceback_quotes_no_value_wherever_it_stands() -> None:
    address = json.loads('"jane@example.com"')

    def refuse() -> None:
        Card.model_validate({"number": address})

    def chain() -> None:
        try:
            refuse()
        except ValidationError as error:
            raise ExceptionGroup("several", [error, KeyError("what an author names")])  # noqa: B904 - its context counts

    with pytest.raises(ExceptionGroup) as raised:
        chain()

    text = exception_text(raised.value)
    assert address not in text
    assert "During handling of the above exception, another exception occurred:" in text
    assert text.count("ValidationError: Card: number: Input should be a valid integer") == 2
    assert "KeyError: 'what an author names'" in text


def test_a_line_with_what_json_does_not_have_is_valid_json() -> None:
    given = logging.makeLogRecord({"msg": "half \ud800", "levelname": "INFO", **UNJSON})

    line = json.loads(AttemptFormatter(service="x").format(given).encode(), parse_constant=pytest.fail)

    assert line["message"] == r"half \ud800"
    assert {name: line[name] for name in UNJSON_SHOWN} == UNJSON_SHOWN
