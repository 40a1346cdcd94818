"""Failures after which something stays done that should be undone.

A function refuses (it publishes an event marked `failure=True`) after functions of other services have acted on the way
to it: written a table, or called outside with a secret. Each of those services should hear of it, directly or by what
follows, or what it did stays done.
"""

from collections.abc import Iterator

from contradance.catalog.paths import failure_path
from contradance.choreography import AnyFunction, Choreography
from contradance.contract import Contract
from contradance.lint.finding import Finding
from contradance.lint.path import followers, reached
from contradance.settings import Secret
from contradance.table import Grant


def uncompensated(choreography: Choreography) -> Iterator[Finding]:
    """Find services that acted before a failure, and do not hear of it."""
    edges = followers(choreography)
    undoing = failure_path(choreography).functions
    for publisher in choreography.functions.values():
        if publisher.name in undoing:
            continue  # it undoes something itself
        before = [one for one in choreography.functions.values() if publisher.name in reached(edges, one.name)]
        for contract in publisher.publishes:
            if contract.failure:
                yield from _unheard_by(choreography, publisher, contract, before)


def _unheard_by(
    choreography: Choreography, publisher: AnyFunction, contract: type[Contract], before: list[AnyFunction]
) -> Iterator[Finding]:
    hearing = _hearing(choreography, contract)
    for function in before:
        if function.service not in {publisher.service, *hearing} and _acts(function):
            yield Finding(
                "uncompensated",
                f"{contract.identity} {function.name}",
                f"{function.name} has acted when {publisher.name} publishes {contract.identity}, and no function of "
                f"{function.service} consumes that, or what follows from it.",
                "What was done stays done: nobody undoes it, and the two services disagree.",
                f"contradance create subscriber NAME --service {function.service} --on {contract.__name__}",
            )


def _hearing(choreography: Choreography, contract: type[Contract]) -> set[str]:
    """Return the services that consume an event, or what follows from it."""
    edges = followers(choreography)
    consumers = {one.name for one in choreography.consumers(contract)}
    names = consumers.union(*(reached(edges, one) for one in consumers))
    return {choreography.functions[name].service for name in names}


def _acts(function: AnyFunction) -> bool:
    return any(isinstance(use, Secret) or (isinstance(use, Grant) and use.access == "write") for use in function.uses)
