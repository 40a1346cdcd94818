"""The program run against an AWS that answers: each registered resource is created through boto3, and its ids flow on."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from threading import Lock
from typing import Any, ClassVar

from tests.infra.aws_calls import Call, calls
from tests.infra.mocks import Recorder, Registered


@dataclass
class Created(Recorder):
    """Creates each resource when it is registered."""

    absent: ClassVar[frozenset[str]] = frozenset()
    """Services that this AWS does not have: their resources are not created."""
    created: list[tuple[str, str]] = field(default_factory=list)
    """(service, operation) of each call that was answered."""
    clients: dict[str, Any] = field(default_factory=dict)
    lock: Lock = field(default_factory=Lock)

    def client(self, service: str) -> Any:
        """Return a client of boto3."""
        raise NotImplementedError

    def calls(self, resource: Registered) -> Iterator[Call]:
        """Yield the calls that create a resource."""
        yield from calls(resource)

    def outputs(self, kind: str, resource: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
        known = super().outputs(kind, resource, inputs)
        answers: dict[str, Any] = {}
        with self.lock:
            for call in self.calls(Registered(kind, resource, inputs, custom=True)):
                if call.service in self.absent:
                    continue
                aws = self.clients.setdefault(call.service, self.client(call.service))
                method = "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in call.operation)
                answers |= getattr(aws, method[1:])(**call.parameters)
                self.created.append((call.service, call.operation))
        return known | self.answered(kind, answers)

    def answered(self, kind: str, answers: Mapping[str, Any]) -> dict[str, Any]:
        """Return the outputs that the provider reads out of AWS's answers."""
        if kind not in _SAID or not answers:
            return {}
        output, path = _SAID[kind]
        said: Any = answers
        for name in path:
            said = said[name]
        return {output: said}


_SAID: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "Api": ("id", ("ApiId",)),
    "Authorizer": ("id", ("AuthorizerId",)),
    "EventBus": ("arn", ("EventBusArn",)),
    "EventRule": ("arn", ("RuleArn",)),
    "Function": ("arn", ("FunctionArn",)),
    "Integration": ("id", ("IntegrationId",)),
    "LayerVersion": ("arn", ("LayerVersionArn",)),
    "Queue": ("url", ("QueueUrl",)),
    "Role": ("arn", ("Role", "Arn")),
    "Topic": ("arn", ("TopicArn",)),
}
"""An output of a resource, and where it is in AWS's answers."""
