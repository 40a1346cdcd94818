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
from contradance.lint.path import backwards, followers, reached
from contradance.settings import Secret
from contradance.table import Grant


def uncompensated(choreography: Choreography) -> Iterator[LintFinding]:
    """Yield a finding for each function that acts before a failure of which its service consumes no consequence."""
    edges = followers(choreography)
    sources = backwards(edges)
    compensating = failure_path(choreography).functions
    acting = {one.name: place for place, one in enumerate(choreography.functions.values()) if _acts(one)}
    for publisher in choreography.functions.values():
        failures = [contract for contract in publisher.publishes if contract.failure]
        if not failures or publisher.name in compensating:
            continue  # it compensates for an earlier failure
        before = sorted(acting.keys() & reached(sources, {publisher.name}), key=acting.__getitem__)
        for contract in failures:
            consumers = {*choreography.receivers(contract)}
            after = consumers | reached(edges, consumers)
            informed = {publisher.service, *(choreography.functions[name].service for name in after)}
            for function in map(choreography.functions.__getitem__, before):
                if function.service not in informed:
                    yield _uncompensated(function, publisher, contract)


def _uncompensated(function: AnyFunction, publisher: AnyFunction, contract: type[Contract]) -> LintFinding:
    """Return the finding that nothing undoes what `function` does before `publisher` publishes the failure."""
    return LintFinding(
        "uncompensated",
        f"{contract.identity} {function.name}",
        f"{function.name} acts before {publisher.name} publishes {contract.identity}, and no function of "
        f"{function.service} consumes that event, or one that follows from it.",
        "Nothing undoes what it did, so the data of the two services contradict each other.",
        f"contradance create subscriber NAME --service {function.service} --on {contract.__name__}",
    )


def _acts(function: AnyFunction) -> bool:
    """Whether a function links a table to write, or a secret, with which it may call another system."""
    return any(isinstance(use, Secret) or (isinstance(use, Grant) and use.access == "write") for use in function.uses)
