"""The program run against moto: each registered resource is created through boto3, and its real ids flow on.

moto has no schema registry, and its HTTP APIs need more than this repository installs: those are not created.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

import boto3  # type: ignore[import-untyped]  # it has no types

from tests.infra.aws_calls import calls
from tests.infra.mocks import REGION, Recorder, Registered

NOT_THERE = {"apigatewayv2", "schemas"}


def client(service: str) -> Any:
    return boto3.client(service, region_name=REGION, aws_access_key_id="nobody", aws_secret_access_key="nothing")  # noqa: S106 - moto's


@dataclass
class MotoAws(Recorder):
    """Creates each resource in moto when it is registered."""

    created: list[tuple[str, str]] = field(default_factory=list)
    """(service, operation) of each call that moto answered."""
    clients: dict[str, Any] = field(default_factory=dict)
    lock: Lock = field(default_factory=Lock)

    def outputs(self, kind: str, name: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
        known = super().outputs(kind, name, inputs)
        answers: dict[str, Any] = {}
        with self.lock:
            for call in calls(Registered(kind, name, inputs, custom=True)):
                if call.service in NOT_THERE:
                    continue
                aws = self.clients.setdefault(call.service, client(call.service))
                method = "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in call.operation)
                answers |= getattr(aws, method[1:])(**call.parameters)
                self.created.append((call.service, call.operation))
        return known | _ids(kind, answers)


_SAID: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "EventBus": ("arn", ("EventBusArn",)),
    "EventRule": ("arn", ("RuleArn",)),
    "Function": ("arn", ("FunctionArn",)),
    "LayerVersion": ("arn", ("LayerVersionArn",)),
    "Queue": ("url", ("QueueUrl",)),
    "Role": ("arn", ("Role", "Arn")),
    "Topic": ("arn", ("TopicArn",)),
}
"""What the provider reads out of AWS's answers: an output, and where it is."""


def _ids(kind: str, answers: Mapping[str, Any]) -> dict[str, Any]:
    if kind not in _SAID:
        return {}
    output, path = _SAID[kind]
    said: Any = answers
    for name in path:
        said = said[name]
    return {output: said}
