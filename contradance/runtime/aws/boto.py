"""Calls AWS through boto3: on request, and for configurations that the runtime's own client does not support."""

from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final

from boto3.session import Session  # type: ignore[import-untyped]  # boto3 has no types
from botocore.config import Config  # type: ignore[import-untyped]  # the same
from botocore.exceptions import BotoCoreError, ClientError  # type: ignore[import-untyped]  # the same

from contradance.errors import AWSCallFailed
from contradance.runtime.aws.caller import refused

_METHODS: Final = {
    "ChangeMessageVisibility": "change_message_visibility",
    "DeleteMessage": "delete_message",
    "GetItem": "get_item",
    "GetParameters": "get_parameters",
    "PutEvents": "put_events",
    "Query": "query",
    "Scan": "scan",
    "SendMessage": "send_message",
    "TransactWriteItems": "transact_write_items",
    "UpdateItem": "update_item",
}
CONFIG: Final = Config(retries={"mode": "standard", "total_max_attempts": 6}, connect_timeout=3, read_timeout=10)
"""Timeouts in seconds. boto3's defaults, a minute each, are longer than most functions run."""


class BotoCaller:
    """`contradance.runtime.aws.caller.Caller` over boto3.

    Args:
        client: returns the client of a service; default: boto3's, as the environment configures it.
    """

    def __init__(self, client: Callable[[str], Any] | None = None) -> None:
        self._client = client or partial(Session().client, config=CONFIG)
        self._clients: dict[str, Any] = {}

    def call(self, service: str, operation: str, request: Mapping[str, Any]) -> dict[str, Any]:
        """Return the response of an operation through boto3; raise `AWSCallFailed` when it is refused or fails."""
        if service not in self._clients:
            self._clients[service] = self._client(service)
        try:
            answer = getattr(self._clients[service], _METHODS[operation])(**_with_binaries(request, b64decode))
        except ClientError as error:
            response = _with_binaries(error.response, _base64)
            code = str(response.get("Error", {}).get("Code", ""))
            message = str(response.get("Error", {}).get("Message", ""))
            raise refused(service, operation, code, message, response) from error
        except BotoCoreError as error:
            raise AWSCallFailed(f"{service} did not answer {operation}: {type(error).__name__}", "", {}) from error
        found: dict[str, Any] = _with_binaries(answer, _base64)
        return found


def _with_binaries(value: Any, change: Callable[[Any], object]) -> Any:
    """Return a value in DynamoDB's JSON with each binary changed: boto3 has bytes where the JSON has base64."""
    if isinstance(value, Mapping):
        return {
            name: change(one) if name == "B" and isinstance(one, str | bytes) else _with_binaries(one, change)
            for name, one in value.items()
        }
    return [_with_binaries(one, change) for one in value] if isinstance(value, list) else value


def _base64(content: bytes) -> str:
    """Return bytes as base64 text."""
    return b64encode(content).decode()
