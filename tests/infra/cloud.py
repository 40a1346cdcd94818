"""The food delivery system as the program deploys it: moto holds it, the runtime's own handlers run in it.

Each function is given the environment that the program gave it and nothing else, and may do what its role allows and
nothing else. EventBridge is played here, over the rules that the program deployed: moto does not invoke functions.
"""

import json
from collections import deque
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

from contradance.deployed import SWEEPER, Deployed
from contradance.errors import AWSCallFailed
from contradance.local.events.entry import envelope
from contradance.local.invocation.record import http_request
from contradance.pattern import EventPattern
from contradance.runtime.aws import variable_names
from contradance.runtime.aws.boto import BotoCaller
from contradance.runtime.aws.environment import aws_environment
from contradance.runtime.aws.retry_budget import RetryBudget
from contradance.runtime.entry import invoke
from contradance.runtime.ports import Environment
from contradance.runtime.sweep import sweep
from functions.choreography import food_delivery
from tests.infra.iam import allows, asked
from tests.infra.mocks import ACCOUNT
from tests.infra.moto_aws import MotoAws, client
from tests.infra.stack import deployed
from tests.runtime.aws.desk import FakeLambda


class Cloud:
    """One stack in moto, and what its functions do there. Make it inside `mock_aws`."""

    def __init__(self, folder: Path) -> None:
        self.deployment = deployed(folder, recorder=MotoAws(account=ACCOUNT))
        told = Deployed.model_validate(self.deployment.outputs["deployed"])
        self.names = {name: each.function_name for name, each in told.functions.items()}
        self._rules = {
            name: EventPattern(json.loads(rule["eventPattern"]))
            for name, rule in self.deployment.all("EventRule").items()
        }
        self._waiting: deque[tuple[str, Mapping[str, Any]]] = deque()
        self.called: set[tuple[str, str]] = set()
        """(function, operation) of every call that a role allowed."""
        self.bus_answers = True

    def request(self, function: str, method: str, path: str, body: object = None, **parameters: str) -> Any:
        """Return (status, JSON) of one request, as API Gateway makes it."""
        trigger = food_delivery.functions[function].trigger
        key = getattr(trigger, "key", f"{method} {path}")
        text = b"" if body is None else json.dumps(body).encode()
        event = http_request(
            key, path, path_parameters=parameters, query="", headers={}, body=text, now=datetime.now(UTC)
        )
        answer: Any = self._invoke(function, event)
        return answer["statusCode"], json.loads(answer["body"])

    def settle(self) -> None:
        """Deliver until nothing waits; a delivery that fails is a failed test."""
        while self._waiting:
            function, event = self._waiting.popleft()
            if food_delivery.functions[function].delivery == "queue":
                failed: Any = self._invoke(function, _batch(event))
                assert failed == {"batchItemFailures": []}
            else:
                self._invoke(function, event)

    def sweep(self) -> int:
        """Run the sweeper once."""
        return sweep(self._environment(SWEEPER), 10)

    def call(self, function: str, service: str, operation: str, request: Mapping[str, Any]) -> dict[str, Any]:
        """Call AWS in the name of a function, if its role allows it."""
        policy = self.deployment.all("RolePolicy")[function]["policy"]
        for one in asked(service, operation, request):
            if not allows(policy, one):
                raise AssertionError(f"{function} may not {one.action} {one.resource} {one.said}")
        self.called.add((function, operation))
        if operation == "PutEvents":
            return self._put_events(request["Entries"])
        return BotoCaller(client).call(service, operation, request)

    def _put_events(self, entries: list[Mapping[str, Any]]) -> dict[str, Any]:
        if not self.bus_answers:
            raise AWSCallFailed("events did not answer PutEvents", "", {})
        for entry in entries:
            event = envelope(entry, datetime.now(UTC))
            self._waiting += [(name, event) for name, pattern in self._rules.items() if pattern.matches(event)]
        return {"FailedEntryCount": 0, "Entries": [{"EventId": str(uuid4())} for _ in entries]}

    def _invoke(self, function: str, event: Mapping[str, Any]) -> object:
        return invoke(food_delivery.functions[function], event, FakeLambda(str(uuid4())), self._environment(function))

    def _environment(self, function: str) -> Environment:
        found = client("lambda").get_function_configuration(FunctionName=self.names[function])
        environ: dict[str, str] = found["Environment"]["Variables"]
        if function != SWEEPER:
            handler = food_delivery.functions[function].handler
            assert environ[variable_names.FUNCTION] == f"{handler.__module__}:{handler.__name__}"
        return aws_environment(environ, _As(self, function), RetryBudget())


class _As:
    """`contradance.runtime.aws.caller.Caller` in the name of one function."""

    def __init__(self, cloud: Cloud, function: str) -> None:
        self._cloud = cloud
        self._function = function

    def call(self, service: str, operation: str, request: Mapping[str, Any]) -> dict[str, Any]:
        return self._cloud.call(self._function, service, operation, request)


def _batch(event: Mapping[str, Any]) -> dict[str, Any]:
    sent = str(int(datetime.now(UTC).timestamp() * 1000))
    attributes = {"ApproximateReceiveCount": "1", "SentTimestamp": sent}
    return {"Records": [{"messageId": str(uuid4()), "body": json.dumps(event), "attributes": attributes}]}
