"""The order of each column, from top to bottom, in which few arrows cross.

Sugiyama's method: each slot moves towards the middle of its neighbours in the column before, then in the column after, and
two adjacent slots are exchanged where that removes a crossing. The best order of all sweeps is kept.
"""

from collections.abc import Iterator, Sequence
from typing import Final

from contradance.catalog.picture.layers import Layers, Slot

_SWEEPS: Final = 16


def put_in_order(layered: Layers) -> None:
    """Order, in place, the slots of each column and the arrivals and departures of each slot: few arrows cross."""
    columns = layered.columns
    _follow_arrows(columns)
    best, fewest = [[*column] for column in columns], crossings(layered)
    for sweep in range(_SWEEPS):
        leftwards = bool(sweep % 2)
        for column in columns[-2::-1] if leftwards else columns[1:]:
            _move_to_middle(column, _positions(columns), leftwards=leftwards)
        _exchange(columns)
        found = crossings(layered)
        if found < fewest:
            best, fewest = [[*column] for column in columns], found
    columns[:] = best
    position = _positions(columns)
    for column in columns:
        for slot in column:
            slot.departures.sort(key=lambda strand: _mean([position[end] for end in strand.ends]))
    for column in columns:
        for slot in column:
            slot.arrivals.sort(key=lambda strand: (position[strand.start], strand.start.departures.index(strand)))


def crossings(layered: Layers) -> int:
    """Return how many arrows cross between columns, with the columns in their present order."""
    position = _positions(layered.columns)
    count = 0
    for column in range(len(layered.columns) - 1):
        pairs = [(position[strand.start], position[end]) for strand in layered.strands(column) for end in strand.ends]
        count += sum(a < c and b > d for a, b in pairs for c, d in pairs)
    return count


def _follow_arrows(columns: Sequence[list[Slot]]) -> None:
    """Order each column, in place, by a depth-first walk along the arrows, the happy path first."""
    seen: dict[Slot, int] = {}
    stack = [slot for column in reversed(columns) for slot in reversed(column)]
    while stack:
        slot = stack.pop()
        if slot in seen:
            continue
        seen[slot] = len(seen)
        strands = sorted(slot.departures, key=lambda strand: strand.failing)
        stack += reversed([end for strand in strands for end in strand.ends])
    for column in columns:
        column.sort(key=seen.__getitem__)


def _move_to_middle(column: list[Slot], position: dict[Slot, float], *, leftwards: bool) -> None:
    """Order a column in place by its slots' mean neighbour to the left, with `leftwards` to the right."""
    middle = {}
    for slot in column:
        neighbours = [position[one] for one in (_right(slot) if leftwards else _left(slot))]
        middle[slot] = _mean(neighbours) if neighbours else position[slot]
    column.sort(key=lambda slot: (middle[slot], position[slot]))


def _exchange(columns: Sequence[list[Slot]]) -> None:
    """Exchange adjacent slots, in place, for as long as that removes crossings."""
    position = _positions(columns)
    better = True
    while better:
        better = False
        for column in columns:
            for upper in range(len(column) - 1):
                a, b = column[upper], column[upper + 1]
                if _removed(a, b, position) > 0:
                    column[upper], column[upper + 1] = b, a
                    better = True
            position.update((slot, at) for at, slot in enumerate(column))


def _removed(a: Slot, b: Slot, position: dict[Slot, float]) -> int:
    """Return how many crossings an exchange of two adjacent slots removes; negative if it adds some."""
    removed = 0
    for side in (_left, _right):
        from_a = [position[slot] for slot in side(a)]
        from_b = [position[slot] for slot in side(b)]
        removed += sum((one > other) - (one < other) for one in from_a for other in from_b)
    return removed


def _left(slot: Slot) -> Iterator[Slot]:
    """Yield the slots of the column before from which strands lead to this slot."""
    return (strand.start for strand in slot.arrivals)


def _right(slot: Slot) -> Iterator[Slot]:
    """Yield the slots of the next column to which strands lead from this slot."""
    return (end for strand in slot.departures for end in strand.ends)


def _positions(columns: Sequence[list[Slot]]) -> dict[Slot, float]:
    """Return each slot's position in its column, from 0 at the top."""
    return {slot: position for column in columns for position, slot in enumerate(column)}


def _mean(values: Sequence[float]) -> float:
    """Return the mean of one or more values."""
    return sum(values) / len(values)
