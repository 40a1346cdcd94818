"""Stand-ins for AWS's services, as far as an operator asks them."""

from collections.abc import Callable, Mapping
from typing import Any

from contradance.operate.aws import Service, ServiceName

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
