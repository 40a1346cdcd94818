"""How MiniStack 1.5.33 differs from AWS, as far as these tests meet it, and what the tests do about each difference.

| on AWS | on MiniStack | here |
|---|---|---|
| DescribeEventBus, DescribeRule and ListTargetsByRule take the name of a bus or its ARN | only the name | `Operator` passes the name |
| a rule's target has a retry policy and a dead letter queue | both are stored only | not tested |
| a rule invokes Lambda asynchronously: retries, on-failure destination | once; a failure or a timeout is lost | tests invoke asynchronously through Lambda's API, which retries |
| the attempts at one asynchronous invocation have one request id | each has another, so that the second finds the first's lease | tests refuse the call that takes the lease |
| a replay is delivered to the rules in FilterArns alone | to every rule of the bus | the filter is compared with the rule; events for other rules are duplicates |
| Scheduler fills in `<aws.scheduler.scheduled-time>` and the like, and observes time zones | neither | a test makes a schedule for this moment, with the same target and that input filled in |
| policies of roles, queues and functions are enforced | with AUTH=true, but without `events:source` and `dynamodb:LeadingKeys` | the proxy enforces those of roles (`permissions.py`) |
| partners publish with PutPartnerEvents | answered, not delivered | `tests/engine` has the rule; nothing is delivered here |
| Logs Insights filters records | filters of `contradance trace` are not understood | not tested |
| a function has a limit of memory | it has none | not tested |
"""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from contradance.operate.aws.services import BotoService, Service, ServiceName
from tests.emulator.ministack import MiniStack


class Operator:
    """`contradance.operate.aws.services.Aws` over MiniStack; records every call."""

    def __init__(self, emulator: MiniStack) -> None:
        self._emulator = emulator
        self._services: dict[str, Service] = {}
        self.asked: list[tuple[str, Mapping[str, Any]]] = []
        """(operation, parameters) of each call."""

    def service(self, name: ServiceName) -> Service:
        if name not in self._services:
            self._services[name] = _Service(BotoService(name, self._emulator.client(name)), self.asked)
        return self._services[name]


class _Service:
    def __init__(self, service: Service, asked: list[tuple[str, Mapping[str, Any]]]) -> None:
        self._service = service
        self._asked = asked

    def ask(self, operation: str, **parameters: object) -> dict[str, Any]:
        self._asked.append((operation, parameters))
        named = {name: str(parameters[name]) for name in ("Name", "EventBusName") if name in parameters}
        by_name = {name: value.rpartition(":event-bus/")[2] for name, value in named.items()}
        return self._service.ask(operation, **(parameters | by_name))


def scheduled_input(text: str, schedule: str, time: datetime) -> str:
    """Return a schedule's input with the values that Scheduler fills in for a run."""
    values = {
        "<aws.scheduler.schedule-arn>": schedule,
        "<aws.scheduler.scheduled-time>": time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
    }
    return json.dumps({name: values.get(value, value) for name, value in json.loads(text).items()})
