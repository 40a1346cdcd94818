"""A deployed stack: the outputs of the Pulumi program, as `contradance.operate` reads them."""

from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

FunctionKind = Literal["subscriber", "route", "schedule", "sweeper", "ingress"]
"""Kinds of a deployed function; the last two are contradance's own functions."""

OUTPUT: Final = "deployed"
"""Name of the stack output with a `Deployed`."""

SWEEPER: Final = "contradance.sweeper"
INGRESS: Final = "contradance.ingress"
"""Names of contradance's own functions."""


class DeployedFunction(BaseModel):
    """One deployed function: its Lambda function, rule, queues and alarms."""

    model_config = ConfigDict(alias_generator=to_camel, extra="ignore", frozen=True, populate_by_name=True)

    kind: FunctionKind
    function_name: str
    """Name of the Lambda function."""
    deployed_name: str = ""
    """The name of its resources, where `deployed_as=` pins an earlier one; else empty."""
    schedule: str | None = None
    """Everything of its schedule that an update may change, as text; None without a schedule."""
    log_group: str
    bus: str | None = None
    """The bus of its rule, by the name in the declarations; None for the application's own."""
    rule_name: str | None = None
    rule_arn: str | None = None
    queue_url: str | None = None
    """The queue between rule and function; None for direct delivery."""
    dead_letter_queue_url: str | None = None
    """None for a route."""
    paused: bool = False
    """Whether the configuration disables its rule or its schedule."""
    stopped: bool = False
    """Whether the configuration makes Lambda not run it."""
    alarms: tuple[str, ...] = ()
    """Names of its CloudWatch alarms."""


class DeployedTable(BaseModel):
    """One deployed table of the application."""

    model_config = ConfigDict(alias_generator=to_camel, extra="ignore", frozen=True, populate_by_name=True)

    table_name: str
    """Name of the table in DynamoDB."""
    sorted: bool
    """Whether it has a sort key."""
    key: tuple[str, ...] = ()
    """Names of its key fields; empty after a deployment by an older version."""


class DeployedBus(BaseModel):
    """One bus that functions consume from."""

    model_config = ConfigDict(alias_generator=to_camel, extra="ignore", frozen=True, populate_by_name=True)

    name: str
    arn: str
    archive_name: str | None = None
    archive_arn: str | None = None
    """None without an archive that the stack knows."""
    archive_days: int | None = None
    """How long this stack's archive keeps the bus's events; None without one, and after an older version."""


class Deployed(BaseModel):
    """One deployed stack."""

    model_config = ConfigDict(alias_generator=to_camel, extra="ignore", frozen=True, populate_by_name=True)

    app: str
    """Name of the choreography."""
    stack: str | None = None
    """Name of the stack; None, here and below, after a deployment by an older version."""
    account: str
    region: str
    bus_name: str
    bus_arn: str
    archive_name: str | None = None
    archive_arn: str | None = None
    """The archive of the bus, also of another stack's; None where that one is not known."""
    archive_days: int | None = None
    """How long the bus's archive keeps events."""
    log_days: int | None = None
    """How long CloudWatch keeps the logs."""
    protect: bool | None = None
    """Whether Pulumi protects or retains what holds data."""
    point_in_time_recovery: bool | None = None
    """Whether tables are restorable to any second of the last 35 days."""
    once_table: str | None = None
    """Name in DynamoDB of the table of once-records."""
    once_days: float | None = None
    """Shortest time that a function's once-records are kept."""
    api_url: str | None = None
    fingerprint: str
    """Fingerprint of the deployed choreography: see `contradance.fingerprint`."""
    alarms: tuple[str, ...] = ()
    """Names of the stack's own CloudWatch alarms."""
    contracts: dict[str, dict[str, Any]] = {}
    """Frozen schemas of the stack's contracts by identity, `library.loans/BookLent v1`: `contradance.schemas.promised`."""
    tables: dict[str, DeployedTable] = {}
    """Tables by their deployed names."""
    functions: dict[str, DeployedFunction]
    """Functions by name, `loans.remind_reader`, with contradance's own."""
    buses: dict[str, DeployedBus] = {}
    """The buses of events of others beside the application's own, by their names in the declarations."""

    def bus_of(self, function: str) -> DeployedBus:
        """Return the bus of a function's rule, by default the application's own; KeyError for an unknown function."""
        name = self.functions[function].bus
        if name is not None and name in self.buses:
            return self.buses[name]
        return self.own_bus

    @property
    def own_bus(self) -> DeployedBus:
        """The application's own bus, which another stack may own."""
        return DeployedBus(
            name=self.bus_name, arn=self.bus_arn, archive_name=self.archive_name, archive_arn=self.archive_arn
        )
