"""How arrows run between two columns: along the row, up or down a track of their own, and along the row again.

Nothing stands between columns, and each lane keeps clear of what is beside it in its column: so no arrow can cross a box.
What is left is to choose the tracks, in the order in which the fewest arrows cross and none runs on top of another.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

_NEAR: Final = 5.0
"""Rows closer than this would be taken for one."""
_OVERLAP: Final = 1000
"""How many crossings are better than two arrows on top of each other."""


@dataclass(eq=False)
class Turn:
    """A strand between two columns: the row on which it comes, and those on which it goes on."""

    row: float
    rows: list[float]
    track: int | None = None
    """None where it goes straight on."""

    @property
    def straight(self) -> bool:
        """Whether it goes on on the row on which it came, and on no other."""
        return all(row == self.row for row in self.rows)

    @property
    def top(self) -> float:
        """Upper end of its track."""
        return min(self.row, *self.rows)

    @property
    def bottom(self) -> float:
        """Lower end of its track."""
        return max(self.row, *self.rows)


def choose_tracks(turns: Sequence[Turn]) -> int:
    """Give each turn that needs one a track, counted from the left; return how many there are."""
    order = _ordered([turn for turn in turns if not turn.straight])
    for later, turn in enumerate(order):
        left = [other.track for other in order[:later] if _tied(other, turn) and other.track is not None]
        turn.track = max(left, default=-1) + 1
    return 1 + max((turn.track for turn in order if turn.track is not None), default=-1)


def overlapping(turns: Sequence[Turn]) -> tuple[Turn, int] | None:
    """Return a turn, and which of its rows another comes in on further to the right; None where all is well."""
    for left in turns:
        for right in turns:
            if left is not right and left.track is not None and right.track is not None and left.track < right.track:
                for position, row in enumerate(left.rows):
                    if abs(row - right.row) < _NEAR:
                        return left, position
    return None


def _ordered(turns: Sequence[Turn]) -> list[Turn]:
    """Return the turns from left to right: each is put where it costs least, then neighbours are exchanged."""
    order: list[Turn] = []
    for turn in sorted(turns, key=lambda turn: (turn.bottom - turn.top, turn.top)):
        costs = [
            sum(_cost(other, turn) for other in order[:at]) + sum(_cost(turn, other) for other in order[at:])
            for at in range(len(order) + 1)
        ]
        order.insert(costs.index(min(costs)), turn)
    better = True
    while better:
        better = False
        for at, (left, right) in enumerate(pairwise(order)):
            if _cost(right, left) < _cost(left, right):
                order[at], order[at + 1] = right, left
                better = True
                break
    return order


def _cost(left: Turn, right: Turn) -> int:
    """Return how many crossings there are with one turn left of another, and how many rows on top of each other."""
    crossings = sum(right.top < row < right.bottom for row in left.rows) + (left.top < right.row < left.bottom)
    return crossings + _OVERLAP * sum(abs(row - right.row) < _NEAR for row in left.rows)


def _tied(left: Turn, right: Turn) -> bool:
    """Whether two turns need tracks of their own, in this order."""
    beside = left.top < right.bottom + 2 * _NEAR and right.top < left.bottom + 2 * _NEAR
    return beside or _cost(left, right) != _cost(right, left)
