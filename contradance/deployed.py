"""What a deployed stack says of itself: the Pulumi program's outputs, as whoever operates it reads them."""

from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

FunctionKind = Literal["subscriber", "route", "schedule", "sweeper", "ingress"]
"""What triggers a deployed function; the last two are the machine's own."""

OUTPUT: Final = "deployed"
"""The stack output that holds a `Deployed`."""

SWEEPER: Final = "contradance.sweeper"
INGRESS: Final = "contradance.ingress"
"""Names of the machine's own functions."""


class DeployedFunction(BaseModel):
    """One Lambda function, and what stands around it."""

    model_config = ConfigDict(alias_generator=to_camel, extra="ignore", frozen=True, populate_by_name=True)

    kind: FunctionKind
    function_name: str
    """Lambda's name of it."""
    log_group: str
    rule_name: str | None = None
    rule_arn: str | None = None
    queue_url: str | None = None
    """Between rule and function, where there is one."""
    dead_letter_queue_url: str | None = None
    """A route has none."""
    alarms: tuple[str, ...] = ()
    """Names of its CloudWatch alarms."""


class Deployed(BaseModel):
    """One stack."""

    model_config = ConfigDict(alias_generator=to_camel, extra="ignore", frozen=True, populate_by_name=True)

    app: str
    """Name of the choreography."""
    account: str
    region: str
    bus_name: str
    bus_arn: str
    archive_name: str | None = None
    archive_arn: str | None = None
    """A stack that runs on another stack's bus has no archive of its own."""
    api_url: str | None = None
    fingerprint: str
    """Digest of the choreography that was deployed: equal choreographies have equal ones."""
    alarms: tuple[str, ...] = ()
    """Names of the stack's own CloudWatch alarms."""
    contracts: dict[str, dict[str, Any]] = {}
    """What the stack's registry promises, by identity, `library.loans/BookLent v1`: `contradance.schemas.promised`."""
    functions: dict[str, DeployedFunction]
    """By the function's name: `loans.remind_reader`, and the machine's own."""
