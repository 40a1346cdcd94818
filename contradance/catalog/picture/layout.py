"""Where everything in the picture is: boxes and arrows in pixels, from the upper left corner of the drawing."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from contradance.catalog.picture.diagram import LINE, Arrow, Box, Diagram
from contradance.catalog.picture.layers import ArrowPath, Layers, Slot, Strand, layers
from contradance.catalog.picture.ordering import put_in_order
from contradance.catalog.picture.placing import LANE, arrival, departure, height, middles
from contradance.catalog.picture.routing import NEAR, Arrival, Turn, choose_tracks
from contradance.catalog.picture.untangling import untangle

_TEXT_MARGIN: Final = {"function": 10.0, "route": 12.0, "schedule": 12.0, "event": 12.0}
"""Left and right of a box's text, by its shape."""
_TRACK: Final = 8.0
"""Between two tracks, in pixels."""
_AFTER: Final = 11.0
"""From a column to the first track behind it."""
_BEFORE: Final = 16.0
"""From the last track to the next column: room for the arrows' heads."""
FORK: Final = 9.0
"""From the middle of a fork's diamond to its corners."""
_FORK_STUB: Final = 3.0
"""From a box to its fork."""
_CORNER: Final = 4.0
"""Part of a box's side, at its upper and lower end, to which no arrow is shifted."""
_LANE_SHIFT: Final = (LANE - NEAR) / 2
"""How far a lane may be shifted: two that are shifted towards each other still look like two."""


class Point(NamedTuple):
    """A place in the picture."""

    x: float
    y: float


@dataclass(frozen=True, slots=True)
class PlacedBox:
    """A box, its upper left corner and its size."""

    box: Box
    x: float
    y: float
    width: float
    height: float
    fork: Point | None
    """The middle of the diamond behind it, where what it publishes forks."""


class PlacedArrow(NamedTuple):
    """An arrow, as the corners that it goes by from its tail to its head."""

    arrow: Arrow
    corners: tuple[Point, ...]


@dataclass(frozen=True, slots=True)
class Layout:
    """The drawing; what is around it, title and legend, is not in it."""

    boxes: tuple[PlacedBox, ...]
    arrows: tuple[PlacedArrow, ...]
    width: float
    height: float


def layout(diagram: Diagram) -> Layout:
    """Return where everything in the picture of `diagram` is."""
    layered = layers(diagram)
    put_in_order(layered)
    return _Drawing(layered).laid_out()


class _Drawing:
    """Columns are given their place from left to right, and each the turns of the arrows behind it."""

    def __init__(self, layered: Layers) -> None:
        self._columns = layered.columns
        self._ways = layered.ways
        self._heights = {place: height(place, LINE) for column in self._columns for place in column}
        self._middles = middles(layered, self._heights)
        self._turns: dict[Strand, Turn] = {}
        self._left: list[float] = []
        self._right: list[float] = []
        self._tracks: list[float] = []
        x = 0.0
        for column, places in enumerate(self._columns):
            width = max((_width(place.box) for place in places if place.box), default=0.0)
            tracks = self._route(layered.strands(column))
            forks = any(place.box and place.box.forks for place in places)
            self._left.append(x)
            self._right.append(x + width)
            self._tracks.append(x + width + _AFTER + (_FORK_STUB + 2 * FORK - 5 if forks else 0.0))
            x = self._tracks[-1] + max(tracks - 1, 0) * _TRACK + _BEFORE

    def laid_out(self) -> Layout:
        boxes = [box for column in self._columns for place in column for box in self._placed(place)]
        arrows = [PlacedArrow(way.arrow, self._corners(way)) for way in self._ways]
        rows = [corner.y for arrow in arrows for corner in arrow.corners]
        top = min([box.y for box in boxes] + rows, default=0.0)
        bottom = max([box.y + box.height for box in boxes] + rows, default=0.0)
        return Layout(
            tuple(_lowered(box, -top) for box in boxes),
            tuple(PlacedArrow(one.arrow, tuple(Point(x, y - top) for x, y in one.corners)) for one in arrows),
            max(self._right, default=0.0),
            bottom - top,
        )

    def _route(self, strands: Sequence[Strand]) -> int:
        """Choose the turns of the strands between a column and the next; return how many tracks they need."""
        for strand in strands:
            row = self._middles[strand.start] + departure(strand.start, strand)
            self._turns[strand] = Turn(row, [self._arrival(strand, end) for end in strand.ends])
        turns = [self._turns[strand] for strand in strands]
        untangle(turns)
        for strand in strands:
            for end, found in zip(strand.ends, self._turns[strand].arrivals, strict=True):
                if end.box is None:
                    self._middles[end] = found.row
        return choose_tracks(turns)

    def _arrival(self, strand: Strand, end: Slot) -> Arrival:
        middle = self._middles[end]
        room = self._heights[end] / 2 - _CORNER if end.box else _LANE_SHIFT
        return Arrival(middle + arrival(end, strand), middle - room, middle + room)

    def _placed(self, place: Slot) -> Iterator[PlacedBox]:
        if place.box is None:
            return
        high, left = self._heights[place], self._left[place.column]
        right = self._right[place.column]
        fork = None
        if place.box.forks and any(not strand.backwards for strand in place.departures):
            fork = Point(right + _FORK_STUB + FORK, self._middles[place])
        yield PlacedBox(place.box, left, self._middles[place] - high / 2, right - left, high, fork)

    def _corners(self, way: ArrowPath) -> tuple[Point, ...]:
        corners = []
        for strand, end in zip(way.strands, way.places[1:], strict=True):
            turn, column = self._turns[strand], strand.start.column
            row = turn.arrivals[strand.ends.index(end)].row
            corners.append(Point(self._right[column], turn.parts[0].row))
            for part in turn.parts:
                if part.track is not None:
                    x = self._tracks[column] + part.track * _TRACK
                    corners += [Point(x, part.row), Point(x, row if part is turn else turn.row)]
            corners.append(Point(self._left[end.column], row))
        start = way.places[0]
        for placed in self._placed(start) if not way.backwards else ():
            if placed.fork:
                corners[0] = Point(placed.fork.x + max(FORK - abs(corners[0].y - placed.fork.y), 0.0), corners[0].y)
        found = tuple(_without_needless(corners))
        return found[::-1] if way.backwards else found


def _without_needless(corners: Sequence[Point]) -> Iterator[Point]:
    """Yield the corners at which the direction changes, with both ends."""
    kept: list[Point] = []
    for corner in corners:
        if kept and corner == kept[-1]:
            continue
        if len(kept) > 1 and (kept[-2].x == kept[-1].x == corner.x or kept[-2].y == kept[-1].y == corner.y):
            kept.pop()
        kept.append(corner)
    yield from kept


def _width(box: Box) -> float:
    return max(line.width for line in box.lines) + 2 * _TEXT_MARGIN[box.kind]


def _lowered(placed: PlacedBox, by: float) -> PlacedBox:
    fork = placed.fork and Point(placed.fork.x, placed.fork.y + by)
    return PlacedBox(placed.box, placed.x, placed.y + by, placed.width, placed.height, fork)
