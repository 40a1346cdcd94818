"""The position of each box and arrow in the picture, in pixels from the upper left corner of the drawing.

A drawing to the right is computed as it is. A drawing downwards is computed with the width and height of each box exchanged,
and then reflected: its rows are the columns of this text.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple

from contradance.catalog.picture.diagram import LINE, Arrow, Box, DiagramContent
from contradance.catalog.picture.layers import ArrowPath, Layers, Slot, Strand, layers
from contradance.catalog.picture.ordering import put_in_order
from contradance.catalog.picture.placing import LANE, arrival, breadth, departure, middles
from contradance.catalog.picture.routing import NEAR, Arrival, Turn, choose_tracks
from contradance.catalog.picture.untangling import untangle

Orientation = Literal["right", "down"]
"""Where time runs to: from left to right for wide pages, from top to bottom for narrow ones."""
_TEXT_MARGIN: Final = {"function": 10.0, "route": 12.0, "schedule": 12.0, "event": 12.0, "foreign": 12.0}
"""Margin to the left and to the right of a box's text, in pixels, by kind of box."""
_PADDING: Final = 9.0
"""Between the text and the upper and lower edge of its box, in pixels."""
_TRACK: Final = 14.0
"""Distance between two neighbouring tracks, in pixels."""
_AFTER: Final = 11.0
"""Distance from a column without diamonds to the first track at its right, in pixels."""
_BEFORE: Final = 16.0
"""Distance from the last track to the next column, in pixels; arrowheads need this space."""
FORK: Final = 9.0
"""Distance from the middle of a diamond to its corners, in pixels."""
_FORK_STUB: Final = 3.0
"""Distance from a box to its diamond, in pixels."""
_CORNER: Final = 4.0
"""Distance to the corners of a box, in pixels, that a shifted arrow keeps."""
_LANE_SHIFT: Final = (LANE - NEAR) / 2
"""Largest shift of a lane, in pixels: two neighbours that are shifted towards each other stay `NEAR` apart."""


class Point(NamedTuple):
    """A point of the picture."""

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
    """The middle of the diamond behind the box; None if the box has no diamond."""


class PlacedArrow(NamedTuple):
    """An arrow, and its corners from its tail to its head, both included."""

    arrow: Arrow
    corners: tuple[Point, ...]


@dataclass(frozen=True, slots=True)
class Layout:
    """The drawing, without title and legend."""

    boxes: tuple[PlacedBox, ...]
    arrows: tuple[PlacedArrow, ...]
    width: float
    height: float


def arranged(diagram: DiagramContent) -> Layers:
    """Return the columns of `diagram` in order: most of the work, and the same for each direction."""
    layered = layers(diagram)
    put_in_order(layered)
    return layered


def laid_out(layered: Layers, direction: Orientation) -> Layout:
    """Return the position of each box and arrow of columns in order, and the size of the drawing, in pixels."""
    drawn = _Drawing(layered, direction).laid_out()
    return drawn if direction == "right" else _reflected(drawn)


