"""Builds the runtime's environment on AWS from the environment variables."""

import json
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Final

from contradance.runtime.aws import variable_names
from contradance.runtime.aws.caller import Caller
from contradance.runtime.aws.events import EventBridge, OwnQueue, ReceivedMessages
from contradance.runtime.aws.limiter import AlarmLimiter
from contradance.runtime.aws.log_journal import LoggedJournal
from contradance.runtime.aws.retry_budget import RetryBudget
from contradance.runtime.aws.store import DynamoDBStore
from contradance.runtime.aws.variable_value import needed, read_variable
from contradance.runtime.aws.variables import Variables
from contradance.runtime.ports import Environment

_LEAST_REMEMBERED: Final = 14 * 86_400
"""Default lifetime of a once-record in seconds: SQS's longest retention."""


class SystemClock:
    """`contradance.runtime.ports.Clock` over the machine's clock."""

    def now(self) -> datetime:
        """Return the current time in UTC."""
        return datetime.now(UTC)

    def after(self, duration: timedelta) -> datetime:
        """Return the time `duration` from now."""
        return datetime.now(UTC) + duration

    def sleep(self, seconds: float) -> None:
        """Sleep `seconds`."""
        time.sleep(seconds)


def aws_environment(environ: Mapping[str, str], aws: Caller, retry_budget: RetryBudget) -> Environment:
    """Return the runtime's environment on AWS by `environ`, without a call; `DeclarationError` if incomplete."""
    clock = SystemClock()
    return Environment(
        store=DynamoDBStore(
            aws,
            tables=_names(environ, variable_names.TABLES),
            once_table=needed(environ, variable_names.ONCE_TABLE),
            remember_seconds=read_variable(environ, variable_names.REMEMBER_SECONDS, int, _LEAST_REMEMBERED),
            clock=clock,
            retry_budget=retry_budget,
        ),
        events=EventBridge(aws, environ),
        dead_letters=OwnQueue(aws, environ.get(variable_names.DEAD_LETTERS)),
        journal=LoggedJournal(),
        clock=clock,
        variables=Variables(environ, _names(environ, variable_names.SECRETS), aws, clock),
        bus=needed(environ, variable_names.BUS),
        messages=ReceivedMessages(aws, environ.get(variable_names.DEAD_LETTERS)),
        limiter=AlarmLimiter(retry_budget),
    )


def _names(environ: Mapping[str, str], name: str) -> dict[str, str]:
    """Return the JSON object in a variable, as names by name; empty when the variable is not set."""
    return read_variable(environ, name, _parse_names, {})


def _parse_names(text: str) -> dict[str, str]:
    """Return a JSON object of texts; raise ValueError for another text."""
    names = json.loads(text)
    if not isinstance(names, dict):
        raise ValueError("it is not a JSON object")  # noqa: TRY004 - the value of a text
    return {str(key): str(value) for key, value in names.items()}
