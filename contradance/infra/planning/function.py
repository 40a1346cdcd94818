"""The plan of one Lambda function: names, limits, environment and permissions."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from contradance.deployed import FunctionKind
from contradance.function import AnyFunction
from contradance.infra.config import Override, StackConfig
from contradance.infra.planning import grants, naming
from contradance.infra.planning.buses import ForeignBusPlan
from contradance.infra.planning.site import BusPlan, Site
from contradance.infra.planning.statement import Statement, canonical
from contradance.retry import QUEUE_RETENTION
from contradance.runtime.aws import variable_names
from contradance.settings import Setting

_AS_DECLARED: Final = Override()


@dataclass(frozen=True, slots=True)
class FunctionPlan:
    """One Lambda function, its log group and its role."""

    name: str
    """`service.handler`; also the key of its package."""
    identity: str
    """Its deployed name, which names its resources: `name`, unless `deployed_as=` pins an earlier one."""
    kind: FunctionKind
    service: str
    lambda_name: str
    arn: str
    role_name: str
    log_group: str
    handler: str
    timeout: int
    """In seconds."""
    memory: int
    """In MB."""
    concurrency: int | None
    stopped: bool
    """Whether Lambda never runs it: its reserved concurrency is 0."""
    tracing: bool
    environment: Mapping[str, str]
    """Without the URL of the dead letter queue, which is known only after deployment."""
    statements: tuple[Statement, ...]
    tags: Mapping[str, str]


@dataclass(frozen=True)
class Setup:
    """Facts of one stack that all its functions share."""

    site: Site
    bus: BusPlan
    names: naming.Names
    config: StackConfig
    once_table: str
    """Name of the table of once-records in DynamoDB."""
    tables: Mapping[str, str]
    """Names in DynamoDB by table, `service.table`."""
    secrets: Mapping[str, str]
    """Names in SSM by secret."""
    buses: Mapping[str, ForeignBusPlan]
    """The buses of events of others, by their names in the declarations."""

    def name(self, kind: naming.ResourceKind, function: str, suffix: str = "") -> str:
        """Return the name in AWS of a function's resource; `function` is the deployed name."""
        return self.names.name(kind, *function.split("."), suffix=suffix)

    def tags(self, service: str | None = None, function: str | None = None) -> dict[str, str]:
        """Return the configured tags, with app and stack, and with service and function when they are given."""
        own = {"app": self.site.app, "stack": self.site.stack, "service": service, "function": function}
        return {**self.config.tags, **{key: value for key, value in own.items() if value}}

    def is_paused(self, service: str) -> bool:
        """Whether the configuration pauses or stops a service: its rules and schedules are disabled."""
        paused = self.config.paused
        return self.is_stopped(service) or (paused if isinstance(paused, bool) else service in paused)

    def is_stopped(self, service: str) -> bool:
        """Whether the configuration stops a service: its functions do not run, and its queues are not polled."""
        return service in self.config.stopped

    def once_record_seconds(self, max_age: timedelta) -> int:
        """Return the lifetime of a once-record: as configured, else as long as its event can come back."""
        least = max(self.config.archive_retention, QUEUE_RETENTION) + max_age
        asked = self.config.remember_days
        return int((timedelta(days=asked) if asked else least).total_seconds())

    def plan_function(self, function: AnyFunction, kind: FunctionKind, extra: Iterable[Statement] = ()) -> FunctionPlan:
        """Return the plan of a function of the application, with the permissions of its links and those in `extra`."""
        settings = {
            use.variable: self.config.settings[use.name]
            for use in function.uses
            if isinstance(use, Setting) and use.name in self.config.settings
        }
        used = grants.linked_tables(function)
        secrets = {name: self.secrets[name] for name in grants.linked_secrets(function)}
        variables = {
            variable_names.FUNCTION: f"{function.handler.__module__}:{function.handler.__name__}",
            variable_names.REMEMBER_SECONDS: str(self.once_record_seconds(function.retry.max_age)),
            **settings,
        }
        if used:
            variables[variable_names.TABLES] = canonical({use.table: self.tables[use.table] for use in used})
        if secrets:
            variables[variable_names.SECRETS] = canonical(secrets)
        statements = [
            *grants.publishing(self.bus, function.publishes),
            *(
                [grants.remembering(self.site, self.once_table, function.deployed_name)]
                if grants.remembers(function)
                else []
            ),
            *grants.using_tables(self.site, used, self.tables),
            *grants.reading_secrets(self.site, secrets.values(), self.config.secrets_key),
            *extra,
        ]
        override = self.config.functions.get(function.name, _AS_DECLARED)
        return self.function(
            function.name,
            kind,
            variable_names.HANDLER,
            variables,
            statements,
            timeout=int(function.invocation_timeout.total_seconds()),
            memory=override.memory or function.limits.memory,
            concurrency=override.concurrency or function.limits.concurrency,
            stopped=self.is_stopped(function.service),
            identity=function.deployed_name,
        )

    def function(
        self,
        name: str,
        kind: FunctionKind,
        handler: str,
        variables: Mapping[str, str],
        statements: Iterable[Statement],
        *,
        timeout: int,
        memory: int,
        concurrency: int | None = None,
        stopped: bool = False,
        identity: str | None = None,
    ) -> FunctionPlan:
        """Return the plan of any function, also of contradance's own; `variables` and `statements` are beside all's."""
        service, identity = name.partition(".")[0], identity or name
        lambda_name = self.name("function", identity)
        log_group = f"/aws/lambda/{lambda_name}"
        tracing = self.config.tracing
        return FunctionPlan(
            name=name,
            identity=identity,
            kind=kind,
            service=service,
            lambda_name=lambda_name,
            arn=self.site.arn("lambda", f"function:{lambda_name}"),
            role_name=self.name("role", identity),
            log_group=log_group,
            handler=handler,
            timeout=timeout,
            memory=memory,
            concurrency=concurrency,
            stopped=stopped,
            tracing=tracing,
            environment={
                variable_names.BUS: self.bus.arn,
                variable_names.ONCE_TABLE: self.once_table,
                "POWERTOOLS_SERVICE_NAME": service,
                "POWERTOOLS_METRICS_NAMESPACE": self.site.app,
                "POWERTOOLS_LOG_LEVEL": self.config.log_level,
                **variables,
            },
            statements=(
                grants.logging(self.site, log_group),
                *statements,
                *([grants.tracing()] if tracing else []),
            ),
            tags=self.tags(identity.partition(".")[0], identity),
        )
