"""Which of many intervals a number lies in, found without looking at those that it does not lie in.

An interval tree over the doubles, taken as integers in their order. The tree is never built: an interval belongs to the
largest node whose middle it covers, and that follows from its two ends alone. So adding and removing cost the same
however many intervals there are, and a search looks at one node a level, of those levels that are in use.

Between two neighbouring ends every number lies in the same intervals: what was found there is kept, until the next
change, where it is short.
"""

import math
from bisect import bisect_left, bisect_right, insort
from collections.abc import Sequence
from struct import Struct
from typing import Generic, TypeVar

T = TypeVar("T")

_DOUBLE = Struct(">d")
_BITS = Struct(">Q")
_SIGN = 1 << 63
_ALL = (1 << 64) - 1
_MOST_KEPT = 16


class _IntervalNode(Generic[T]):
    """The intervals that cover one middle, by either end; the number in between keeps equal ends apart."""

    __slots__ = ("by_high", "by_low", "middle")

    def __init__(self, middle: int) -> None:
        self.middle = middle
        self.by_low: list[tuple[int, int, T]] = []
        self.by_high: list[tuple[int, int, T]] = []


class Intervals(Generic[T]):
    """Values, each under the closed interval of doubles in which it is to be found."""

    __slots__ = ("_ends", "_kept", "_levels")

    def __init__(self) -> None:
        self._levels: dict[int, dict[int, _IntervalNode[T]]] = {}
        self._ends: list[float] = []
        self._kept: dict[int, Sequence[T]] = {}

    def __bool__(self) -> bool:
        return bool(self._levels)

    def candidate_count(self, low: float, high: float) -> int:
        """How many values are under intervals that are about where this one is, and about as large."""
        first, last = _position(low), _position(high)
        level = (first ^ last).bit_length()
        node = self._levels.get(level, {}).get(first >> level)
        return len(node.by_low) if node else 0

    def add(self, low: float, high: float, number: int, value: T) -> None:
        """Put a value under an interval; `number` tells it from every other value."""
        first, last = _position(low), _position(high)
        level = (first ^ last).bit_length()
        nodes = self._levels.setdefault(level, {})
        place = first >> level
        node = nodes.get(place)
        if node is None:
            node = nodes[place] = _IntervalNode((last >> (level - 1)) << (level - 1) if level else last)
        insort(node.by_low, (first, number, value))
        insort(node.by_high, (last, number, value))
        insort(self._ends, low)
        insort(self._ends, math.nextafter(high, math.inf))
        self._kept.clear()

    def remove(self, low: float, high: float, number: int) -> None:
        """Take away what was put under an interval by this number."""
        first, last = _position(low), _position(high)
        level = (first ^ last).bit_length()
        node = self._levels[level][first >> level]
        del node.by_low[bisect_left(node.by_low, (first, number))]
        del node.by_high[bisect_left(node.by_high, (last, number))]
        if not node.by_low:
            del self._levels[level][first >> level]
            if not self._levels[level]:
                del self._levels[level]
        del self._ends[bisect_left(self._ends, low)]
        del self._ends[bisect_left(self._ends, math.nextafter(high, math.inf))]
        self._kept.clear()

    def find(self, number: float) -> Sequence[T]:
        """Find the values under every interval that the number lies in."""
        gap = bisect_right(self._ends, number)
        found = self._kept.get(gap)
        if found is None:
            found = self._search(number)
            if len(found) <= _MOST_KEPT:
                self._kept[gap] = found
        return found

    def _search(self, number: float) -> Sequence[T]:
        at = _position(number)
        found: list[T] = []
        for level, nodes in self._levels.items():
            node = nodes.get(at >> level)
            if node is None:
                continue
            if at < node.middle:
                found += [value for _, _, value in node.by_low[: bisect_right(node.by_low, (at + 1,))]]
            else:
                found += [value for _, _, value in node.by_high[bisect_left(node.by_high, (at,)) :]]
        return found


def _position(number: float) -> int:
    """Where a double stands among all doubles, from 0 to 2**64."""
    (bits,) = _BITS.unpack(_DOUBLE.pack(number + 0.0))
    return bits ^ _ALL if bits & _SIGN else bits | _SIGN  # type: ignore[no-any-return]
