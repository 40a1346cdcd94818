"""The SVG of single parts: lines with round corners, arrowheads, and the shape of each kind of box."""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Final

from contradance.catalog.picture.layout import FORK, PlacedBox, Point

_BEND: Final = 7.0
"""Radius of an arrow's corners, in pixels."""
_HEAD: Final = 7.0
"""Length of an arrow's head."""
_POINT: Final = 9.0
"""Length of the point at the right of a route or schedule."""
_BAR: Final = 5.0
"""Width of the coloured bar at the left of a function: its service's colour."""
_ROUND: Final = 5.0
"""Radius of a function's corners."""
_PILL: Final = 19.0
"""Largest radius of the round ends of an event."""
_CUT: Final = 10.0
"""Largest cut at the corners of an event on the failure path."""


def number(value: float) -> str:
    """Return a length rounded to a tenth of a pixel, without `.0` and `-0`."""
    return f"{round(value, 1) + 0.0:.1f}".removesuffix(".0")


def line(corners: Sequence[Point]) -> str:
    """Return the SVG path of an arrow with rounded corners; it ends inside the arrowhead."""
    *rest, last = corners
    stops = [*rest, _from(last, rest[-1], _HEAD / 2)]
    path = f"M{_point(stops[0])}"
    for before, corner, after in zip(stops, stops[1:], stops[2:], strict=False):
        radius = min(_BEND, _length(before, corner) / 2, _length(corner, after) / 2)
        path += f"L{_point(_from(corner, before, radius))}Q{_point(corner)} {_point(_from(corner, after, radius))}"
    return f"{path}L{_point(stops[-1])}"


def head(corners: Sequence[Point]) -> str:
    """Return the SVG path of an arrowhead at the last corner of an arrow."""
    before, last = corners[-2:]
    if before.x == last.x:
        return f"M{_point(last)}l-4 {number(-_HEAD if last.y > before.y else _HEAD)}h8z"
    return f"M{_point(last)}l{number(-_HEAD if last.x > before.x else _HEAD)} -4v8z"


def branch(corners: Sequence[Point], others: Sequence[Sequence[Point]]) -> tuple[Point, ...]:
    """Return the corners of an arrow from just before it separates from the last of `others`.

    A stretch that arrows share is drawn once: dashes drawn on other dashes look like a solid line.
    """
    shared = max((_shared(corners, other) for other in others), default=0.0) - _BEND
    for position, (start, end) in enumerate(pairwise(corners)):
        if 0 < shared < _length(start, end):
            return (_from(start, end, shared), *corners[position + 1 :])
        shared -= _length(start, end)
    return tuple(corners)


def stub(placed: PlacedBox, middle: Point) -> str:
    """Return the SVG path from a box to the middle of its diamond."""
    side = Point(min(middle.x, placed.x + placed.width), min(middle.y, placed.y + placed.height))
    return f"M{_point(side)}L{_point(middle)}"


def fork(middle: Point) -> str:
    """Return the SVG path of the diamond that stands for alternatives."""
    size = number(FORK)
    return f"M{number(middle.x - FORK)} {number(middle.y)}l{size} -{size} {size} {size} -{size} {size}z"


def shape(placed: PlacedBox) -> Iterator[str]:
    """Yield the outline of a box, which differs by kind, and the coloured bar of a function, route or schedule."""
    x, y, width, height = (number(side) for side in (placed.x, placed.y, placed.width, placed.height))
    match placed.box.kind:
        case "event" if placed.box.failing:
            cut = min(_CUT, placed.height / 3)
            c, w, h = number(cut), number(placed.width - 2 * cut), number(placed.height - 2 * cut)
            start = f"M{number(placed.x + cut)} {y}"
            yield f'<path class="shape" d="{start}h{w}l{c} {c}v{h}l-{c} {c}h-{w}l-{c} -{c}v-{h}z"/>'
        case "event" | "foreign":
            radius = number(min(placed.height / 2, _PILL))
            yield f'<rect class="shape" x="{x}" y="{y}" width="{width}" height="{height}" rx="{radius}"/>'
        case "function":
            r, tall = number(_ROUND), number(placed.height - 2 * _ROUND)
            yield f'<rect class="shape" x="{x}" y="{y}" width="{width}" height="{height}" rx="{r}"/>'
            yield f'<path class="bar" d="M{number(placed.x + _BAR)} {y}a{r} {r} 0 0 0 -{r} {r}v{tall}a{r} {r} 0 0 0 {r} {r}z"/>'
        case _:
            flat, half = number(placed.width - _POINT), number(placed.height / 2)
            point = number(_POINT)
            yield f'<path class="shape" d="M{x} {y}h{flat}l{point} {half}l-{point} {half}h-{flat}z"/>'
            yield f'<rect class="bar" x="{x}" y="{y}" width="{number(_BAR)}" height="{height}"/>'


def middle(placed: PlacedBox) -> float:
    """Return the x at which a box's text is centred, which leaves room for a bar and a point."""
    shift = {"event": 0.0, "foreign": 0.0, "function": _BAR / 2}.get(placed.box.kind, (_BAR - _POINT) / 2)
    return placed.x + placed.width / 2 + shift


def _shared(corners: Sequence[Point], other: Sequence[Point]) -> float:
    """Return how many pixels of their way two arrows share from their first corners on; 0 if these differ."""
    length = 0.0
    for (start, end), (begins, ends) in zip(pairwise(corners), pairwise(other), strict=False):
        near = _from(start, end, min(_length(start, end), _length(begins, ends)))
        if start != begins or near != _from(begins, ends, _length(start, near)):
            break
        length += _length(start, near)
        if end != ends:
            break
    return length


def _length(a: Point, b: Point) -> float:
    """Return the distance of two points on one row or track."""
    return abs(a.x - b.x) + abs(a.y - b.y)


def _from(start: Point, end: Point, distance: float) -> Point:
    """Return the point at `distance` from `start` in the direction of `end`, on one row or track."""
    length = _length(start, end) or 1.0
    return Point(start.x + (end.x - start.x) * distance / length, start.y + (end.y - start.y) * distance / length)


def _point(point: Point) -> str:
    """Return a point as SVG coordinates, `x y`, rounded to a tenth of a pixel."""
    return f"{number(point.x)} {number(point.y)}"
