"""Routes the arrows between two columns: along a row, up or down on a vertical track, then along other rows.

The space between two columns is a channel. A channel contains no boxes, and arrows pass columns on lanes beside the
boxes, so no arrow crosses a box. Two arrows can still overlap, if one arrives on a row from which the other departs. To
prevent this, the departing arrow gets a track further left. These rules form a graph. `untangle` removes its cycles, so
a valid order of tracks always exists; a greedy search finds one with few crossings.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from graphlib import TopologicalSorter
from itertools import pairwise
from typing import Final, NamedTuple

NEAR: Final = 5.0
"""Rows closer than this look like one row, in pixels."""


@dataclass(eq=False)
class Arrival:
    """The row on which a turn arrives at a slot of the next column, and how far up and down it may be shifted."""

    row: float
    highest: float
    lowest: float


@dataclass(eq=False)
class Turn:
    """The part of an arrow between two columns: the row where it starts, its track, and the rows where it ends."""

    row: float
    arrivals: list[Arrival]
    detour: "Turn | None" = None
    """Another turn that comes first and ends on `row`; it starts where the arrow leaves the previous column."""
    track: int | None = field(default=None, init=False)
    """Counted from the left; None if the turn is straight."""

    @property
    def straight(self) -> bool:
        """Whether it arrives on the row on which it departs, and on no other."""
        return all(arrival.row == self.row for arrival in self.arrivals)

    @property
    def top(self) -> float:
        """Upper end of its track: the least of its rows."""
        return min(self.row, *(arrival.row for arrival in self.arrivals))

    @property
    def bottom(self) -> float:
        """Lower end of its track: the greatest of its rows."""
        return max(self.row, *(arrival.row for arrival in self.arrivals))

    @property
    def parts(self) -> tuple["Turn", ...]:
        """The turn, after its detour if it has one."""
        return (self,) if self.detour is None else (self.detour, self)


class _Span(NamedTuple):
    """A turn after `untangle`, with its rows, which change no more: the search compares each with many others."""

    turn: Turn
    row: float
    arrivals: tuple[float, ...]
    top: float
    bottom: float


Rules = dict[Turn, list[Turn]]
"""For each turn that needs a track, the turns that need a track further left."""


def choose_tracks(turns: Sequence[Turn]) -> int:
    """Give a track to each turn that needs one, after `untangle`; return the number of tracks."""
    order = _ordered(rules(turns))
    for position, span in enumerate(order):
        left = [one.turn.track for one in order[:position] if _need_two_tracks(one, span)]
        span.turn.track = max((track for track in left if track is not None), default=-1) + 1
    return 1 + max((span.turn.track for span in order if span.turn.track is not None), default=-1)


def rules(turns: Sequence[Turn]) -> Rules:
    """Return, for each part that is not straight, the parts that need a track further left."""
    bent = [part for turn in turns for part in turn.parts if not part.straight]
    return {turn: [other for other in bent if other is not turn and _has_to_be_left(other, turn)] for turn in bent}


def _has_to_be_left(left: Turn, right: Turn) -> bool:
    """Whether `left` has to be left of `right`: as its detour, or because `right` arrives on the row of `left`."""
    if left is right.detour:
        return True
    # A turn starts on the row on which its own detour ends: there they form one line.
    return right is not left.detour and any(abs(arrival.row - left.row) < NEAR for arrival in right.arrivals)


def _ordered(rules: Rules) -> list[_Span]:
    """Return the turns from left to right: insert each where it adds the fewest crossings, then exchange neighbours."""
    left_of = _with_indirect(rules)
    order: list[_Span] = []
    for span in sorted(map(_span, rules), key=lambda span: (span.bottom - span.top, span.top)):
        # Indirect rules count here: without them two turns could leave no room for a third that belongs between them.
        first = max((at + 1 for at, other in enumerate(order) if other.turn in left_of[span.turn]), default=0)
        last = min((at for at, other in enumerate(order) if span.turn in left_of[other.turn]), default=len(order))
        crossings = [sum(_crossings(span, other) for other in order)]
        for other in order:
            crossings.append(crossings[-1] + _crossings(other, span) - _crossings(span, other))
        order.insert(min(range(first, last + 1), key=crossings.__getitem__), span)
    while (at := _exchangeable(order, left_of)) is not None:
        order[at], order[at + 1] = order[at + 1], order[at]
    return order


def _span(turn: Turn) -> _Span:
    """Return a turn with a copy of its present rows."""
    arrivals = tuple(arrival.row for arrival in turn.arrivals)
    return _Span(turn, turn.row, arrivals, min(turn.row, *arrivals), max(turn.row, *arrivals))


def _with_indirect(rules: Rules) -> dict[Turn, set[Turn]]:
    """Return for each turn all those left of it, directly or by way of others; the rules must have no cycle."""
    left_of: dict[Turn, set[Turn]] = {}
    for turn in TopologicalSorter(rules).static_order():
        left_of[turn] = {*rules[turn]}.union(*(left_of[other] for other in rules[turn]))
    return left_of


def _exchangeable(order: Sequence[_Span], left_of: dict[Turn, set[Turn]]) -> int | None:
    """Return the position of a turn that may follow the next one and crosses less there; None without one."""
    for position, (left, right) in enumerate(pairwise(order)):
        if left.turn not in left_of[right.turn] and _crossings(right, left) < _crossings(left, right):
            return position
    return None


def _crossings(left: _Span, right: _Span) -> int:
    """Return how often two turns cross when one is left of the other."""
    if left.bottom <= right.top or right.bottom <= left.top:
        return 0
    crossed = sum(right.top < row < right.bottom for row in left.arrivals)
    return crossed + (left.top < right.row < left.bottom)


def _need_two_tracks(left: _Span, right: _Span) -> bool:
    """Whether two turns need different tracks: their heights overlap or nearly do, or their order matters."""
    beside = left.top < right.bottom + 2 * NEAR and right.top < left.bottom + 2 * NEAR
    return beside or _crossings(left, right) != _crossings(right, left)
