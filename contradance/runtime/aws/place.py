"""AWS as the runtime's place, made of what the environment says."""

import json
from collections.abc import Mapping
from typing import Any, Final

from contradance.errors import DeclarationError
from contradance.runtime.aws import environment
from contradance.runtime.aws.caller import Caller
from contradance.runtime.aws.clock import SystemClock
from contradance.runtime.aws.events import EventBridge, OwnQueue
from contradance.runtime.aws.journal import LoggedJournal
from contradance.runtime.aws.patience import Patience
from contradance.runtime.aws.store import DynamoDBStore
from contradance.runtime.aws.variables import Variables
from contradance.runtime.ports import Place

_LEAST_REMEMBERED: Final = 14 * 86_400
"""Seconds that a once-record lives where nobody says more: SQS's longest retention."""


def aws_place(environ: Mapping[str, str], aws: Caller, patience: Patience) -> Place:
    """Return AWS as `environ` describes it; nothing is called yet."""
    clock = SystemClock()
    return Place(
        store=DynamoDBStore(
            aws,
            tables=_names(environ, environment.TABLES),
            once_table=needed(environ, environment.ONCE_TABLE),
            remember_seconds=int(environ.get(environment.REMEMBER_SECONDS) or _LEAST_REMEMBERED),
            clock=clock,
            patience=patience,
        ),
        events=EventBridge(aws, environ),
        dead_letters=OwnQueue(aws, environ.get(environment.DEAD_LETTERS)),
        journal=LoggedJournal(),
        clock=clock,
        variables=Variables(environ, _names(environ, environment.SECRETS), aws, clock),
        bus=needed(environ, environment.BUS),
    )


def needed(environ: Mapping[str, str], name: str) -> str:
    """Return a variable that every deployed function has."""
    value = environ.get(name)
    if not value:
        raise DeclarationError(f"{name} is not set.\n  Deploy the function with contradance.infra, which sets it.")
    return value


def _names(environ: Mapping[str, str], name: str) -> dict[str, str]:
    names: Any = json.loads(environ.get(name) or "{}")
    return {str(key): str(value) for key, value in names.items()}
