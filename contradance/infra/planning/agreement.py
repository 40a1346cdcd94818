"""Checks that a stack's configuration and its choreography agree, before any resource is created."""

from collections.abc import Iterable, Iterator
from datetime import timedelta
from difflib import get_close_matches
from typing import Final

from contradance.choreography import Choreography
from contradance.errors import DeclarationError, InvalidStack
from contradance.function import AnyFunction
from contradance.httproute import LONGEST_WAIT, Route
from contradance.infra.config import StackConfig
from contradance.retry import QUEUE_RETENTION
from contradance.settings import Secret, Setting
from contradance.subscription import Subscription

LEAST_POLLERS: Final = 2
"""Smallest value that Lambda accepts for `MaximumConcurrency` of a queue. Lambda API, ScalingConfig."""

KEPT_FOR_AWS: Final = ("aws", "ssm")
"""Reserved prefixes of parameter names, in upper or lower case. SSM API, PutParameter."""


def check_agreement(
    choreography: Choreography,
    functions: Iterable[AnyFunction],
    config: StackConfig,
    *,
    stack: str,
    registry: str | None,
) -> None:
    """Raise `InvalidStack` when a configuration does not fit the choreography or the functions that the stack deploys.

    Raises:
        InvalidStack: the message lists every wrong key, and the fix of each.
    """
    deployed = tuple(functions)
    found = [
        *_wrong_services(choreography, config),
        *_wrong_paused(deployed, config, stack),
        *_wrong_settings(choreography, config, stack),
        *_wrong_secrets(choreography, deployed, config, stack),
        *_wrong_overrides(choreography, deployed, config, stack),
        *_short_once_records(deployed, config, stack),
        *_wrong_ingress(choreography, config, registry),
        *_slow_routes(deployed),
    ]
    if found:
        raise InvalidStack(f"stack {stack!r} does not fit {choreography.name!r}:\n" + "\n".join(found))


def _wrong_services(choreography: Choreography, config: StackConfig) -> Iterator[str]:
    """Yield a problem for each configured service that the choreography does not have."""
    for service in config.services or ():
        if service not in choreography.services:
            yield (
                f"  services names {service!r}, which is not a service.\n"
                f"  Fix: name one of {', '.join(choreography.services)}."
            )


def _wrong_paused(functions: tuple[AnyFunction, ...], config: StackConfig, stack: str) -> Iterator[str]:
    """Yield a problem for each paused or stopped service that the stack does not deploy."""
    services = {function.service for function in functions}
    paused = () if isinstance(config.paused, bool) else config.paused
    for key, named in (("paused", paused), ("stopped", config.stopped)):
        for position, service in enumerate(named):
            if service not in services:
                yield (
                    f"  {key} names {service!r}, which is not a service of this stack.{_nearest_name(service, services)}\n"
                    f"  Fix: pulumi config rm --stack {stack} --path '{key}[{position}]'"
                )


def _wrong_settings(choreography: Choreography, config: StackConfig, stack: str) -> Iterator[str]:
    """Yield a problem for each setting that no function of any service uses, or whose value is not valid.

    Settings are checked against the functions of all services, because a stack may also configure services that
    it does not deploy.
    """
    links = [use for function in choreography.functions.values() for use in function.uses]
    known = {use.name: use for use in links if isinstance(use, Setting)}
    for name, text in sorted(config.settings.items()):
        setting = known.get(name)
        if setting is None:
            yield (
                f"  settings.{name}: no function uses it.{_nearest_name(name, known)}\n"
                f"  Fix: pulumi config rm --stack {stack} --path 'settings.{name}'"
            )
            continue
        try:
            setting.parse(text)
        except DeclarationError as error:
            problem = str(error).partition("\n")[0]
            yield f"  settings.{name}: {problem}\n  Fix: pulumi config set --stack {stack} --path 'settings.{name}' VALUE"


def _wrong_secrets(
    choreography: Choreography, functions: tuple[AnyFunction, ...], config: StackConfig, stack: str
) -> Iterator[str]:
    """Yield a problem for each unused and each missing secret, and for a choreography's name that SSM reserves."""
    links = [use for function in choreography.functions.values() for use in function.uses]
    known = {use.name for use in links if isinstance(use, Secret)}
    needed = {use.name: function for function in functions for use in function.uses if isinstance(use, Secret)}
    for name in sorted(config.secrets - known):
        yield (
            f"  secrets.{name}: no function uses it.{_nearest_name(name, known)}\n"
            f"  Fix: pulumi config rm --stack {stack} --path 'secrets.{name}'"
        )
    if needed and choreography.name.lower().startswith(KEPT_FOR_AWS):
        yield (
            f"  {choreography.name!r} has secrets, but a parameter in SSM cannot begin with {' or '.join(KEPT_FOR_AWS)}.\n"
            "  Fix: give the choreography another name."
        )
    for name in sorted(needed.keys() - config.secrets):
        yield (
            f"  secrets.{name} is missing; {needed[name].name} uses it.\n"
            f"  Fix: pulumi config set --stack {stack} --secret --path 'secrets.{name}' VALUE"
        )


