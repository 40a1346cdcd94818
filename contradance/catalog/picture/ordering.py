"""The order of each column, from top to bottom, in which few arrows cross.

Sugiyama's method: each slot moves towards the middle of its neighbours in the column before, then in the column after, and
two adjacent slots are exchanged where that removes a crossing. The best order of all sweeps is kept.
"""

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from operator import itemgetter
from typing import Final

from contradance.catalog.picture.layers import Layers, Slot

_SWEEPS: Final = 16
_FRUITLESS: Final = 3
"""Sweeps one after the other without a better order, after which the search ends: mostly two arrangements alternate then."""


def put_in_order(layered: Layers) -> None:
    """Order, in place, the slots of each column and the arrivals and departures of each slot: few arrows cross."""
    columns = layered.columns
    _follow_arrows(columns)
    best, fewest = [[*column] for column in columns], crossings(layered)
    exchanges = _Exchanges(columns)
    fruitless = 0
    for sweep in range(_SWEEPS):
        leftwards = bool(sweep % 2)
        for column in columns[-2::-1] if leftwards else columns[1:]:
            _move_to_middle(column, _positions(columns), leftwards=leftwards)
        exchanges.make(columns)
        found = crossings(layered)
        fruitless += 1
        if found < fewest:
            best, fewest, fruitless = [[*column] for column in columns], found, 0
        if fruitless == _FRUITLESS:
            break
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
        count += _inversions(pairs)
    return count


def _inversions(pairs: list[tuple[float, float]]) -> int:
    """Return the number of crossings of lines (start, end): of two lines one starts above the other and ends below."""
    count, above = 0, list[float]()
    for _, same_start in groupby(sorted(pairs), key=itemgetter(0)):
        ends = [end for _, end in same_start]
        count += sum(len(above) - bisect_right(above, end) for end in ends)
        for end in ends:
            insort(above, end)
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


class _Exchanges:
    """Exchanges adjacent slots; what it has computed of a column counts until a neighbouring column changes."""

    def __init__(self, columns: Sequence[Sequence[Slot]]) -> None:
        self._sides = {slot: ([*_left(slot)], [*_right(slot)]) for column in columns for slot in column}

    def make(self, columns: Sequence[list[Slot]]) -> None:
        """Exchange adjacent slots, in place, for as long as that removes crossings."""
        position = _positions(columns)
        removed = [dict[tuple[Slot, Slot], int]() for _ in columns]
        around = [self._around(column, position) for column in columns]
        unsettled = {*range(len(columns))}
        while unsettled:
            for at, column in enumerate(columns):
                if at not in unsettled:
                    continue  # nothing moved here or in a neighbouring column since it last stayed as it was
                if not _exchanged(column, around[at], removed[at]):
                    unsettled.remove(at)
                    continue
                position.update((slot, row) for row, slot in enumerate(column))
                for beside in {at - 1, at + 1} & {*range(len(columns))}:
                    unsettled.add(beside)
                    removed[beside].clear()
                    around[beside] = self._around(columns[beside], position)

    def _around(self, column: Sequence[Slot], position: Mapping[Slot, float]) -> "_Around":
        """Return for each slot of a column the positions of its neighbours, in order: to the left, to the right."""
        return {slot: [sorted([position[other] for other in side]) for side in self._sides[slot]] for slot in column}


_Around = Mapping[Slot, Sequence[Sequence[float]]]


def _exchanged(column: list[Slot], around: _Around, removed: dict[tuple[Slot, Slot], int]) -> bool:
    """Walk down a column and exchange neighbours where that removes crossings; return whether any were exchanged."""
    exchanged = False
    for upper in range(len(column) - 1):
        pair = (column[upper], column[upper + 1])
        if pair not in removed:
            removed[pair] = sum(map(_removed, *(around[slot] for slot in pair)))
        if removed[pair] > 0:
            column[upper + 1], column[upper] = pair
            exchanged = True
    return exchanged


def _removed(upper: Sequence[float], lower: Sequence[float]) -> int:
    """Return how many crossings on one side an exchange of two slots removes; negative if it adds some.

    Both are the positions of a slot's neighbours on that side, in order.
    """
    return _pairs_in_order(lower, upper) - _pairs_in_order(upper, lower)


def _pairs_in_order(firsts: Sequence[float], seconds: Sequence[float]) -> int:
    """Return how many pairs of a first and a second have the first less; both are sorted."""
    if firsts and seconds and firsts[-1] < seconds[0]:
        return len(firsts) * len(seconds)
    return sum(bisect_left(firsts, second) for second in seconds)


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
