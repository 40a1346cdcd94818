"""The ARNs that a stack's configuration may have."""

import re
from collections.abc import Callable
from typing import Annotated

from pydantic import AfterValidator


def _of(service: str, resource: str, example: str, what: str) -> Callable[[str], str]:
    """Return a validator of ARNs of `service`; it raises ValueError for another text than an ARN of `resource`."""
    whole = re.compile(rf"arn:[a-z0-9-]+:{service}:[a-z0-9-]+:[0-9]{{12}}:{resource}")

    def check(arn: str) -> str:
        """Return the ARN; raise ValueError for another text."""
        if whole.fullmatch(arn) is None:
            raise ValueError(
                f"this is not the ARN of {what}, like arn:aws:{service}:eu-central-1:123456789012:{example}"
            )
        return arn

    return check


TopicArn = Annotated[str, AfterValidator(_of("sns", "[A-Za-z0-9_-]+", "alarms", "a standard SNS topic"))]
"""Not of a FIFO topic, whose name has a dot: CloudWatch sends no group id, which such a topic requires."""
KeyArn = Annotated[str, AfterValidator(_of("kms", "key/[A-Za-z0-9-]+", "key/KEY_ID", "a KMS key itself"))]
"""Not of an alias: in an IAM policy the ARN of an alias does not allow its key. KMS developer guide, alias-authorization."""
ArchiveArn = Annotated[str, AfterValidator(_of("events", "archive/[A-Za-z0-9._-]+", "archive/NAME", "an archive"))]
