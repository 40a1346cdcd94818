"""The order of a deployment: the subscribers of an event before the functions that publish it.

A rule matches an event when it is published. So an update that adds a subscriber, or publishes another version, first
changes the subscribers with their rules and then the code that publishes: no event falls in between.
"""

from collections.abc import Collection, Mapping

from contradance.choreography import Choreography
from contradance.contract import Contract


def consumers_first(
    choreography: Choreography, publishes: Mapping[str, Collection[type[Contract]]]
) -> dict[str, tuple[str, ...]]:
    """Return, by function, the subscribers that are deployed before it; not those in a circle with it.

    In a circle of events each function would come before itself.

    Args:
        choreography: the whole system.
        publishes: what each function that the stack deploys publishes, by its name.
    """
    after = {
        name: {consumer for contract in contracts for consumer in choreography.receivers(contract)} & publishes.keys()
        for name, contracts in publishes.items()
    }
    reached = {name: _reached(name, after) for name in after}
    return {
        name: tuple(sorted(one for one in consumers if name not in reached[one])) for name, consumers in after.items()
    }


def _reached(start: str, after: Mapping[str, Collection[str]]) -> set[str]:
    """Return the functions that events of `start` reach in one step or more; with itself in a circle."""
    found: set[str] = set()
    to_visit = [*after[start]]
    while to_visit:
        name = to_visit.pop()
        if name not in found:
            found.add(name)
            to_visit.extend(after[name])
    return found
