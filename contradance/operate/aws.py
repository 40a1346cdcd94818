"""AWS, or the laptop that speaks its protocols, as boto3 asks it.

boto3 is loaded when the first service is asked: it comes with `contradance[local]`, beside the commands that need it, and
with `contradance[lambda]`; a choreography is declared, built and tested without it.
"""

from functools import cache
from typing import Any, Final, Literal, Protocol

from contradance.deployed import Deployed
from contradance.errors import OperateError

ServiceName = Literal["cloudwatch", "events", "lambda", "logs", "sqs", "sts"]
_LAPTOP_KEYS: Final = {"aws_access_key_id": "laptop", "aws_secret_access_key": "laptop"}
"""The laptop checks no signature, but boto3 signs nothing without keys."""


class Service(Protocol):
    """One AWS service."""

    def ask(self, operation: str, **asked: object) -> dict[str, Any]:
        """Return the answer to one operation, by boto3's name of it.

        Raises:
            OperateError: it was refused, or nobody answered; the message names the operation and AWS's code.
        """


class Aws(Protocol):
    """The services of one account and region."""

    def service(self, name: ServiceName) -> Service:
        """Return one service."""


class Boto:
    """AWS through boto3.

    Args:
        region: whose services.
        laptop: the laptop's URL, where it is asked instead of AWS.
    """

    def __init__(self, region: str, laptop: str | None = None) -> None:
        self._region = region
        self._laptop = laptop
        self.service = cache(self._service)

    def _service(self, name: ServiceName) -> Service:
        session, config = _sessions(self._laptop)
        try:
            client = session.client(
                name,
                region_name=self._region,
                endpoint_url=self._laptop,
                config=config,
                **(_LAPTOP_KEYS if self._laptop else {}),
            )
        except Exception as error:
            _raise_told(name, "client", error, self._laptop)
            raise
        return _BotoService(name, client, self._laptop)


class _BotoService:
    """One of boto3's clients."""

    def __init__(self, name: str, client: Any, laptop: str | None) -> None:
        self._name = name
        self._client = client
        self._laptop = laptop

    def ask(self, operation: str, **asked: object) -> dict[str, Any]:
        """Return the answer to one operation."""
        try:
            answer: dict[str, Any] = getattr(self._client, operation)(**asked)
        except Exception as error:
            _raise_told(self._name, operation, error, self._laptop)
            raise
        return answer


def aws_of(deployed: Deployed, laptop: str | None = None) -> Aws:
    """Return the AWS that a stack is deployed to, or the laptop at the URL `laptop`."""
    return Boto(deployed.region, laptop)


def _sessions(laptop: str | None) -> tuple[Any, Any]:
    """Return a session and its configuration; the laptop is asked without proxy, profile or second try."""
    try:
        import boto3  # type: ignore[import-untyped]  # noqa: PLC0415 - it carries no types, and is slow to load
        from botocore.config import Config  # type: ignore[import-untyped]  # noqa: PLC0415 - the same
        from botocore.session import Session  # type: ignore[import-untyped]  # noqa: PLC0415 - the same
    except ModuleNotFoundError as error:
        raise OperateError(
            "this asks AWS, or the laptop by AWS's protocols, which needs boto3.\n"
            "  Install it: pip install 'contradance[local]'"
        ) from error
    if laptop is None:
        return boto3.Session(), Config(retries={"mode": "standard", "total_max_attempts": 5})
    own = Session()
    own.session_var_map["profile"] = (None, None, None, None)
    return boto3.Session(botocore_session=own), Config(retries={"total_max_attempts": 1}, proxies={})


def _raise_told(service: str, operation: str, error: Exception, laptop: str | None) -> None:
    """Raise an error of boto3's as one of ours: who refused what, and what to do; nothing for any other error."""
    from botocore.exceptions import (  # type: ignore[import-untyped]  # noqa: PLC0415 - boto3 raised it
        BotoCoreError,
        ClientError,
        EndpointConnectionError,
        NoCredentialsError,
    )

    if isinstance(error, ClientError):
        said = error.response.get("Error", {})
        who = "the laptop" if laptop else "AWS"
        raise OperateError(f"{who} refused {service} {operation}: {said.get('Code')}: {said.get('Message')}") from error
    if isinstance(error, EndpointConnectionError) and laptop:
        raise OperateError(f"no laptop answers at {laptop}.\n  Start one with: contradance run") from error
    if isinstance(error, NoCredentialsError):
        raise OperateError(
            f"AWS was not asked for {service} {operation}: there are no credentials.\n  Log in, or set AWS_PROFILE."
        ) from error
    if isinstance(error, BotoCoreError):
        raise OperateError(f"{service} {operation} was not answered: {error}") from error