class _Drawing:
    """Places the columns from left to right, and routes the arrows between neighbouring columns."""

    def __init__(self, layered: Layers, direction: Orientation) -> None:
        self._columns = layered.columns
        self._paths = layered.paths
        lengths = {slot: _size(slot.box, direction) for column in self._columns for slot in column}
        self._heights = {slot: breadth(slot, size[1]) for slot, size in lengths.items()}
        self._middles = middles(layered, self._heights)
        self._turns: dict[Strand, Turn] = {}
        self._left: list[float] = []
        self._right: list[float] = []
        self._tracks: list[float] = []
        x = 0.0
        for column, slots in enumerate(self._columns):
            width = max((lengths[slot][0] for slot in slots), default=0.0)
            tracks = self._route(layered.strands(column))
            forks = any(slot.box and slot.box.forks for slot in slots)
            self._left.append(x)
            self._right.append(x + width)
            self._tracks.append(x + width + _AFTER + (_FORK_STUB + 2 * FORK - 5 if forks else 0.0))
            x = self._tracks[-1] + max(tracks - 1, 0) * _TRACK + _BEFORE
        parts = [part for turn in self._turns.values() for part in turn.parts]
        edges = [self._middles[slot] + side * high / 2 for slot, high in self._heights.items() for side in (-1, 1)]
        self._top = min([part.top for part in parts] + edges, default=0.0)
        self._bottom = max([part.bottom for part in parts] + edges, default=0.0)

    def laid_out(self) -> Layout:
        """Return the placed boxes and arrows, and the size of the drawing."""
        boxes = [self._placed(slot, slot.box) for column in self._columns for slot in column if slot.box]
        arrows = [PlacedArrow(path.arrow, self._corners(path)) for path in self._paths]
        return Layout(tuple(boxes), tuple(arrows), max(self._right, default=0.0), self._bottom - self._top)

    def _route(self, strands: Sequence[Strand]) -> int:
        """Create the turns of the strands, choose their rows and tracks, and return the number of tracks."""
        for strand in strands:
            row = self._middles[strand.start] + departure(strand.start, strand)
            self._turns[strand] = Turn(row, [self._arrival(strand, end) for end in strand.ends])
        turns = [self._turns[strand] for strand in strands]
        untangle(turns)
        for strand in strands:
            for end, found in zip(strand.ends, self._turns[strand].arrivals, strict=True):
                if end.box is None:
                    self._middles[end] = found.row  # a lane leaves its column on the row of its arrival
        return choose_tracks(turns)

    def _arrival(self, strand: Strand, end: Slot) -> Arrival:
        """Return the row on which a strand arrives at a slot, and between which rows it may be shifted."""
        middle = self._middles[end]
        room = self._heights[end] / 2 - _CORNER if end.box else _LANE_SHIFT
        return Arrival(middle + arrival(end, strand), middle - room, middle + room)

    def _placed(self, slot: Slot, box: Box) -> PlacedBox:
        """Return the box of a slot with its corner and size, and its diamond if it has one."""
        left, right = self._left[slot.column], self._right[slot.column]
        y = self._middles[slot] - self._heights[slot] / 2 - self._top
        return PlacedBox(box, left, y, right - left, self._heights[slot], self._fork(slot))

    def _fork(self, slot: Slot) -> Point | None:
        """Return the middle of the diamond to the right of a box; None if the slot has no diamond."""
        if slot.box and slot.box.forks and any(not strand.backwards for strand in slot.departures):
            return Point(self._right[slot.column] + _FORK_STUB + FORK, self._middles[slot] - self._top)
        return None

    def _corners(self, path: ArrowPath) -> tuple[Point, ...]:
        """Return an arrow's corners from its tail to its head; its line begins at the diamond if there is one."""
        corners: list[Point] = []
        for strand, end in zip(path.strands, path.slots[1:], strict=True):
            turn, column = self._turns[strand], strand.start.column
            row = turn.arrivals[strand.ends.index(end)].row
            corners.append(self._point(self._right[column], turn.parts[0].row))
            for part in turn.parts:
                if part.track is not None:
                    x = self._tracks[column] + part.track * _TRACK
                    corners += [self._point(x, part.row), self._point(x, row if part is turn else turn.row)]
            corners.append(self._point(self._left[end.column], row))
        fork = None if path.backwards else self._fork(path.slots[0])
        if fork:
            x = fork.x + FORK - abs(corners[0].y - fork.y)
            corners[0] = Point(x, corners[0].y)
        found = tuple(_without_straight(corners))
        return found[::-1] if path.backwards else found

    def _point(self, x: float, row: float) -> Point:
        """Return the point at `x` on a row, counted from the upper edge of the drawing."""
        return Point(x, row - self._top)


def _without_straight(corners: Sequence[Point]) -> Iterator[Point]:
    """Yield the first corner, each corner at which the direction changes, and the last corner."""
    kept: list[Point] = []
    for corner in corners:
        if kept and corner == kept[-1]:
            continue
        if len(kept) > 1 and (kept[-2].x == kept[-1].x == corner.x or kept[-2].y == kept[-1].y == corner.y):
            kept.pop()
        kept.append(corner)
    yield from kept


def _size(box: Box | None, direction: Orientation) -> tuple[float, float]:
    """Return (extent along the arrows, extent across them) of a box; no extent without a box."""
    if box is None:
        return 0.0, 0.0
    return (_width(box), _height(box)) if direction == "right" else (_height(box), _width(box))


def _width(box: Box) -> float:
    """Return the width of a box: its widest line, and the margins of its kind."""
    return max(line.width for line in box.lines) + 2 * _TEXT_MARGIN[box.kind]


def _height(box: Box) -> float:
    """Return the height of a box's text, with the room above and below it."""
    return len(box.lines) * LINE + 2 * _PADDING


def _reflected(drawn: Layout) -> Layout:
    """Return a layout with across and down exchanged: what was right of something is below it."""
    boxes = [
        PlacedBox(one.box, one.y, one.x, one.height, one.width, one.fork and Point(one.fork.y, one.fork.x))
        for one in drawn.boxes
    ]
    arrows = [PlacedArrow(arrow, tuple(Point(y, x) for x, y in corners)) for arrow, corners in drawn.arrows]
    return Layout(tuple(boxes), tuple(arrows), drawn.height, drawn.width)
