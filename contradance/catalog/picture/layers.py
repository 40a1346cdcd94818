"""The columns of the picture: which column each box stands in, and the lanes of arrows that pass columns.

Functions stand in even columns, events in odd ones, each right of what leads to it. An arrow that would close a cycle is
reversed for the layout, and drawn backwards. All arrows of one kind from one box share a line: where it passes a column, it
has one lane there.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from contradance.catalog.picture.diagram import EVENTS, Arrow, Box, DiagramContent


@dataclass(eq=False)
class Slot:
    """A box in a column, or a lane that passes the column."""

    column: int
    box: Box | None
    """None for a lane."""
    arrivals: "list[Strand]" = field(default_factory=list)
    """The strands that end here, from top to bottom after `put_in_order`."""
    departures: "list[Strand]" = field(default_factory=list)
    """The strands that start here, from top to bottom after `put_in_order`."""


@dataclass(eq=False)
class Strand:
    """A line between two columns, which may branch: from one slot to one or more slots of the next column."""

    start: Slot
    ends: list[Slot]
    failing: bool
    backwards: bool
    """Whether its arrow points from its end to its start."""


@dataclass(eq=False)
class ArrowPath:
    """One arrow, and the slots and strands on its way from left to right; there is one slot more."""

    arrow: Arrow
    slots: list[Slot]
    strands: list[Strand]
    backwards: bool


@dataclass(eq=False)
class Layers:
    """The columns, from left to right, each from top to bottom, and the paths of the arrows through them."""

    columns: list[list[Slot]]
    paths: list[ArrowPath]

    def strands(self, column: int) -> list[Strand]:
        """Return the strands from `column` to the next, from top to bottom."""
        return [strand for slot in self.columns[column] for strand in slot.departures]


def layers(diagram: DiagramContent) -> Layers:
    """Return the boxes in columns, not yet in order, and the arrows in strands between neighbouring columns."""
    reversed_arrows = _closing_a_cycle(diagram)
    directed = {
        arrow: (arrow.head, arrow.tail) if arrow in reversed_arrows else (arrow.tail, arrow.head)
        for arrow in diagram.arrows
    }
    columns = _columns(diagram.boxes, [*directed.values()])
    slots = {box.key: Slot(columns[box.key], box) for box in diagram.boxes}
    layered = Layers([[] for _ in range(max(columns.values(), default=-1) + 1)], [])
    for slot in slots.values():
        layered.columns[slot.column].append(slot)
    builder = _PathBuilder(layered)
    for arrow, (first, last) in directed.items():
        builder.add(arrow, slots[first], slots[last], backwards=arrow in reversed_arrows)
    return layered


class _PathBuilder:
    """Adds arrows to layers; arrows that share a line get the same lanes and strands."""

    def __init__(self, layered: Layers) -> None:
        self._layered = layered
        self._lanes: dict[tuple[object, int], Slot] = {}
        self._strands: dict[tuple[object, int], Strand] = {}

    def add(self, arrow: Arrow, first: Slot, last: Slot, *, backwards: bool) -> None:
        """Add the path of `arrow` from the slot at its left to the one at its right."""
        # An arrow that is drawn backwards shares no line: lines branch in the direction of their arrows only.
        line = (first, arrow.failing, arrow if backwards else None)
        path = ArrowPath(arrow, [first], [], backwards)
        for column in range(first.column + 1, last.column + 1):
            start = path.slots[-1]
            end = last if column == last.column else self._lane(line, column)
            if (line, column) not in self._strands:
                self._strands[line, column] = Strand(start, [], arrow.failing, backwards)
                start.departures.append(self._strands[line, column])
            strand = self._strands[line, column]
            if end not in strand.ends:
                strand.ends.append(end)
                end.arrivals.append(strand)
            path.strands.append(strand)
            path.slots.append(end)
        self._layered.paths.append(path)

    def _lane(self, line: object, column: int) -> Slot:
        """Return the lane of a line in a column; a new one, added to the column, if it has none there."""
        if (line, column) not in self._lanes:
            self._lanes[line, column] = Slot(column, None)
            self._layered.columns[column].append(self._lanes[line, column])
        return self._lanes[line, column]


def _closing_a_cycle(diagram: DiagramContent) -> set[Arrow]:
    """Return the arrows that close a cycle, in a depth-first walk that begins at the boxes without an incoming arrow."""
    leaving: dict[str, list[Arrow]] = {box.key: [] for box in diagram.boxes}
    for arrow in diagram.arrows:
        leaving[arrow.tail].append(arrow)
    closing: set[Arrow] = set()
    done: set[str] = set()
    heads = {arrow.head for arrow in diagram.arrows}
    for start in sorted(leaving, key=lambda key: key in heads):
        if start in done:
            continue
        walk: dict[str, Iterator[Arrow]] = {start: iter(leaving[start])}
        while walk:
            key, rest = next(reversed(walk.items()))
            following = next(rest, None)
            if following is None:
                done.add(key)
                del walk[key]
            elif following.head in walk:
                closing.add(following)
            elif following.head not in done:
                walk[following.head] = iter(leaving[following.head])
    return closing


def _columns(boxes: Sequence[Box], directed: Sequence[tuple[str, str]]) -> dict[str, int]:
    """Return the column of each box: one right of the last box that leads to it.

    A box without an incoming arrow stands one left of the first box that it leads to.
    """
    before: dict[str, list[str]] = {box.key: [] for box in boxes}
    after: dict[str, list[str]] = {box.key: [] for box in boxes}
    for tail, head in directed:
        before[head].append(tail)
        after[tail].append(head)
    columns = _columns_from_the_left(boxes, before, after)
    columns |= _columns_of_starts(columns, before, after)
    leftmost = min(columns.values(), default=0)
    return {key: column - leftmost for key, column in columns.items()}


def _columns_from_the_left(
    boxes: Sequence[Box], before: Mapping[str, Sequence[str]], after: Mapping[str, Sequence[str]]
) -> dict[str, int]:
    """Return the column of each box, where functions without an incoming arrow stand in column 0, and events in 1."""
    kinds = {box.key: box.kind for box in boxes}
    columns: dict[str, int] = {}
    for key in _topological_order(before, after):
        first = int(kinds[key] in EVENTS)
        columns[key] = max((columns[tail] + 1 for tail in before[key]), default=first)
    return columns


def _topological_order(before: Mapping[str, Sequence[str]], after: Mapping[str, Sequence[str]]) -> list[str]:
    """Return the boxes, each after all boxes that lead to it; the arrows must have no cycle."""
    missing = {key: len(tails) for key, tails in before.items()}
    ready = [key for key in before if not missing[key]]
    for key in ready:
        for head in after[key]:
            missing[head] -= 1
            if not missing[head]:
                ready.append(head)
    return ready


def _columns_of_starts(
    columns: Mapping[str, int], before: Mapping[str, Sequence[str]], after: Mapping[str, Sequence[str]]
) -> dict[str, int]:
    """Return the column of each box that has outgoing arrows only: one left of the first box that it leads to."""
    return {key: min(columns[head] for head in heads) - 1 for key, heads in after.items() if heads and not before[key]}
