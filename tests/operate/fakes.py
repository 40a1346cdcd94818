"""Stand-ins for AWS's services, as far as an operator asks them."""

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import boto3  # type: ignore[import-untyped]  # it has no types

from contradance.operate.aws.services import BotoService, Service, ServiceName

Answers = Mapping[str, Callable[..., dict[str, Any]] | dict[str, Any]]
"""What a service answers, by operation: an answer, or what makes one of what is asked."""


class FakeService:
    """Answers as it was told to, and remembers what it was asked."""

    def __init__(self, answers: Answers) -> None:
        self._answers = answers
        self.asked: list[tuple[str, dict[str, Any]]] = []

    def ask(self, operation: str, **asked: object) -> dict[str, Any]:
        """Return the answer to one operation."""
        self.asked.append((operation, asked))
        answer = self._answers[operation]
        return answer if isinstance(answer, dict) else answer(**asked)


class FakeAws:
    """Services by name; one may be another implementation, such as the laptop's."""

    def __init__(self, **services: Service) -> None:
        self._services = services

    def service(self, name: ServiceName) -> Service:
        """Return one service."""
        return self._services[name]


class LaptopAws:
    """The laptop's AWS endpoint in place of AWS: so the adapter for AWS is tested against a bus that runs."""

    def __init__(self, url: str) -> None:
        self._url = url
        self.service = cache(self._service)

    def _service(self, name: ServiceName) -> Service:
        keys = {"aws_access_key_id": "x", "aws_secret_access_key": "x"}
        client = boto3.Session().client(name, region_name="us-east-1", endpoint_url=self._url, **keys)
        return WithoutWaiting(BotoService(name, client))


class WithoutWaiting:
    """SQS that does not wait for messages: a test has no other sender."""

    def __init__(self, service: Service) -> None:
        self._service = service

    def ask(self, operation: str, **parameters: object) -> dict[str, Any]:
        """Return the answer to one operation."""
        if "WaitTimeSeconds" in parameters:
            parameters["WaitTimeSeconds"] = 0
        return self._service.ask(operation, **parameters)
