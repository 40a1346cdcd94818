"""An interval tree over the doubles: finds the intervals that contain a number.

The doubles are mapped to integers in their order. The tree is never built: an interval belongs to the largest node whose
middle it covers, which follows from its two ends alone. So the cost of adding and removing does not depend on the number
of intervals, and a search visits one node on each level in use.

All numbers between two neighbouring ends lie in the same intervals, so `find` caches short results until the next change.
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
_LONGEST_CACHED = 16


class _IntervalNode(Generic[T]):
    """The intervals that cover one middle, sorted by low end and by high end; their numbers order equal ends."""

    __slots__ = ("by_high", "by_low", "middle")

    def __init__(self, middle: int) -> None:
        self.middle = middle
        self.by_low: list[tuple[int, int, T]] = []
        self.by_high: list[tuple[int, int, T]] = []


class Intervals(Generic[T]):
    """A map from closed intervals of doubles to values."""

    __slots__ = ("_cached", "_ends", "_levels")

    def __init__(self) -> None:
        self._levels: dict[int, dict[int, _IntervalNode[T]]] = {}
        self._ends: list[float] = []
        self._cached: dict[int, Sequence[T]] = {}

    def __bool__(self) -> bool:
        return bool(self._levels)

    def candidate_count(self, low: float, high: float) -> int:
        """Return how many values have intervals of about the same place and size."""
        first, last = _position(low), _position(high)
        level = (first ^ last).bit_length()
        node = self._levels.get(level, {}).get(first >> level)
        return len(node.by_low) if node else 0

    def add(self, low: float, high: float, number: int, value: T) -> None:
        """Add a value for an interval; `number` identifies the value."""
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
        self._cached.clear()

    def remove(self, low: float, high: float, number: int) -> None:
        """Remove the value with this number from an interval."""
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
        self._cached.clear()

    def find(self, number: float) -> Sequence[T]:
        """Return the values of every interval that contains the number."""
        gap = bisect_right(self._ends, number)
        found = self._cached.get(gap)
        if found is None:
            found = self._search(number)
            if len(found) <= _LONGEST_CACHED:
                self._cached[gap] = found
        return found

    def _search(self, number: float) -> Sequence[T]:
        """Return the values of every interval that contains the number, by a visit of each level."""
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
    """Return the rank of a double among all doubles, from 0 to 2**64."""
    (bits,) = _BITS.unpack(_DOUBLE.pack(number + 0.0))
    return bits ^ _ALL if bits & _SIGN else bits | _SIGN  # type: ignore[no-any-return]
