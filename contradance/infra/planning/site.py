"""The site of a stack: the account, region and names that its ARNs consist of."""

from dataclasses import dataclass
from typing import Literal

ArnService = Literal["dynamodb", "events", "kms", "lambda", "logs", "scheduler", "sns", "sqs", "ssm"]
"""Services whose ARNs this program computes."""


@dataclass(frozen=True, slots=True)
class Site:
    """The site of a stack: its application, account and region."""

    app: str
    """Name of the choreography."""
    stack: str
    account: str
    region: str
    partition: str = "aws"

    def arn(self, service: ArnService, resource: str) -> str:
        """Return the ARN of a resource in this account and region; the resource need not exist yet."""
        return f"arn:{self.partition}:{service}:{self.region}:{self.account}:{resource}"


@dataclass(frozen=True, slots=True)
class BusPlan:
    """The event bus of a stack's rules."""

    name: str
    arn: str
    owned: bool
    """Whether this stack creates the bus and its archive; False when another stack does."""
    archive_arn: str | None = None
    """The archive of another stack's bus, where it is known; None for a bus that this stack creates."""
