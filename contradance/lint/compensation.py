"""Failures after which an earlier action is not undone.

A function publishes a failure (an event marked `failure=True`) after functions of other services, earlier in the same
flow, have acted: written a table, or used a secret to call another system. Each of those services should consume the
failure, or an event that follows from it; otherwise nothing undoes its action.
"""

from collections.abc import Iterator

from contradance.catalog.paths import failure_path
from contradance.choreography import AnyFunction, Choreography
from contradance.contract import Contract
from contradance.lint.finding import LintFinding
from contradance.lint.path import followers, reached
from contradance.settings import Secret
from contradance.table import Grant


def uncompensated(choreography: Choreography) -> Iterator[LintFinding]:
    """Find services that acted before a failure and do not consume it."""
    edges = followers(choreography)
    compensating = failure_path(choreography).functions
    for publisher in choreography.functions.values():
        if publisher.name in compensating:
            continue  # it compensates for an earlier failure
        before = [one for one in choreography.functions.values() if publisher.name in reached(edges, one.name)]
        for contract in publisher.publishes:
            if contract.failure:
                yield from _not_informed(choreography, publisher, contract, before)


def _not_informed(
    choreography: Choreography, publisher: AnyFunction, contract: type[Contract], before: list[AnyFunction]
) -> Iterator[LintFinding]:
    informed = _informed_services(choreography, contract)
    for function in before:
        if function.service not in {publisher.service, *informed} and _acts(function):
            yield LintFinding(
                "uncompensated",
                f"{contract.identity} {function.name}",
                f"{function.name} acts before {publisher.name} publishes {contract.identity}, and no function of "
                f"{function.service} consumes that event, or one that follows from it.",
                "Nothing undoes what it did, so the data of the two services contradict each other.",
                f"contradance create subscriber NAME --service {function.service} --on {contract.__name__}",
            )


def _informed_services(choreography: Choreography, contract: type[Contract]) -> set[str]:
    """Return the services that consume the event, or one that follows from it."""
    edges = followers(choreography)
    consumers = {one.name for one in choreography.consumers(contract)}
    names = consumers.union(*(reached(edges, one) for one in consumers))
    return {choreography.functions[name].service for name in names}


def _acts(function: AnyFunction) -> bool:
    return any(isinstance(use, Secret) or (isinstance(use, Grant) and use.access == "write") for use in function.uses)
