"""From top to bottom: the order within each column in which the fewest arrows cross.

Sugiyama's method: each place moves towards the middle of what it is tied to in the column before, then in the one behind,
and neighbours change places where that undoes a crossing; the best order that was seen is kept.
"""

from collections.abc import Iterator, Sequence
from typing import Final

from contradance.catalog.picture.layers import Layers, Slot

_SWEEPS: Final = 16


def put_in_order(layered: Layers) -> None:
    """Order the places of every column, and what arrives at and departs from each of them."""
    columns = layered.columns
    _follow(columns)
    best, fewest = [[*column] for column in columns], crossings(layered)
    for sweep in range(_SWEEPS):
        leftwards = bool(sweep % 2)
        for column in columns[-2::-1] if leftwards else columns[1:]:
            _pull(column, _index(columns), leftwards=leftwards)
        _exchange(columns)
        found = crossings(layered)
        if found < fewest:
            best, fewest = [[*column] for column in columns], found
    columns[:] = best
    index = _index(columns)
    for column in columns:
        for place in column:
            place.arrivals.sort(key=lambda strand: index[strand.start])
            place.departures.sort(key=lambda strand: _mean([index[end] for end in strand.ends]))


def crossings(layered: Layers) -> int:
    """Return how many arrows cross between columns, as the columns are ordered."""
    index = _index(layered.columns)
    count = 0
    for column in range(len(layered.columns) - 1):
        ties = [(index[strand.start], index[end]) for strand in layered.strands(column) for end in strand.ends]
        count += sum(a < c and b > d for a, b in ties for c, d in ties)
    return count


def _follow(columns: Sequence[list[Slot]]) -> None:
    """Order each place by when one comes to it who follows the arrows, taking those that are no failure's first."""
    seen: dict[Slot, int] = {}
    waiting = [place for column in reversed(columns) for place in reversed(column)]
    while waiting:
        place = waiting.pop()
        if place in seen:
            continue
        seen[place] = len(seen)
        strands = sorted(place.departures, key=lambda strand: strand.failing)
        waiting += reversed([end for strand in strands for end in strand.ends])
    for column in columns:
        column.sort(key=seen.__getitem__)


def _pull(column: list[Slot], index: dict[Slot, float], *, leftwards: bool) -> None:
    """Order a column by the middle of what each place is tied to on one side."""
    middle = {}
    for place in column:
        ties = [index[one] for one in (_right(place) if leftwards else _left(place))]
        middle[place] = _mean(ties) if ties else index[place]
    column.sort(key=lambda place: (middle[place], index[place]))


def _exchange(columns: Sequence[list[Slot]]) -> None:
    """Let neighbours change places for as long as that undoes crossings."""
    better = True
    while better:
        better = False
        for column in columns:
            index = _index(columns)
            for upper in range(len(column) - 1):
                a, b = column[upper], column[upper + 1]
                gain = sum(
                    _crossed(side(a), side(b), index) - _crossed(side(b), side(a), index) for side in (_left, _right)
                )
                if gain > 0:
                    column[upper], column[upper + 1] = b, a
                    better = True


def _crossed(upper: Iterator[Slot], lower: Iterator[Slot], index: dict[Slot, float]) -> int:
    """Return how many ties of the upper of two neighbours cross one of the lower's."""
    others = [index[place] for place in lower]
    return sum(index[place] > other for place in upper for other in others)


def _left(place: Slot) -> Iterator[Slot]:
    return (strand.start for strand in place.arrivals)


def _right(place: Slot) -> Iterator[Slot]:
    return (end for strand in place.departures for end in strand.ends)


def _index(columns: Sequence[list[Slot]]) -> dict[Slot, float]:
    return {place: position for column in columns for position, place in enumerate(column)}


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
