"""Where a stack stands: the facts that its names and ARNs are made of."""

from dataclasses import dataclass
from typing import Literal

ArnService = Literal["dynamodb", "events", "kms", "lambda", "logs", "scheduler", "sns", "sqs", "ssm"]
"""The first part of an ARN that this program makes."""


@dataclass(frozen=True, slots=True)
class Site:
    """One stack of one application, in one account and region."""

    app: str
    """Name of the choreography."""
    stack: str
    account: str
    region: str
    partition: str = "aws"

    def arn(self, service: ArnService, resource: str) -> str:
        """Return the ARN of a resource of this account and region, whether or not it is there yet."""
        return f"arn:{self.partition}:{service}:{self.region}:{self.account}:{resource}"


@dataclass(frozen=True, slots=True)
class BusPlan:
    """The event bus that a stack's rules are on."""

    name: str
    arn: str
    owned: bool
    """Whether this stack creates it, and its archive; otherwise another stack does."""
