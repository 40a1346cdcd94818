"""Calling AWS: one operation of one service, its request and its answer as AWS's JSON protocols write them.

There are two: the runtime's own client (`client.py`, which also chooses), and boto3 (`boto.py`).
"""

from collections.abc import Mapping
from typing import Any, Final, Protocol

from contradance.errors import AWSCallFailed

_QUOTING: Final = ("ValidationException", "TransactionCanceledException")
"""Errors whose message may quote what was written: personal data."""


class Caller(Protocol):
    """What calls AWS."""

    def call(self, service: str, operation: str, request: Mapping[str, Any]) -> dict[str, Any]:
        """Call `operation` of `service`, again while that may help; return its answer.

        Services are `dynamodb`, `events`, `sqs` and `ssm`.

        Raises:
            AWSCallFailed: AWS refused the call, or it did not answer in the time there is.
        """


def refused(service: str, operation: str, code: str, message: str, answer: Mapping[str, Any]) -> AWSCallFailed:
    """Return the error that says what AWS answered; its own words only where they quote no data."""
    words = f": {message}" if message and code not in _QUOTING else ""
    return AWSCallFailed(f"{service} refused {operation}: {code}{words}", code, answer)
