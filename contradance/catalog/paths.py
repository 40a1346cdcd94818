"""Which parts of a choreography lie on the failure path: what is reached only after something was refused or undone."""

from dataclasses import dataclass

from contradance.choreography import Choreography
from contradance.contract import Contract


@dataclass(frozen=True, slots=True)
class FailurePath:
    """Events and functions that the happy path never touches."""

    contracts: frozenset[type[Contract]]
    functions: frozenset[str]


def failure_path(choreography: Choreography) -> FailurePath:
    """Follow the events marked `failure=True`: whatever only they lead to lies on the failure path too."""
    contracts = {contract for contract in choreography.contracts if contract.failure}
    functions: set[str] = set()
    grew = True
    while grew:
        before = len(contracts) + len(functions)
        for function, subscription in choreography.subscriptions:
            if all(contract in contracts for contract in subscription.contracts):
                functions.add(function.name)
        for contract in choreography.contracts:
            publishers = choreography.publishers(contract)
            if publishers and all(publisher.name in functions for publisher in publishers):
                contracts.add(contract)
        grew = len(contracts) + len(functions) > before
    return FailurePath(frozenset(contracts), frozenset(functions))
