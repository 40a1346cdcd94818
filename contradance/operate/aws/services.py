"""AWS's services through boto3.

boto3 is loaded with the first service: it comes with `contradance[local]` and with `contradance[lambda]`, and a choreography
is declared, built and tested without it.
"""

from collections.abc import Mapping
from functools import cache
from typing import Any, Literal, Protocol

from contradance.errors import OperateError

ServiceName = Literal["cloudwatch", "dynamodb", "events", "lambda", "logs", "sqs", "sts"]


class Service(Protocol):
    """One AWS service."""

    def ask(self, operation: str, **parameters: object) -> dict[str, Any]:
        """Return the response of the operation with boto3's name; raise `OperateError` when AWS refuses it.

        Raises:
            AwsRefusal: AWS refused it; the message has the operation and AWS's code.
            OperateError: AWS did not respond.
        """
        ...


class Aws(Protocol):
    """The services of one account and region."""

    def service(self, name: ServiceName) -> Service:
        """Return the service with this name."""
        ...


class Boto:
    """The services of one region through boto3."""

    def __init__(self, region: str) -> None:
        self._region = region
        self.service = cache(self._service)

    def _service(self, name: ServiceName) -> Service:
        """Return a service through boto3; `OperateError` if boto3 is not installed or cannot create a client."""
        try:
            import boto3  # type: ignore[import-untyped]  # noqa: PLC0415 - it has no types, and is slow to load
            from botocore.config import Config  # type: ignore[import-untyped]  # noqa: PLC0415 - the same
        except ModuleNotFoundError as error:
            raise OperateError(
                "operating a stack on AWS needs boto3.\n  Install it: pip install 'contradance[local]'"
            ) from error
        config = Config(retries={"mode": "standard", "total_max_attempts": 5})
        try:
            client = boto3.Session().client(name, region_name=self._region, config=config)
        except ValueError as error:
            raise OperateError(
                f"boto3 cannot make a client of {name}: {error}.\n"
                "  Correct the environment variables AWS_..., or AWS's configuration file."
            ) from error
        except Exception as error:
            _raise_operate_error(name, "client", error)
            raise
        return BotoService(name, client)


class BotoService:
    """One of boto3's clients."""

    def __init__(self, name: str, client: Any) -> None:
        self._name = name
        self._client = client

    def ask(self, operation: str, **parameters: object) -> dict[str, Any]:
        """Return the response of one operation; raise `OperateError` when AWS refused it or did not respond."""
        try:
            response: dict[str, Any] = getattr(self._client, operation)(**parameters)
        except Exception as error:
            _raise_operate_error(self._name, operation, error)
            raise
        return response


class AwsRefusal(OperateError):
    """AWS refused an operation."""

    def __init__(self, message: str, code: str, response: Mapping[str, Any]) -> None:
        super().__init__(message)
        self.code = code
        """AWS's code: `AccessDeniedException`."""
        self.response = response
        """AWS's whole response."""


def _raise_operate_error(service: str, operation: str, error: Exception) -> None:
    """Raise an error of boto3 as an `OperateError`, AWS's refusal as `AwsRefusal`; do nothing for any other error."""
    from botocore.exceptions import (  # type: ignore[import-untyped]  # noqa: PLC0415 - boto3 raised it
        BotoCoreError,
        ClientError,
        NoCredentialsError,
    )

    if isinstance(error, ClientError):
        refusal = error.response.get("Error", {})
        raise AwsRefusal(
            f"AWS refused {service} {operation}: {refusal.get('Code')}: {refusal.get('Message')}",
            str(refusal.get("Code")),
            error.response,
        ) from error
    if isinstance(error, NoCredentialsError):
        raise OperateError(
            f"{service} {operation} was not sent to AWS: there are no credentials.\n  Log in, or set AWS_PROFILE."
        ) from error
    if isinstance(error, BotoCoreError):
        raise OperateError(f"{service} {operation} failed: {error}") from error
