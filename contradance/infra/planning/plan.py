"""The plan of a stack: everything that `pulumi up` creates, as pure data."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from itertools import chain

from contradance.catalog.eventbridge import RegistrySchema, registry_schema
from contradance.choreography import Choreography
from contradance.contract import Contract
from contradance.deployed import INGRESS, SWEEPER
from contradance.function import AnyFunction, Schedule
from contradance.gate import own_contracts
from contradance.httproute import Route
from contradance.infra.config import StackConfig
from contradance.infra.planning import grants
from contradance.infra.planning.agreement import check_agreement
from contradance.infra.planning.api import ApiPlan, plan_api
from contradance.infra.planning.buses import plan_buses
from contradance.infra.planning.dashboard import dashboard
from contradance.infra.planning.function import FunctionPlan, Setup
from contradance.infra.planning.naming import Names
from contradance.infra.planning.order import consumers_first
from contradance.infra.planning.site import BusPlan, Site
from contradance.infra.planning.statement import canonical
from contradance.infra.planning.table import TablePlan, deployed_tables, plan_tables
from contradance.infra.planning.trigger import (
    RoutePlan,
    SchedulePlan,
    SubscriberPlan,
    plan_route,
    plan_schedule,
    plan_subscriber,
    plan_sweeper,
    scheduler_trust,
)
from contradance.runtime.aws import variable_names
from contradance.subscription import Subscription

Workload = SubscriberPlan | RoutePlan | SchedulePlan


@dataclass(frozen=True, slots=True)
class SecretPlan:
    """One secret's parameter."""

    name: str
    parameter: str


@dataclass(frozen=True, slots=True)
class GroupPlan:
    """The schedule group of a stack."""

    name: str
    trust: str
    """Trust policy of the roles of its schedules."""


@dataclass(frozen=True, slots=True)
class DashboardPlan:
    """The stack's dashboard."""

    name: str
    body: str


@dataclass(frozen=True, slots=True)
class StackPlan:
    """The plan of one stack."""

    setup: Setup
    archive: str | None
    """Name of the archive; None when the bus belongs to another stack."""
    tables: tuple[TablePlan, ...]
    secrets: tuple[SecretPlan, ...]
    group: GroupPlan
    subscribers: tuple[SubscriberPlan, ...]
    routes: tuple[RoutePlan, ...]
    schedules: tuple[SchedulePlan, ...]
    sweeper: SchedulePlan
    api: ApiPlan | None
    layer: str
    topic: str
    dashboard: DashboardPlan | None
    registry: str
    schemas: tuple[RegistrySchema, ...]
    consumers: Mapping[str, tuple[str, ...]]
    """The subscribers that are deployed before a function, because they consume what it publishes: by its name."""

    @property
    def once_days(self) -> float:
        """The shortest time that a function's once-records are kept."""
        kept = (one.environment.get(variable_names.REMEMBER_SECONDS) for one in self.functions)
        return min(int(seconds) for seconds in kept if seconds) / timedelta(days=1).total_seconds()

    @property
    def functions(self) -> tuple[FunctionPlan, ...]:
        """The plans of all Lambda functions, contradance's own included."""
        return tuple(workload.function for workload in self.workloads)

    @property
    def workloads(self) -> tuple[Workload, ...]:
        """All functions with their triggers: subscribers, routes, schedules and the sweeper."""
        return (*self.subscribers, *self.routes, *self.schedules, self.sweeper)


def chosen(choreography: Choreography, config: StackConfig) -> tuple[AnyFunction, ...]:
    """Return the functions that a stack deploys: all, or those of the configured services."""
    return tuple(
        function
        for function in choreography.functions.values()
        if config.services is None or function.service in config.services
    )


