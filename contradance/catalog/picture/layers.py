"""Which column each box stands in, and the lanes of arrows that pass columns by.

Functions stand in even columns, events in odd ones, each right of what leads to it. An arrow that would close a circle is
turned round for the layout, and drawn backwards. All arrows of one kind from one box share their way: where it passes
a column by, it has one lane there.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from contradance.catalog.picture.diagram import Arrow, Box, Diagram


@dataclass(eq=False)
class Slot:
    """What takes up room in a column: a box, or a lane that passes it by."""

    column: int
    box: Box | None
    """None where it is a lane."""
    arrivals: "list[Strand]" = field(default_factory=list)
    """What comes in from the left, from top to bottom once ordered."""
    departures: "list[Strand]" = field(default_factory=list)
    """What goes on to the right, from top to bottom once ordered."""


@dataclass(eq=False)
class Strand:
    """The part of a way between two columns: from one place to the places in the next that it leads to."""

    start: Slot
    ends: list[Slot]
    failing: bool
    backwards: bool
    """Whether it is drawn from its end to its start."""


@dataclass(eq=False)
class ArrowPath:
    """One arrow: the places that it leads by, from left to right."""

    arrow: Arrow
    places: list[Slot]
    strands: list[Strand]
    backwards: bool


@dataclass(eq=False)
class Layers:
    """The columns, from left to right, each from top to bottom, and the arrows' ways by them."""

    columns: list[list[Slot]]
    ways: list[ArrowPath]

    def strands(self, column: int) -> list[Strand]:
        """Return what leads from `column` to the next, from top to bottom."""
        return [strand for place in self.columns[column] for strand in place.departures]


def layers(diagram: Diagram) -> Layers:
    """Return the boxes in columns and the arrows in strands."""
    boxes = {box.key: box for box in diagram.boxes}
    turned = _closing(boxes, diagram.arrows)
    onwards = [(arrow.head, arrow.tail) if arrow in turned else (arrow.tail, arrow.head) for arrow in diagram.arrows]
    placed = _columns(boxes, onwards)
    places = {key: Slot(placed[key], box) for key, box in boxes.items()}
    columns: list[list[Slot]] = [[] for _ in range(max(placed.values(), default=-1) + 1)]
    for place in places.values():
        columns[place.column].append(place)
    lanes: dict[tuple[object, int], Slot] = {}
    strands: dict[tuple[object, int], Strand] = {}
    ways = []
    for arrow, (first, last) in zip(diagram.arrows, onwards, strict=True):
        backwards = arrow in turned
        shared = (first, arrow.failing, arrow if backwards else None)
        way = ArrowPath(arrow, [places[first]], [], backwards)
        for column in range(placed[first] + 1, placed[last] + 1):
            here = way.places[-1]
            if (shared, column) not in strands:
                strands[shared, column] = Strand(here, [], arrow.failing, backwards)
                here.departures.append(strands[shared, column])
            strand = strands[shared, column]
            if column == placed[last]:
                end = places[last]
            elif (shared, column) in lanes:
                end = lanes[shared, column]
            else:
                end = lanes[shared, column] = Slot(column, None)
                columns[column].append(end)
            if end not in strand.ends:
                strand.ends.append(end)
                end.arrivals.append(strand)
            way.strands.append(strand)
            way.places.append(end)
        ways.append(way)
    return Layers(columns, ways)


def _closing(boxes: dict[str, Box], arrows: Sequence[Arrow]) -> set[Arrow]:
    """Return the arrows that close a circle, walking from what nothing leads to."""
    leaving: dict[str, list[Arrow]] = {key: [] for key in boxes}
    for arrow in arrows:
        leaving[arrow.tail].append(arrow)
    closing: set[Arrow] = set()
    ended: set[str] = set()
    led_to = {arrow.head for arrow in arrows}
    for start in sorted(boxes, key=lambda key: key in led_to):
        if start in ended:
            continue
        walking: dict[str, Iterator[Arrow]] = {start: iter(leaving[start])}
        while walking:
            key, rest = next(reversed(walking.items()))
            following = next(rest, None)
            if following is None:
                ended.add(key)
                del walking[key]
            elif following.head in walking:
                closing.add(following)
            elif following.head not in ended:
                walking[following.head] = iter(leaving[following.head])
    return closing


def _columns(boxes: dict[str, Box], onwards: Sequence[tuple[str, str]]) -> dict[str, int]:
    """Return the column of each box: as far left as what leads to it allows; what nothing leads to, as far right."""
    before: dict[str, list[str]] = {key: [] for key in boxes}
    after: dict[str, list[str]] = {key: [] for key in boxes}
    for tail, head in onwards:
        before[head].append(tail)
        after[tail].append(head)
    columns: dict[str, int] = {}
    waiting = {key: len(before[key]) for key in boxes}
    ready = [key for key in boxes if not waiting[key]]
    for key in ready:
        parity = int(boxes[key].kind == "event")
        columns[key] = max((columns[one] + 1 for one in before[key]), default=parity)
        for one in after[key]:
            waiting[one] -= 1
            if not waiting[one]:
                ready.append(one)
    for key in boxes:
        if not before[key] and after[key]:
            columns[key] = min(columns[one] for one in after[key]) - 1
    leftmost = min(columns.values(), default=0)
    return {key: column - leftmost for key, column in columns.items()}
