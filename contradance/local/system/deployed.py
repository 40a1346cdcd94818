"""Describes the laptop in the form in which the Pulumi program describes a stack."""

from typing import Final

from contradance.choreography import AnyFunction, Choreography
from contradance.deployed import Deployed, DeployedBus, DeployedFunction, FunctionKind
from contradance.function import Schedule
from contradance.httproute import Route
from contradance.local.names import (
    ACCOUNT,
    REGION,
    archive_arn,
    archive_name,
    aws_name,
    bus_arn,
    dead_letter_queue,
    queue_url,
    rule_arn,
)
from contradance.subscription import Subscription

_FINGERPRINT: Final = "laptop"
"""A constant: the laptop runs the code itself, so deployed code and code never differ."""


def deployed(choreography: Choreography, url: str) -> Deployed:
    """Return the description of the laptop that serves `choreography` at `url`."""
    bus = choreography.name
    return Deployed(
        app=bus,
        account=ACCOUNT,
        region=REGION,
        bus_name=bus,
        bus_arn=bus_arn(bus),
        archive_name=archive_name(bus),
        archive_arn=archive_arn(bus),
        api_url=url,
        fingerprint=_FINGERPRINT,
        buses={one: _bus(one) for one in choreography.buses},
        functions={name: _function(bus, function, url) for name, function in choreography.functions.items()},
    )


def _bus(name: str) -> DeployedBus:
    """Return the description of a bus beside the application's own; the laptop archives what its rules match."""
    return DeployedBus(name=name, arn=bus_arn(name), archive_name=archive_name(name), archive_arn=archive_arn(name))


def _function(bus: str, function: AnyFunction, url: str) -> DeployedFunction:
    """Return the description of one function: its kind, its rule if it subscribes, and its queues."""
    name = aws_name(function.name)
    other = function.trigger.bus if isinstance(function.trigger, Subscription) else None
    kind: FunctionKind = "subscriber"
    if isinstance(function.trigger, Route | Schedule):
        kind = "route" if isinstance(function.trigger, Route) else "schedule"
    return DeployedFunction(
        kind=kind,
        function_name=name,
        log_group=f"/aws/lambda/{name}",
        bus=other,
        rule_name=name if kind == "subscriber" else None,
        rule_arn=rule_arn(other or bus, function.name) if kind == "subscriber" else None,
        queue_url=queue_url(url, name) if function.delivery == "queue" else None,
        dead_letter_queue_url=None if kind == "route" else queue_url(url, dead_letter_queue(function.name)),
    )
