"""A deployed function on moto, and what a test looks at when it was invoked."""

import json
from collections.abc import Mapping
from types import ModuleType
from typing import Any

import pytest

from contradance.runtime.aws import entry, ingress, sweeper, variable_names
from tests.runtime.aws.moto import client, deployed, make_table

QUEUE = "desk-dead-letters"
FUNCTIONS = "tests.runtime.aws.functions"


def cold_start() -> None:
    """Forget what the execution environment has made."""
    for made_once in (entry._deployed, ingress._deployed, sweeper._machine):
        made_once.cache_clear()


class FakeLambda:
    """Lambda's context of one invocation."""

    function_name = "desk-repairs"
    memory_limit_in_mb = "256"
    invoked_function_arn = "arn:aws:lambda:eu-central-1:123456789012:function:desk-repairs"

    def __init__(self, aws_request_id: str) -> None:
        self.aws_request_id = aws_request_id

    def get_remaining_time_in_millis(self) -> int:
        return 305_000


class Deployed:
    """One function, deployed on moto."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self._monkeypatch = monkeypatch
        self._capsys = capsys
        self._configured = False
        sqs, events = client("sqs"), client("events")
        self.dead_letters = sqs.create_queue(QueueName=QUEUE)["QueueUrl"]
        self._published = sqs.create_queue(QueueName="desk-published")["QueueUrl"]
        events.create_event_bus(Name="desk")
        events.put_rule(Name="all", EventBusName="desk", EventPattern='{"source": [{"prefix": ""}]}')
        arn = "arn:aws:sqs:eu-central-1:123456789012:desk-published"
        events.put_targets(Rule="all", EventBusName="desk", Targets=[{"Id": "all", "Arn": arn}])
        for name in ("jobs", "tickets"):
            make_table(f"desk-{name}", sort_key=False)

    def configure(self, **more: str) -> None:
        """Set the environment, as a cold start finds it."""
        tables = {"repairs.jobs": "desk-jobs", "tickets.tickets": "desk-tickets"}
        environ = deployed(
            **{
                variable_names.CLIENT: "boto3",
                variable_names.TABLES: json.dumps(tables),
                variable_names.DEAD_LETTERS: self.dead_letters,
                "POWERTOOLS_SERVICE_NAME": "repairs",
                "POWERTOOLS_METRICS_NAMESPACE": "desk",
                **more,
            }
        )
        for name, value in environ.items():
            self._monkeypatch.setenv(name, value)
        self._configured = True
        cold_start()

    def invoke(self, function: str, event: Mapping[str, Any], request: str = "request-1") -> Any:
        """Invoke a function of the desk."""
        if not self._configured:
            self.configure(**{variable_names.FUNCTION: f"{FUNCTIONS}:{function}"})
        return entry.handler(event, FakeLambda(request))

    def invoke_module(self, module: ModuleType, event: Mapping[str, Any]) -> Any:
        """Invoke the handler of a module of the machine's own."""
        return module.handler(event, FakeLambda("request-1"))

    def lines(self) -> list[dict[str, Any]]:
        """Return what was written to the log since this was asked last."""
        return [json.loads(line) for line in self._capsys.readouterr().out.splitlines()]

    def published(self) -> list[dict[str, Any]]:
        """Return the events that reached the bus since this was asked last, in EventBridge's envelope."""
        return [json.loads(body) for body, _ in self._received(self._published)]

    def buried(self) -> list[tuple[dict[str, Any], dict[str, str]]]:
        """Return (event, attributes) of the dead letters since this was asked last."""
        return [(json.loads(body), attributes) for body, attributes in self._received(self.dead_letters)]

    def rows(self, table: str) -> list[dict[str, Any]]:
        """Return the documents of a table."""
        return [json.loads(item["document"]["S"]) for item in client("dynamodb").scan(TableName=table)["Items"]]

    def _received(self, url: str) -> list[tuple[str, dict[str, str]]]:
        got = client("sqs").receive_message(QueueUrl=url, MaxNumberOfMessages=10, MessageAttributeNames=["All"])
        return [
            (
                message["Body"],
                {name: value["StringValue"] for name, value in message.get("MessageAttributes", {}).items()},
            )
            for message in got.get("Messages", [])
        ]
