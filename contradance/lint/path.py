"""Finds the functions that a function leads to through its events, and cycles of functions.

Every search visits a function once, so that lint takes time in proportion to the choreography's size.
"""

from collections.abc import Iterator, Mapping

from contradance.choreography import Choreography
from contradance.lint.finding import LintFinding

Edges = Mapping[str, set[str]]
"""The names of functions, by the function that leads to them."""


def followers(choreography: Choreography) -> Edges:
    """Return, for each function, the names of the functions that consume a version of what it publishes."""
    return {
        name: {consumer for contract in function.publishes for consumer in choreography.receivers(contract)}
        for name, function in choreography.functions.items()
    }


def backwards(edges: Edges) -> Edges:
    """Return the same edges, each from its end to its start."""
    found: dict[str, set[str]] = {name: set() for name in edges}
    for start, ends in edges.items():
        for end in ends:
            found[end].add(start)
    return found


def reached(edges: Edges, starts: set[str]) -> set[str]:
    """Return every function that one of `starts` leads to; it includes a start only if another edge leads to it."""
    found: set[str] = set()
    waiting = [*starts]
    while waiting:
        new = edges[waiting.pop()] - found
        found |= new
        waiting += new
    return found


def cycles(choreography: Choreography) -> Iterator[LintFinding]:
    """Yield one finding for each group of functions that lead to each other, or to itself, with a shortest cycle."""
    edges = followers(choreography)
    groups = _groups(edges)
    seen: set[str] = set()
    for start in edges:
        if start in seen or (len(groups[start]) == 1 and start not in edges[start]):
            continue
        seen |= groups[start]
        cycle = _shortest_cycle(edges, start, groups[start])
        yield LintFinding(
            "cycle",
            " ".join(sorted(groups[start])),
            f"{' → '.join(cycle)}: the events of these functions lead back to the first.",
            "The events may never end: each round is billed, and no dead letter stops it.",
            "Remove one of the events from a signature; or, if a condition always ends the cycle, accept this finding and name "
            "the condition.",
        )


def _groups(edges: Edges) -> dict[str, set[str]]:
    """Return, for each function, the functions that it leads to and that lead to it, itself included.

    Kosaraju's algorithm: the functions in the order in which a depth-first search leaves them; then, from the last to
    the first, what leads to each and has no group yet.
    """
    groups: dict[str, set[str]] = {}
    sources = backwards(edges)
    for start in reversed(_post_order(edges)):
        if start not in groups:
            group: set[str] = set()
            waiting = [start]
            while waiting:
                name = waiting.pop()
                if name not in groups:
                    groups[name] = group
                    group.add(name)
                    waiting += sources[name]
    return groups


def _post_order(edges: Edges) -> list[str]:
    """Return the functions in the order in which a depth-first search ends its visits to them."""
    left: list[str] = []
    seen: set[str] = set()
    waiting = [(name, False) for name in reversed([*edges])]
    while waiting:
        name, done = waiting.pop()
        if done:
            left.append(name)
        elif name not in seen:
            seen.add(name)
            waiting.append((name, True))
            waiting += [(one, False) for one in edges[name]]
    return left


def _shortest_cycle(edges: Edges, start: str, group: set[str]) -> list[str]:
    """Return a shortest cycle inside the group, with `start` as its first and last function."""
    before: dict[str, str] = {}
    waiting = [start]
    for name in waiting:
        for following in sorted(edges[name] & group):
            if following not in before:
                before[following] = name
                waiting.append(following)
    path = [start, before[start]]
    while path[-1] != start:
        path.append(before[path[-1]])
    return path[::-1]
