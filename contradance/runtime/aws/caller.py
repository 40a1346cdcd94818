"""The interface for calling AWS: one operation of one service, with request and response in AWS's JSON.

The runtime's own client (`client.py`, which also chooses) and boto3 (`boto.py`) implement it.
"""

from collections.abc import Mapping
from typing import Any, Final, Protocol

from contradance.errors import AWSCallFailed

_QUOTING: Final = ("ValidationException", "TransactionCanceledException")
"""Errors whose messages may quote written items, and so personal data."""


class Caller(Protocol):
    """Calls operations of AWS services."""

    def call(self, service: str, operation: str, request: Mapping[str, Any]) -> dict[str, Any]:
        """Return the response of an operation; after retries of transient failures, raise `AWSCallFailed`.

        Services are `dynamodb`, `events`, `sqs` and `ssm`.

        Raises:
            AWSCallFailed: AWS refused the call, or did not answer in the time that is left.
        """
        ...


def refused(service: str, operation: str, code: str, message: str, answer: Mapping[str, Any]) -> AWSCallFailed:
    """Return the error for a refused call, to raise; with AWS's message unless that may quote data."""
    detail = f": {message}" if message and code not in _QUOTING else ""
    return AWSCallFailed(f"{service} refused {operation}: {code}{detail}", code, answer)
