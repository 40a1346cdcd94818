"""Checks that a stack's configuration and its choreography agree, before any resource is created."""

from collections.abc import Iterable, Iterator
from datetime import timedelta
from difflib import get_close_matches
from typing import Final

from contradance.choreography import Choreography
from contradance.errors import DeclarationError, InvalidStack
from contradance.function import AnyFunction
from contradance.httproute import Route
from contradance.infra.config import StackConfig
from contradance.infra.planning.function import SHORTEST_MEMORY
from contradance.settings import Secret, Setting

LONGEST_ROUTE: Final = timedelta(seconds=30)
"""Longest time that API Gateway waits for an answer. Quota of HTTP APIs."""
LEAST_POLLERS: Final = 2
"""Lowest maximum concurrency of a queue's polling. Lambda API, ScalingConfig."""

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
    """Refuse a configuration that does not fit the functions that the stack deploys.

    Raises:
        InvalidStack: the message lists every wrong key, and the fix of each.
    """
    deployed = tuple(functions)
    found = [
        *_services(choreography, config),
        *_settings(choreography, config, stack),
        *_secrets(choreography, deployed, config, stack),
        *_overrides(choreography, deployed, config, stack),
        *_memory(deployed, config, stack),
        *_ingress(choreography, config, registry),
        *_routes(deployed),
    ]
    if found:
        raise InvalidStack(f"stack {stack!r} does not fit {choreography.name!r}:\n" + "\n".join(found))


def _services(choreography: Choreography, config: StackConfig) -> Iterator[str]:
    for service in config.services or ():
        if service not in choreography.services:
            yield (
                f"  services names {service!r}, which is not a service.\n"
                f"  Fix: name one of {', '.join(choreography.services)}."
            )


def _settings(choreography: Choreography, config: StackConfig, stack: str) -> Iterator[str]:
    """Check settings against all functions: a stack that deploys some services may configure the others too."""
    links = [use for function in choreography.functions.values() for use in function.uses]
    known = {use.name: use for use in links if isinstance(use, Setting)}
    for name, text in sorted(config.settings.items()):
        setting = known.get(name)
        if setting is None:
            yield (
                f"  settings.{name}: no function uses it.{_nearest(name, known)}\n"
                f"  Fix: pulumi config rm --stack {stack} --path 'settings.{name}'"
            )
            continue
        try:
            setting.parse(text)
        except DeclarationError as error:
            problem = str(error).partition("\n")[0]
            yield f"  settings.{name}: {problem}\n  Fix: pulumi config set --stack {stack} --path 'settings.{name}' <value>"


def _secrets(
    choreography: Choreography, functions: tuple[AnyFunction, ...], config: StackConfig, stack: str
) -> Iterator[str]:
    links = [use for function in choreography.functions.values() for use in function.uses]
    known = {use.name for use in links if isinstance(use, Secret)}
    needed = {use.name: function for function in functions for use in function.uses if isinstance(use, Secret)}
    for name in sorted(config.secrets - known):
        yield (
            f"  secrets.{name}: no function uses it.{_nearest(name, known)}\n"
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
            f"  Fix: pulumi config set --stack {stack} --secret --path 'secrets.{name}' <value>"
        )


def _overrides(
    choreography: Choreography, functions: tuple[AnyFunction, ...], config: StackConfig, stack: str
) -> Iterator[str]:
    for name in sorted(config.functions.keys() - choreography.functions.keys()):
        yield (
            f"  functions.{name} is not a function.{_nearest(name, choreography.functions)}\n"
            f"  Fix: pulumi config rm --stack {stack} --path 'functions[\"{name}\"]'"
        )
    for function in functions:
        override = config.functions.get(function.name)
        concurrency = (override and override.concurrency) or function.limits.concurrency
        if function.delivery == "queue" and concurrency is not None and concurrency < LEAST_POLLERS:
            yield (
                f"  {function.name} is behind a queue and has concurrency 1. Lambda polls more than one batch at a time, and "
                "events that it then cannot run would become dead letters without an attempt.\n"
                f"  Fix: pulumi config set --stack {stack} --path 'functions[\"{function.name}\"].concurrency' 2"
            )


def _memory(functions: tuple[AnyFunction, ...], config: StackConfig, stack: str) -> Iterator[str]:
    """Refuse once-records that expire before their event can come back: the event would be handled twice."""
    if config.remember_days is None or not functions:
        return
    slowest = max(functions, key=lambda function: function.retry.max_age)
    least = max(config.archive_retention, SHORTEST_MEMORY) + slowest.retry.max_age
    if timedelta(days=config.remember_days) < least:
        days = least / timedelta(days=1)
        yield (
            f"  rememberDays is {config.remember_days:g}, but an event can come back for {days:g} days: the archive keeps "
            f"it for {config.archive_days}, a dead letter queue for {SHORTEST_MEMORY.days}, and {slowest.name} retries "
            f"for {slowest.retry.max_age} more. The event would be handled twice.\n"
            f"  Fix: pulumi config rm --stack {stack} rememberDays"
        )


def _ingress(choreography: Choreography, config: StackConfig, registry: str | None) -> Iterator[str]:
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
                f"{_nearest(detail_type, known)}\n  Fix: name a detail-type of the registry."
            )
        elif len(sources) > 1:
            yield (
                f"  ingress names {detail_type!r}, which is ambiguous: {' and '.join(sorted(sources))} both publish it.\n"
                "  Fix: leave it out."
            )


def _routes(functions: tuple[AnyFunction, ...]) -> Iterator[str]:
    for function in functions:
        if isinstance(function.trigger, Route) and function.limits.timeout > LONGEST_ROUTE:
            yield (
                f"  {function.name} may take {function.limits.timeout}, but API Gateway waits {LONGEST_ROUTE} for "
                f"{function.trigger.key}.\n  Fix: give it timeout=timedelta(seconds=30) or less."
            )


def _nearest(name: str, known: Iterable[str]) -> str:
    close = get_close_matches(name, list(known), n=1)
    return f" Is it {close[0]!r}?" if close else ""
