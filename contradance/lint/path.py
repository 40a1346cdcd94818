"""Which function leads to which, by the events between them; and where that goes round."""

from collections.abc import Iterator, Mapping

from contradance.choreography import Choreography
from contradance.lint.finding import Finding


def followers(choreography: Choreography) -> dict[str, set[str]]:
    """Return, for each function, those that consume what it publishes."""
    return {
        name: {consumer.name for contract in function.publishes for consumer in choreography.consumers(contract)}
        for name, function in choreography.functions.items()
    }


def reached(edges: Mapping[str, set[str]], start: str) -> set[str]:
    """Return every function that `start` leads to; itself only where that goes round."""
    found: set[str] = set()
    waiting = [start]
    while waiting:
        new = edges.get(waiting.pop(), set()) - found
        found |= new
        waiting += new
    return found


def cycles(choreography: Choreography) -> Iterator[Finding]:
    """Find functions that lead to themselves, each group of them once."""
    edges = followers(choreography)
    seen: set[str] = set()
    for start in edges:
        if start in seen or start not in reached(edges, start):
            continue
        group = {one for one in reached(edges, start) if start in reached(edges, one)}
        seen |= group
        way = _way_round(edges, start, group)
        yield Finding(
            "cycle",
            " ".join(sorted(group)),
            f"{' → '.join(way)}: what one publishes leads back to it.",
            "Events may go round for ever: each round is billed, and no dead letter ends it.",
            "Take one of the events out of a signature; or, if something always ends it, accept this finding and say what.",
        )


def _way_round(edges: Mapping[str, set[str]], start: str, group: set[str]) -> list[str]:
    """Return a shortest way from `start` back to it."""
    ways = [[start]]
    while True:
        way = ways.pop(0)
        for following in sorted(edges[way[-1]] & group):
            if following == start:
                return [*way, start]
            if following not in way:
                ways.append([*way, following])
