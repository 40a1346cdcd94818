"""The vertical position of each slot: arrows as straight as possible, first those of the happy path and long ones.

The order of a column is fixed here, so the positions that bend its arrows least, given the columns beside it, are an
isotonic regression: slots that would pass each other form a pool, and a pool stands at the weighted median of the positions
to which arrows pull its members. A median makes some arrows wholly straight; a mean would make many almost straight.
"""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Final, NamedTuple

from contradance.catalog.picture.layers import Layers, Slot, Strand

GAP: Final = 18.0
"""Between two boxes of a column, in pixels."""
LANE: Final = 18.0
"""Between a lane and the slots beside it: the console may write a count there."""
PORT: Final = 13.0
"""Between two arrows at one side of a box."""
_DEPARTURE: Final = 7.0
"""Between the arrows of the happy path and of the failure path that leave a box."""
_BACK: Final = 17.0
"""From the arrow that leaves a box in the middle to one that leads back to the box."""
_SWEEPS: Final = 12
_LANE_TO_LANE: Final = 16.0
_HAPPY: Final = 5.0
_FAILING: Final = 1.0
_ALONE: Final = 2.0
"""The weight with which a strand pulls at its ends; multiplied by `_ALONE` if neither end has another strand there."""


class _Pull(NamedTuple):
    """A position to which an arrow pulls a slot, and the weight of the arrow."""

    position: float
    weight: float


def breadth(slot: Slot, least: float) -> float:
    """Return the height of a slot: 0 for a lane; for a box, room for its text (`least`) and for its arrows."""
    if slot.box is None:
        return 0.0
    ports = [arrival(slot, strand) for strand in slot.arrivals]
    ports += [departure(slot, strand) for strand in slot.departures]
    outermost = max(map(abs, ports), default=0.0)
    return max(least, 2 * outermost + PORT)


def arrival(slot: Slot, strand: Strand) -> float:
    """Return the row on which a strand arrives at a slot, counted from the slot's middle."""
    return _port(slot.arrivals, strand)


def departure(slot: Slot, strand: Strand) -> float:
    """Return the row on which a strand departs from a slot, counted from the slot's middle.

    The happy path leaves a box in the middle, where a fork stands if there are alternatives. Strands that lead back to the
    box keep away from the fork.
    """
    forward = [one for one in slot.departures if not one.backwards]
    if not forward:
        return _port(slot.departures, strand)
    centre = min(forward, key=lambda one: one.failing)
    if not strand.backwards:
        return (forward.index(strand) - forward.index(centre)) * _DEPARTURE
    at = slot.departures.index(centre)
    above = [one for one in slot.departures[at::-1] if one.backwards]
    if strand in above:
        return -_BACK - above.index(strand) * PORT
    below = [one for one in slot.departures[at:] if one.backwards]
    return _BACK + below.index(strand) * PORT


def middles(layered: Layers, heights: dict[Slot, float]) -> dict[Slot, float]:
    """Return the vertical position of the middle of each slot; above is less."""
    distances = [[*_distances(column, heights)] for column in layered.columns]
    positions: dict[Slot, float] = {}
    for column, between in zip(layered.columns, distances, strict=True):
        position = -sum(between) / 2
        for slot, distance in zip(column, between, strict=True):
            position += distance
            positions[slot] = position
    best, least = dict(positions), _bend(layered, positions)
    for sweep in range(_SWEEPS):
        rightwards = sweep % 2 == 0
        both = sweep >= _SWEEPS // 2
        in_turn = [*zip(layered.columns, distances, strict=True)]
        for column, between in in_turn if rightwards else reversed(in_turn):
            pulls = [_pulls(slot, positions, left=both or rightwards, right=both or not rightwards) for slot in column]
            positions.update(zip(column, _settled(pulls, between), strict=True))
        bend = _bend(layered, positions)
        if bend < least:
            best, least = dict(positions), bend
    return best


def _port(strands: Sequence[Strand], strand: Strand) -> float:
    """Return the row of a strand among the strands at one side of a slot, counted from the slot's middle."""
    return (strands.index(strand) - (len(strands) - 1) / 2) * PORT


def _distances(column: Sequence[Slot], heights: dict[Slot, float]) -> Iterator[float]:
    """Yield for each slot the least distance of its middle from the middle of the slot above; 0 for the first."""
    yield 0.0
    for upper, lower in pairwise(column):
        gap = GAP if upper.box and lower.box else LANE
        yield (heights[upper] + heights[lower]) / 2 + gap


def _weight(start: Slot, end: Slot, strand: Strand) -> float:
    """Return how much a strand counts: most between lanes, more on the happy path, more if alone at both ends."""
    if start.box is None and end.box is None:
        return _LANE_TO_LANE
    alone = len(strand.ends) == len(end.arrivals) == 1
    return (_FAILING if strand.failing else _HAPPY) * (_ALONE if alone else 1)


def _pulls(slot: Slot, positions: dict[Slot, float], *, left: bool, right: bool) -> list[_Pull]:
    """Return where a slot's arrows at its left, its right or both would be straight, each with its weight."""
    # Without other pulls, the slot stays where it is.
    pulls = [_Pull(positions[slot], 0.001)]
    if left:
        for strand in slot.arrivals:
            straight = positions[strand.start] + departure(strand.start, strand) - arrival(slot, strand)
            pulls.append(_Pull(straight, _weight(strand.start, slot, strand)))
    if right:
        for strand in slot.departures:
            for end in strand.ends:
                straight = positions[end] + arrival(end, strand) - departure(slot, strand)
                pulls.append(_Pull(straight, _weight(slot, end, strand) / len(strand.ends)))
    return pulls


def _settled(pulls: Sequence[list[_Pull]], distances: Sequence[float]) -> list[float]:
    """Return the positions of a column's slots: nearest to their pulls, at least `distances` apart, in their order."""
    # With the distances subtracted, "far enough apart" becomes "in order", and a pool is one single position.
    pools: list[tuple[float, list[_Pull], int]] = []
    offset = 0.0
    for pulled, distance in zip(pulls, distances, strict=True):
        offset += distance
        pool = [_Pull(pull.position - offset, pull.weight) for pull in pulled]
        members = 1
        middle = _median(pool)
        while pools and pools[-1][0] > middle:
            _, others, count = pools.pop()
            pool, members = others + pool, members + count
            middle = _median(pool)
        pools.append((middle, pool, members))
    level = [middle for middle, _, members in pools for _ in range(members)]
    settled, offset = [], 0.0
    for middle, distance in zip(level, distances, strict=True):
        offset += distance
        settled.append(middle + offset)
    return settled


def _median(pulls: list[_Pull]) -> float:
    """Return the position at which the pulls from above weigh as much as those from below."""
    half, weight = sum(pull.weight for pull in pulls) / 2, 0.0
    ordered = sorted(pulls)
    for pull in ordered:
        weight += pull.weight
        if weight >= half:
            return pull.position
    return ordered[-1].position


def _bend(layered: Layers, positions: dict[Slot, float]) -> float:
    """Return how far all arrows are from straight, by weight, plus the height of the picture."""
    bend = 0.0
    for column in layered.columns:
        for slot in column:
            for strand in slot.arrivals:
                start = positions[strand.start] + departure(strand.start, strand)
                bend += abs(positions[slot] + arrival(slot, strand) - start) * _weight(strand.start, slot, strand)
    return bend + (max(positions.values(), default=0.0) - min(positions.values(), default=0.0))
