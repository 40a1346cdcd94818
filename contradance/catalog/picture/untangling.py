"""Removes the cycles from the rules which turn has to be left of which.

Example: one arrow goes from row 0 to row 50, another from row 50 to row 0. Each has to turn off before the other arrives on
its row. Either an arrival is shifted by a few pixels, to a row that no other arrow uses; or, where its box has no room for
that, an arrow takes a detour: a first track to a row that no other arrow uses, and a second track from there.

The loop ends: each step removes a rule, or takes a turn out of every cycle. An arrival that was shifted takes part in no
rule, since its row is far from every other. A turn with a detour is in no cycle: other turns can have to be right of its
first part and left of its second part, but none has to be left of the first part or right of the second.
"""

from collections.abc import Iterator, Sequence
from graphlib import CycleError, TopologicalSorter
from itertools import pairwise
from typing import Final

from contradance.catalog.picture.routing import NEAR, Arrival, Turn, rules

_SHIFTS: Final = (5.0, -5.0, 6.0, -6.0, 7.0, -7.0, 8.0, -8.0, 9.0, -9.0, 10.0, -10.0)
"""How far an arrival may be shifted, in pixels: the first that fits is taken."""
_FREE: Final = 2 * NEAR + 1
"""Distance between two rows that leaves room for a third."""


def untangle(turns: Sequence[Turn]) -> None:
    """Shift arrivals and add detours, in place, until the rules have no cycle."""
    while cycle := _cycle(turns):
        if not any(_shifted(arrival, turns) for arrival in _conflicting(cycle)):
            _add_detour(cycle, turns)


def _cycle(turns: Sequence[Turn]) -> list[Turn]:
    """Return turns of which each has to be left of the next, the last one being the first; empty if there are none."""
    try:
        TopologicalSorter(rules(turns)).prepare()
    except CycleError as error:
        cycle: list[Turn] = error.args[1]
        return cycle
    return []


def _conflicting(cycle: Sequence[Turn]) -> Iterator[Arrival]:
    """Yield of each turn in a cycle the arrival on the row of the turn before it, if there is exactly one."""
    for left, right in pairwise(cycle):
        near = [arrival for arrival in right.arrivals if abs(arrival.row - left.row) < NEAR]
        if len(near) == 1:  # a shift of one of two would leave the rule as it is
            yield near[0]


def _shifted(arrival: Arrival, turns: Sequence[Turn]) -> bool:
    """Shift an arrival to the nearest row that is far from all others; return whether there is one."""
    parts = [part for turn in turns for part in turn.parts]
    own = [part for part in parts if arrival in part.arrivals]
    others = [part.row for part in parts if part not in own]
    others += [one.row for part in parts for one in part.arrivals if one is not arrival]
    for shift in _SHIFTS:
        row = arrival.row + shift
        if arrival.highest <= row <= arrival.lowest and all(abs(row - other) >= NEAR for other in others):
            arrival.row = row
            return True
    return False


def _add_detour(cycle: Sequence[Turn], turns: Sequence[Turn]) -> None:
    """Give one turn of a cycle a detour over a row that is far from all others: the shortest that there is."""
    free = [*_detour_rows(turns)]
    turn, row = min(((turn, row) for turn in cycle[1:] for row in free), key=lambda pair: _longer(*pair))
    turn.detour = Turn(turn.row, [Arrival(row, row, row)])
    turn.row = row


def _longer(turn: Turn, row: float) -> float:
    """Return how much longer a turn's tracks are with a detour over `row`."""
    rows = [arrival.row for arrival in turn.arrivals]
    return abs(turn.row - row) + max(row, *rows) - min(row, *rows) - (turn.bottom - turn.top)


def _detour_rows(turns: Sequence[Turn]) -> Iterator[float]:
    """Yield the heights at which an arrow may take a detour: in each wide gap between rows, above all, below all."""
    parts = [part for turn in turns for part in turn.parts]
    rows = sorted({part.row for part in parts} | {arrival.row for part in parts for arrival in part.arrivals})
    yield from ((upper + lower) / 2 for upper, lower in pairwise(rows) if lower - upper >= _FREE)
    yield rows[0] - _FREE
    yield rows[-1] + _FREE