def make_plan(
    choreography: Choreography,
    config: StackConfig,
    site: Site,
    *,
    bus: BusPlan | None = None,
    registry: str | None = None,
) -> StackPlan:
    """Return the plan of a stack; raise `InvalidStack` when its configuration does not fit the choreography.

    Args:
        choreography: the whole system; the configuration may select some of its services.
        config: the stack's configuration.
        site: the account and region.
        bus: another stack's bus; None for a bus of its own.
        registry: location of the contracts for the ingress: `library_contracts.registry:registry`.

    Raises:
        InvalidStack: configuration and choreography do not agree.
    """
    functions = chosen(choreography, config)
    check_agreement(choreography, functions, config, stack=site.stack, registry=registry)
    setup = _make_setup(functions, config, site, bus)
    names = setup.names
    subscribers = tuple(
        plan_subscriber(setup, function, function.trigger)
        for function in functions
        if isinstance(function.trigger, Subscription)
    )
    ingress = _plan_ingress(setup, choreography, registry)
    routes = (*_plan_routes(setup, functions), *ingress)
    return StackPlan(
        setup,
        names.name("archive") if setup.bus.owned else None,
        plan_tables(setup, functions),
        tuple(SecretPlan(name, parameter) for name, parameter in setup.secrets.items()),
        _plan_group(setup),
        subscribers,
        routes,
        tuple(
            plan_schedule(setup, function, function.trigger)
            for function in functions
            if isinstance(function.trigger, Schedule)
        ),
        _plan_sweeper(setup, choreography, functions),
        plan_api(setup, routes),
        names.name("layer"),
        names.name("topic", suffix="alarms"),
        DashboardPlan(names.name("dashboard"), dashboard(site, subscribers, functions)) if config.dashboard else None,
        names.name("registry"),
        tuple(map(registry_schema, choreography.contracts)) if config.schema_registry else (),
        consumers_first(
            choreography,
            {function.name: function.publishes for function in functions}
            | {route.function.name: _open_contracts(setup, choreography) for route in ingress},
        ),
    )


def _make_setup(functions: tuple[AnyFunction, ...], config: StackConfig, site: Site, bus: BusPlan | None) -> Setup:
    """Return what all functions share: names, buses, tables and secrets; with `bus` None, the stack has its own bus."""
    names = Names(site.app, site.stack)
    bus_name = names.name("bus")
    own = bus or BusPlan(bus_name, site.arn("events", f"event-bus/{bus_name}"), owned=True)
    tables = deployed_tables(functions)
    secrets = sorted({name for function in functions for name in grants.linked_secrets(function)})
    return Setup(
        site,
        own,
        names,
        config,
        once_table=names.name("table", "once"),
        tables={table: names.name("table", *deployed.split(".")) for table, deployed in tables.items()},
        secrets={name: f"/{site.app}/{site.stack}/{name}" for name in secrets},
        buses=plan_buses(functions, config, site, names, own),
    )


def _plan_group(setup: Setup) -> GroupPlan:
    """Return the plan of the schedule group, with the trust policy of the roles of its schedules."""
    name, site = setup.names.name("schedule group"), setup.site
    return GroupPlan(name, scheduler_trust(site.account, site.arn("scheduler", f"schedule-group/{name}")))


def _plan_routes(setup: Setup, functions: tuple[AnyFunction, ...]) -> list[RoutePlan]:
    """Return the plans of the routes among these functions."""
    return [
        plan_route(setup, setup.plan_function(function, "route"), function.trigger.key)
        for function in functions
        if isinstance(function.trigger, Route)
    ]


def _plan_ingress(setup: Setup, choreography: Choreography, registry: str | None) -> list[RoutePlan]:
    """Return the plan of the ingress, the route that publishes configured events; empty without it or a registry."""
    if registry is None or not setup.config.ingress:
        return []
    function = setup.function(
        INGRESS,
        "ingress",
        variable_names.INGRESS_HANDLER,
        {
            variable_names.INGRESS: canonical(sorted(setup.config.ingress)),
            variable_names.REGISTRY: registry,
        },
        list(grants.publishing(setup.bus, _open_contracts(setup, choreography))),
        timeout=10,
        memory=256,
    )
    return [plan_route(setup, function, "POST /events/{detail_type}")]


def _open_contracts(setup: Setup, choreography: Choreography) -> tuple[type[Contract], ...]:
    """Return the contracts, in all versions, of the detail-types that the ingress may publish."""
    return tuple(chain.from_iterable(map(choreography.contracts.named, setup.config.ingress)))


def _plan_sweeper(setup: Setup, choreography: Choreography, functions: tuple[AnyFunction, ...]) -> SchedulePlan:
    """Return the plan of the sweeper; it may publish every event of the services that the stack deploys."""
    services = {function.service for function in functions}
    published = {contract for function in functions for contract in function.publishes}
    own = {contract for contract in own_contracts(choreography.contracts) if contract.identity.service in services}
    longest = max((function.retry.max_age for function in functions), default=timedelta(0))
    function = setup.function(
        SWEEPER,
        "sweeper",
        variable_names.SWEEPER_HANDLER,
        {variable_names.REMEMBER_SECONDS: str(setup.once_record_seconds(longest))},
        [*grants.publishing_committed(setup.bus, published | own), *grants.sweeping(setup.site, setup.once_table)],
        timeout=50,
        memory=256,
    )
    return plan_sweeper(setup, function)
