"""How high each place stands: arrows as straight as can be, above all long ones and those of the happy path.

Within a column the order is settled, so the heights that bend its arrows least, given the columns beside it, are an isotonic
regression: places that would pass each other are pooled, and a pool stands at the weighted median of what its members want.
A median, unlike a mean, makes an arrow wholly straight rather than many of them almost so.
"""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Final, NamedTuple

from contradance.catalog.picture.layers import Layers, Slot, Strand

GAP: Final = 18.0
"""Between two boxes of a column, in pixels."""
LANE: Final = 18.0
"""Between a lane and what is beside it: a count may be written there."""
PORT: Final = 11.0
"""Between two arrows at one side of a box."""
_DEPARTURE: Final = 7.0
"""Between two arrows that leave a box."""
_BACK: Final = 17.0
"""From an arrow that comes back to the one beside it."""
_PADDING: Final = 9.0
"""Between the text and the upper and lower edge of its box."""
_SWEEPS: Final = 12
_LANE_TO_LANE: Final = 16.0
_HAPPY: Final = 5.0
_FAILING: Final = 1.0
_ALONE: Final = 2.0
"""How hard a strand pulls at its ends; twice as hard where it is all that ties them."""


class _Pull(NamedTuple):
    """A height that a place is pulled to, and how hard."""

    height: float
    weight: float


def height(place: Slot, line: float) -> float:
    """Return how high a place is; a box has room for its text and its arrows."""
    if place.box is None:
        return 0.0
    ports = [arrival(place, strand) for strand in place.arrivals]
    ports += [departure(place, strand) for strand in place.departures]
    outermost = max(map(abs, ports), default=0.0)
    return max(len(place.box.lines) * line + 2 * _PADDING, 2 * outermost + PORT)


def arrival(place: Slot, strand: Strand) -> float:
    """Return where a strand arrives at a place, from its middle."""
    return _port(place.arrivals, strand)


def departure(place: Slot, strand: Strand) -> float:
    """Return where a strand departs from a place, from its middle.

    What a box says is well leaves it in the middle; what comes back to it, further off than a fork reaches.
    """
    forward = [one for one in place.departures if not one.backwards]
    if not forward:
        return _port(place.departures, strand)
    centre = min(forward, key=lambda one: one.failing)
    if not strand.backwards:
        return (forward.index(strand) - forward.index(centre)) * _DEPARTURE
    at = place.departures.index(centre)
    above = [one for one in place.departures[at::-1] if one.backwards]
    if strand in above:
        return -_BACK - above.index(strand) * PORT
    below = [one for one in place.departures[at:] if one.backwards]
    return _BACK + below.index(strand) * PORT


def middles(layered: Layers, heights: dict[Slot, float]) -> dict[Slot, float]:
    """Return the height at which the middle of each place stands."""
    apart = [[*_apart(column, heights)] for column in layered.columns]
    stands: dict[Slot, float] = {}
    for column, distances in zip(layered.columns, apart, strict=True):
        top = -sum(distances) / 2
        for place, distance in zip(column, distances, strict=True):
            top += distance
            stands[place] = top
    best, least = dict(stands), _bent(layered, stands)
    for sweep in range(_SWEEPS):
        rightwards = sweep % 2 == 0
        both = sweep >= _SWEEPS // 2
        in_turn = [*zip(layered.columns, apart, strict=True)]
        for column, distances in in_turn if rightwards else reversed(in_turn):
            wishes = [_wishes(place, stands, left=both or rightwards, right=both or not rightwards) for place in column]
            stands.update(zip(column, _settle(wishes, distances), strict=True))
        bent = _bent(layered, stands)
        if bent < least:
            best, least = dict(stands), bent
    return best


def _port(strands: Sequence[Strand], strand: Strand) -> float:
    return (strands.index(strand) - (len(strands) - 1) / 2) * PORT


def _apart(column: Sequence[Slot], heights: dict[Slot, float]) -> Iterator[float]:
    """Yield how far the middle of each place has to be from the one above."""
    yield 0.0
    for upper, lower in pairwise(column):
        between = GAP if upper.box and lower.box else LANE
        yield (heights[upper] + heights[lower]) / 2 + between


def _weight(start: Slot, end: Slot, strand: Strand) -> float:
    if start.box is None and end.box is None:
        return _LANE_TO_LANE
    alone = len(strand.ends) == len(end.arrivals) == 1
    return (_FAILING if strand.failing else _HAPPY) * (_ALONE if alone else 1)


def _wishes(place: Slot, stands: dict[Slot, float], *, left: bool, right: bool) -> list[_Pull]:
    """Return the heights at which each arrow of a place would be straight."""
    wishes = [_Pull(stands[place], 0.001)]
    if left:
        for strand in place.arrivals:
            straight = stands[strand.start] + departure(strand.start, strand) - arrival(place, strand)
            wishes.append(_Pull(straight, _weight(strand.start, place, strand)))
    if right:
        for strand in place.departures:
            for end in strand.ends:
                straight = stands[end] + arrival(end, strand) - departure(place, strand)
                wishes.append(_Pull(straight, _weight(place, end, strand) / len(strand.ends)))
    return wishes


def _settle(wishes: Sequence[list[_Pull]], apart: Sequence[float]) -> list[float]:
    """Return the heights, in order and far enough apart, that are least far from what is wished."""
    pools: list[tuple[float, list[_Pull], int]] = []
    below = 0.0
    for wished, distance in zip(wishes, apart, strict=True):
        below += distance
        pool = [_Pull(wish.height - below, wish.weight) for wish in wished]
        members = 1
        middle = _median(pool)
        while pools and pools[-1][0] > middle:
            _, others, count = pools.pop()
            pool, members = others + pool, members + count
            middle = _median(pool)
        pools.append((middle, pool, members))
    level = [middle for middle, _, members in pools for _ in range(members)]
    settled, below = [], 0.0
    for middle, distance in zip(level, apart, strict=True):
        below += distance
        settled.append(middle + below)
    return settled


def _median(wishes: list[_Pull]) -> float:
    """Return the height at which the wishes above pull as hard as those below."""
    half, pulled = sum(wish.weight for wish in wishes) / 2, 0.0
    ordered = sorted(wishes)
    for wish in ordered:
        pulled += wish.weight
        if pulled >= half:
            return wish.height
    return ordered[-1].height


def _bent(layered: Layers, stands: dict[Slot, float]) -> float:
    """Return how far all arrows are from straight, and a little of how high the picture is."""
    bent = 0.0
    for column in layered.columns:
        for place in column:
            for strand in place.arrivals:
                start = stands[strand.start] + departure(strand.start, strand)
                bent += abs(stands[place] + arrival(place, strand) - start) * _weight(strand.start, place, strand)
    return bent + (max(stands.values(), default=0.0) - min(stands.values(), default=0.0))
