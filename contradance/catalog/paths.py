"""The failure path of a choreography: the events and functions that occur only after a failure event."""

from dataclasses import dataclass

from contradance.choreography import Choreography
from contradance.contract import Contract
from contradance.subscription import Subscription


@dataclass(frozen=True, slots=True)
class FailurePath:
    """Contracts and functions that are only on a failure path."""

    contracts: frozenset[type[Contract]]
    functions: frozenset[str]


def failure_path(choreography: Choreography) -> FailurePath:
    """Return the failure path: the events marked `failure=True`, and everything that only they lead to."""
    contracts = {contract for contract in choreography.contracts if contract.failure}
    functions: set[str] = set()
    waiting = [*contracts]
    while waiting:
        for function in choreography.consumers(waiting.pop()):
            consumed = function.trigger.events if isinstance(function.trigger, Subscription) else ()
            if function.name in functions or not contracts.issuperset(consumed):
                continue
            functions.add(function.name)
            for contract in (rendering for event in function.publishes for rendering in event.renderings()):
                publishers = {publisher.name for publisher in choreography.publishers(contract)}
                if contract not in contracts and functions >= publishers:
                    contracts.add(contract)
                    waiting.append(contract)
    return FailurePath(frozenset(contracts), frozenset(functions))