def _wrong_overrides(
    choreography: Choreography, functions: tuple[AnyFunction, ...], config: StackConfig, stack: str
) -> Iterator[str]:
    """Yield a problem for each override of an unknown function, and for concurrency 1 of a function with a queue."""
    for name in sorted(config.functions.keys() - choreography.functions.keys()):
        yield (
            f"  functions.{name} is not a function.{_nearest_name(name, choreography.functions)}\n"
            f"  Fix: pulumi config rm --stack {stack} --path 'functions[\"{name}\"]'"
        )
    for function in functions:
        override = config.functions.get(function.name)
        concurrency = (override and override.concurrency) or function.limits.concurrency
        has_queue = isinstance(function.trigger, Subscription) and function.trigger.has_queue
        if has_queue and concurrency is not None and concurrency < LEAST_POLLERS:
            yield (
                f"  {function.name} has a queue and concurrency 1. Lambda polls more than one batch at a time, and "
                "events that it then cannot run would become dead letters without an attempt.\n"
                f"  Fix: pulumi config set --stack {stack} --path 'functions[\"{function.name}\"].concurrency' 2"
            )


def _short_once_records(functions: tuple[AnyFunction, ...], config: StackConfig, stack: str) -> Iterator[str]:
    """Yield a problem for a `rememberDays` that is too short: a replayed or redriven event could be consumed twice."""
    if config.remember_days is None or not functions:
        return
    slowest = max(functions, key=lambda function: function.retry.max_age)
    least = max(config.archive_retention, QUEUE_RETENTION) + slowest.retry.max_age
    if timedelta(days=config.remember_days) < least:
        days = least / timedelta(days=1)
        yield (
            f"  rememberDays is {config.remember_days:g}, but an event can come back for {days:g} days: the archive keeps "
            f"it for {config.archive_retention.days}, a dead letter queue for {QUEUE_RETENTION.days}, and {slowest.name} retries "
            f"for {slowest.retry.max_age} more. The event would be handled twice.\n"
            f"  Fix: pulumi config rm --stack {stack} rememberDays"
        )


def _wrong_ingress(choreography: Choreography, config: StackConfig, registry: str | None) -> Iterator[str]:
    """Yield a problem for an ingress without a registry, and for each detail-type that is unknown or ambiguous."""
    if config.ingress and registry is None:
        yield (
            "  ingress is set, but the project does not name its registry of contracts.\n"
            '  Fix: add to [tool.contradance] in pyproject.toml: contracts = "library_contracts.registry:registry"'
        )
    known = {contract.identity.detail_type for contract in choreography.contracts}
    for detail_type in config.ingress:
        sources = {contract.identity.source for contract in choreography.contracts.named(detail_type)}
        if not sources:
            yield (
                f"  ingress names {detail_type!r}, which is not in the registry {choreography.contracts.name!r}."
                f"{_nearest_name(detail_type, known)}\n  Fix: name a detail-type of the registry."
            )
        elif len(sources) > 1:
            yield (
                f"  ingress names {detail_type!r}, which is ambiguous: {' and '.join(sorted(sources))} both publish it.\n"
                "  Fix: leave it out."
            )


def _slow_routes(functions: tuple[AnyFunction, ...]) -> Iterator[str]:
    """Yield a problem for each route whose timeout is longer than API Gateway waits."""
    for function in functions:
        if isinstance(function.trigger, Route) and function.limits.timeout > LONGEST_WAIT:
            yield (
                f"  {function.name} may take {function.limits.timeout}, but API Gateway waits {LONGEST_WAIT} for "
                f"{function.trigger.key}.\n  Fix: give it timeout=timedelta(seconds=30) or less."
            )


def _nearest_name(name: str, known: Iterable[str]) -> str:
    """Return a question with the known name that is most similar to `name`; empty text when none is similar."""
    close = get_close_matches(name, list(known), n=1)
    return f" Is it {close[0]!r}?" if close else ""
