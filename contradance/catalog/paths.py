"""The failure path of a choreography: the events and functions that occur only after a failure event."""

from dataclasses import dataclass

from contradance.choreography import Choreography
from contradance.contract import Contract


@dataclass(frozen=True, slots=True)
class FailurePath:
    """Contracts and functions that are only on a failure path."""

    contracts: frozenset[type[Contract]]
    functions: frozenset[str]


def failure_path(choreography: Choreography) -> FailurePath:
    """Return the failure path: the events marked `failure=True`, and everything that only they lead to."""
    contracts = {contract for contract in choreography.contracts if contract.failure}
    functions: set[str] = set()
    grew = True
    while grew:
        before = len(contracts) + len(functions)
        for function, subscription in choreography.subscriptions:
            if not subscription.foreign and all(contract in contracts for contract in subscription.contracts):
                functions.add(function.name)
        for contract in choreography.contracts:
            publishers = choreography.publishers(contract)
            if publishers and all(publisher.name in functions for publisher in publishers):
                contracts.add(contract)
        grew = len(contracts) + len(functions) > before
    return FailurePath(frozenset(contracts), frozenset(functions))
