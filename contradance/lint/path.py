"""Finds the functions that a function leads to through its events, and cycles of functions."""

from collections.abc import Iterator, Mapping

from contradance.choreography import Choreography
from contradance.lint.finding import LintFinding


def followers(choreography: Choreography) -> dict[str, set[str]]:
    """Return, for each function, the functions that consume what it publishes."""
    return {
        name: {consumer.name for contract in function.publishes for consumer in choreography.consumers(contract)}
        for name, function in choreography.functions.items()
    }


def reached(edges: Mapping[str, set[str]], start: str) -> set[str]:
    """Return every function that `start` leads to; it includes `start` only if `start` is on a cycle."""
    found: set[str] = set()
    waiting = [start]
    while waiting:
        new = edges.get(waiting.pop(), set()) - found
        found |= new
        waiting += new
    return found


def cycles(choreography: Choreography) -> Iterator[LintFinding]:
    """Find groups of functions that lead to themselves, each group once."""
    edges = followers(choreography)
    seen: set[str] = set()
    for start in edges:
        if start in seen or start not in reached(edges, start):
            continue
        group = {one for one in reached(edges, start) if start in reached(edges, one)}
        seen |= group
        cycle = _shortest_cycle(edges, start, group)
        yield LintFinding(
            "cycle",
            " ".join(sorted(group)),
            f"{' → '.join(cycle)}: the events of these functions lead back to the first.",
            "The events may never end: each round is billed, and no dead letter stops it.",
            "Remove one of the events from a signature; or, if a condition always ends the cycle, accept this finding and name "
            "the condition.",
        )


def _shortest_cycle(edges: Mapping[str, set[str]], start: str, group: set[str]) -> list[str]:
    """Return a shortest path from `start` back to it."""
    paths = [[start]]
    while True:
        path = paths.pop(0)
        for following in sorted(edges[path[-1]] & group):
            if following == start:
                return [*path, start]
            if following not in path:
                paths.append([*path, following])
