import subprocess
import sys
from collections.abc import Iterator, Sequence
from functools import cache
from itertools import combinations, pairwise
from pathlib import Path
from typing import NamedTuple
from xml.etree.ElementTree import Element, fromstring

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contradance import Choreography
from contradance.catalog.picture import Drawing, Overlay, stylesheet, svg
from contradance.catalog.picture.diagram import diagram_content
from contradance.catalog.picture.layout import Layout, Orientation, PlacedBox, Point, arranged, laid_out
from contradance.catalog.picture.legend import Legend
from contradance.catalog.picture.text import width, wrapped
from functions.choreography import food_delivery
from tests.catalog.generated import built, choreographies, connected, contract, function, of_size
from tests.examples import examples

ROOT = Path(__file__).parents[2]
NAMESPACE = "{http://www.w3.org/2000/svg}"
DIRECTIONS: tuple[Orientation, ...] = ("right", "down")


class Picture(NamedTuple):
    """A choreography, where everything in its picture is, and the picture's root element."""

    choreography: Choreography
    direction: Orientation
    layout: Layout
    root: Element

    def begins(self, box: PlacedBox) -> float:
        """How far a box is from the side where time begins."""
        return box.x if self.direction == "right" else box.y

    def leads_back(self, corners: Sequence[Point]) -> bool:
        """Whether an arrow points against time."""
        if self.direction == "right":
            return corners[0].x > corners[-1].x
        return corners[0].y > corners[-1].y


def picture_of(choreography: Choreography, direction: Orientation = "right") -> Picture:
    drawn = drawn_as(svg(choreography, direction))
    return Picture(choreography, direction, laid_out(arranged(diagram_content(choreography)), direction), drawn)


def drawn_as(text: str) -> Element:
    """Return the root element of an SVG text."""
    return fromstring(text)  # noqa: S314 - our own picture


@cache
def picture(name: str, direction: Orientation = "right") -> Picture:
    """Return one of the pictures that many tests look at."""
    known = {"food": food_delivery, "one function": built([function("a", "x", [], [])], [])}
    return picture_of(known[name] if name in known else of_size(60, int(name.rpartition(" ")[2])), direction)


class Area(NamedTuple):
    left: float
    top: float
    right: float
    bottom: float

    def meets(self, other: "Area") -> bool:
        """Whether two areas have an inner point in common."""
        beside = self.right <= other.left or other.right <= self.left
        return not beside and self.top < other.bottom and other.top < self.bottom

    def grown(self, margin: float) -> "Area":
        return Area(self.left - margin, self.top - margin, self.right + margin, self.bottom + margin)

    def holds(self, other: "Area") -> bool:
        return self.grown(0.05).meets(other) and (
            self.left - 0.05 <= other.left
            and self.top - 0.05 <= other.top
            and other.right <= self.right + 0.05
            and other.bottom <= self.bottom + 0.05
        )


def area(box: PlacedBox) -> Area:
    return Area(box.x, box.y, box.x + box.width, box.y + box.height)


class Line(NamedTuple):
    """A straight piece of an arrow, from left to right or from top to bottom."""

    level: float
    """The y of a row, or the x of a track."""
    start: float
    end: float
    owner: tuple[str, bool, str]
    """The same for arrows that share their way: those of one kind from one box, but for those that lead back."""


def lines(drawn: Picture) -> tuple[list[Line], list[Line]]:
    """Return the pieces of arrows that lie on rows, and those that lie on tracks; each piece once."""
    rows, tracks = set(), set()
    for arrow, corners in drawn.layout.arrows:
        owner = (arrow.tail, arrow.failing, arrow.head if drawn.leads_back(corners) else "")
        for a, b in pairwise(corners):
            assert (a.x == b.x) != (a.y == b.y), "arrows run along rows and tracks"
            if a.y == b.y:
                rows.add(Line(a.y, min(a.x, b.x), max(a.x, b.x), owner))
            else:
                tracks.add(Line(a.x, min(a.y, b.y), max(a.y, b.y), owner))
    return sorted(rows), sorted(tracks)


def check_geometry(drawn: Picture) -> None:
    """Hold everything that makes a picture readable against one layout."""
    boxes = {placed.box.key: placed for placed in drawn.layout.boxes}
    for one, other in combinations(drawn.layout.boxes, 2):
        assert not area(one).grown(4).meets(area(other).grown(4)), (one.box.key, other.box.key)
    rows, tracks = lines(drawn)
    pieces = [(line.owner, Area(line.start, line.level, line.end, line.level).grown(0.1)) for line in rows]
    pieces += [(line.owner, Area(line.level, line.start, line.level, line.end).grown(0.1)) for line in tracks]
    for owner, piece in pieces:
        crossed = [key for key, placed in boxes.items() if area(placed).grown(-0.2).meets(piece)]
        assert not crossed, (owner, crossed)
    for arrow, corners in drawn.layout.arrows:
        check_end(boxes[arrow.tail], corners[0], drawn.direction)
        check_end(boxes[arrow.head], corners[-1], drawn.direction)
    right = drawn.direction == "right"
    check_apart(rows, "row", LEAST_OF_ROWS if right else LEAST_OF_TRACKS)
    check_apart(tracks, "track", LEAST_OF_TRACKS if right else LEAST_OF_ROWS)


def check_end(box: PlacedBox, at: Point, direction: Orientation) -> None:
    """An arrow touches the side of its box where time arrives or leaves, or the fork behind it."""
    if direction == "right":
        on_side = at.x in (box.x, box.x + box.width) and box.y < at.y < box.y + box.height
    else:
        on_side = at.y in (box.y, box.y + box.height) and box.x < at.x < box.x + box.width
    on_fork = box.fork is not None and abs(abs(at.x - box.fork.x) + abs(at.y - box.fork.y) - 9) < 0.1
    assert on_side or on_fork, (box.box.key, at)


LEAST_OF_ROWS, LEAST_OF_TRACKS = 4, 12
"""Least distance of lines on rows, which run far, and on tracks, where many lie side by side; exchanged downwards."""


def check_apart(sorted_lines: list[Line], kind: str, least: float) -> None:
    """Two arrows that do not share their way never run on top of each other, or so near that they look like one."""
    for position, one in enumerate(sorted_lines):
        for other in sorted_lines[position + 1 :]:
            if other.level - one.level >= least:
                break
            common = min(one.end, other.end) - max(one.start, other.start)
            assert one.owner == other.owner or common <= 1, (one, other, f"on one {kind}")


def check_labels(drawn: Picture) -> None:
    """Every label lies inside its box, every text in the picture, and none on another."""
    page = Area(0, 0, float(drawn.root.get("width", 0)), float(drawn.root.get("height", 0)))
    written = sorted(texts(drawn.root), key=lambda one: one[1].top)
    for position, (text, one) in enumerate(written):
        assert page.holds(one), (text, one)
        for other_text, other in written[position + 1 :]:
            if other.top >= one.bottom:
                break
            assert not one.meets(other), (text, other_text)
    for placed in drawn.layout.boxes:
        widest = max(line.width for line in placed.box.lines)
        assert widest + 12 <= placed.width, placed.box.key
        assert len(placed.box.lines) * 15 + 12 <= placed.height, placed.box.key


def texts(root: Element) -> Iterator[tuple[str, Area]]:
    """Yield every text of the picture with the area that it takes, in coordinates of the page."""

    def walk(element: Element, x: float, y: float) -> Iterator[tuple[str, Area]]:
        moved = element.get("transform", "").removeprefix("translate(").removesuffix(")").split()
        dx, dy = map(float, moved) if moved else (0.0, 0.0)
        if element.tag == f"{NAMESPACE}text" and element.text:
            size = 17 if element.get("class") == "title" else 11.5
            length = float(element.get("textLength") or width(element.text, size, bold=size == 17))
            left = x + float(element.get("x", 0)) - (length / 2 if element.get("text-anchor") == "middle" else 0)
            base = y + float(element.get("y", 0))
            yield element.text, Area(left, base - 9, left + length, base + 3)
        for child in element:
            yield from walk(child, x + dx, y + dy)

    yield from walk(root, 0.0, 0.0)


def check_complete(drawn: Picture) -> None:
    """Every function that takes part, every event and every edge is drawn once, and nothing else."""
    keys = [element.get("data-box") for element in drawn.root.iter() if element.get("data-box")]
    ways = [
        (element.get("data-tail"), element.get("data-head"))
        for element in drawn.root.iter()
        if element.get("data-tail")
    ]
    ends = {
        (edge.function, str(edge.contract.identity))[:: 1 if edge.kind == "publishes" else -1]
        for edge in drawn.choreography.edges
    }
    assert len(keys) == len(set(keys))
    assert set(keys) == {end for pair in ends for end in pair}
    assert sorted(ways) == sorted(ends)


def check(drawn: Picture) -> None:
    check_geometry(drawn)
    check_labels(drawn)
    check_complete(drawn)


@pytest.mark.parametrize("direction", DIRECTIONS)
@pytest.mark.parametrize("name", ["food", "one function", *(f"60 functions, seed {seed}" for seed in range(1, 4))])
def test_a_picture_is_readable_and_complete(name: str, direction: Orientation) -> None:
    check(picture(name, direction))


def check_both(choreography: Choreography) -> None:
    for direction in DIRECTIONS:
        check(picture_of(choreography, direction))


def test_the_picture_names_how_many_of_the_functions_it_shows() -> None:
    shown = svg(food_delivery)

    assert len(food_delivery.functions) == 13
    assert shown.count("8 of 13 functions · 7 events · 6 services") == 2


@examples(12)
@given(choreographies())
def test_the_picture_of_any_choreography_is_readable_and_complete(choreography: Choreography) -> None:
    check_both(choreography)


@examples(3)
@given(choreographies(functions=20, contracts=20, consumes=6, publishes=5))
def test_the_picture_of_a_dense_choreography_is_readable_and_complete(choreography: Choreography) -> None:
    check_both(choreography)


@examples(3)
@given(st.builds(of_size, st.integers(12, 60), st.integers(7, 10_000)))
def test_the_picture_of_a_grown_choreography_is_readable_and_complete(choreography: Choreography) -> None:
    check_both(choreography)


@examples(6)
@given(choreographies(), st.sampled_from(DIRECTIONS), st.data())
def test_a_services_part_is_readable_and_has_its_boxes_and_their_neighbours(
    choreography: Choreography, direction: Orientation, data: st.DataObject
) -> None:
    whole = diagram_content(choreography)
    service = data.draw(st.sampled_from(whole.services or ["none"]))

    part = whole.of_service(service)

    own = {box.key for box in whole.boxes if box.service == service}
    ways = {(arrow.tail, arrow.head) for arrow in whole.arrows if {arrow.tail, arrow.head} & own}
    assert {box.key for box in part.boxes} == own.union(*ways)
    assert {(arrow.tail, arrow.head) for arrow in part.arrows} == ways
    drawn = Picture(
        choreography, direction, laid_out(arranged(part), direction), drawn_as(Drawing(part, direction).svg())
    )
    check_geometry(drawn)
    check_labels(drawn)


def test_a_part_has_the_colours_of_the_whole() -> None:
    def colours(drawing: Drawing) -> dict[str | None, str]:
        drawn = drawn_as(drawing.svg())
        return {
            one.get("data-box"): (one.get("class") or "").split()[-1] for one in drawn.iter() if one.get("data-box")
        }

    whole = diagram_content(food_delivery)

    assert colours(Drawing(whole.of_service("loyalty"))).items() <= colours(Drawing(whole)).items()


FOUND = {
    "two arrows that exchange their rows": connected(
        [
            ([2], [0, 1, 2]),
            ([], [6]),
            ([0, 3], [4]),
            ([1, 6], [3]),
            ([6, 2, 5], [3, 0, 6]),
            ([4], []),
            ([5, 0, 1, 4], [2]),
        ]
    ),
    "an arrow that leads back, and a fork": connected([([0, 1], [1, 0])], failures=[0]),
}


@pytest.mark.parametrize("name", FOUND)
def test_a_picture_that_was_once_hard_to_read_is_readable(name: str) -> None:
    check_both(FOUND[name])


def test_a_title_and_a_service_wider_than_the_drawing_are_inside_the_page() -> None:
    begun = contract("a", "Begun")
    functions = [function("a", "begin", [], [begun]), function("s" * 150, "end", [begun], [])]

    check(picture_of(built(functions, [begun], name="library" * 20)))


def test_a_name_as_long_as_aws_allows_is_broken_at_once() -> None:
    lines = wrapped("Aa" * 64, 13, 80, bold=True)

    assert "".join(lines) == "Aa" * 64
    assert max(map(len, lines)) - min(map(len, lines)) <= 4


def test_the_happy_path_is_one_straight_line() -> None:
    middles = {placed.box.key: placed.y + placed.height / 2 for placed in picture("food").layout.boxes}

    path = [
        "orders.place_order",
        "food.orders/OrderPlaced v1",
        "payments.process_payment",
        "food.payments/PaymentSuccess v1",
        "restaurants.confirm_order",
        "food.restaurants/RestaurantConfirmedOrder v1",
        "deliveries.assign_delivery_partner",
        "food.deliveries/DeliveryPartnerAssigned v1",
    ]
    assert len({middles[key] for key in path}) == 1


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_time_runs_in_the_direction_of_the_picture(direction: Orientation) -> None:
    drawn = picture("food", direction)
    where = {placed.box.key: drawn.begins(placed) for placed in drawn.layout.boxes}

    assert all(where[arrow.tail] < where[arrow.head] for arrow, _ in drawn.layout.arrows)


def test_a_picture_downwards_is_narrow_enough_for_a_phone_to_show_names_ten_pixels_high() -> None:
    drawn = picture("food", "down").root

    assert 13 * 366 / float(drawn.get("width", "0")) >= 10


def test_at_a_thousand_pixels_names_are_at_least_eleven_pixels_high() -> None:
    drawn = picture("food").root

    assert 13 * 1000 / float(drawn.get("width", "0")) >= 11


def test_a_cycle_is_drawn_with_an_arrow_that_leads_back() -> None:
    asked = contract("a", "Asked")
    answered = contract("b", "Answered")
    functions = [
        function("a", "begin", [], [asked]),
        function("b", "answer", [asked], [answered]),
        function("a", "ask_again", [answered], [asked]),
    ]
    drawn = picture_of(built(functions, [asked, answered]))

    back = [arrow for arrow, corners in drawn.layout.arrows if drawn.leads_back(corners)]
    assert [(arrow.tail, arrow.head) for arrow in back] == [("a.ask_again", "library.a/Asked v1")]
    check(drawn)


def test_alternatives_fork_and_a_single_outcome_does_not() -> None:
    forks = {placed.box.key for placed in picture("food").layout.boxes if placed.fork}

    assert forks == {"payments.process_payment", "restaurants.confirm_order"}


def test_the_failure_path_differs_in_shape_and_in_line_and_not_in_colour_alone() -> None:
    drawn = picture("food").root

    def outlines(kind: str) -> set[str]:
        found = [element for element in drawn.iter() if (element.get("class") or "").split()[:1] == ["box"]]
        return {
            child.tag.removeprefix(NAMESPACE)
            for element in found
            if (element.get("class") or "").removeprefix("box ").startswith(kind)
            for child in element
            if child.get("class") == "shape"
        }

    assert outlines("event failing") == {"path"}
    assert outlines("event") - outlines("event failing") == {"rect"}
    rules = {line.partition(" {")[0]: line for line in stylesheet().splitlines()}
    assert "stroke-dasharray" in rules[".picture .failing .arrow"]
    assert "stroke-dasharray" in rules[".picture .function.failing .shape"]


def test_it_has_a_title_a_description_and_a_role() -> None:
    drawn = picture("food").root

    parts = {child.get("id"): child.text or "" for child in drawn}
    assert drawn.get("role") == "img"
    title, about = (parts[name] for name in (drawn.get("aria-labelledby") or "").split())
    assert title == "food-delivery: the choreography"
    assert (
        "payments.process_payment. Up to 6 attempts, through a queue. Publishes PaymentSuccess or PaymentFailed."
        in about
    )
    assert "Consumes OrderPlaced." in about


def test_the_legend_explains_what_is_in_the_picture_and_nothing_else() -> None:
    def meanings(choreography: Choreography) -> set[str]:
        drawn = diagram_content(choreography)
        lines = Legend(drawn, dict.fromkeys(drawn.services, 0), 1000).lines()
        return {element.text or "" for element in drawn_as(f"<g>{''.join(lines)}</g>").iter("text")}

    begun = contract("a", "Begun")
    simple = built(
        [function("a", "begin", [], [begun], begins="rate(1 day)"), function("b", "end", [begun], [])], [begun]
    )

    assert meanings(simple) == {"schedule", "function", "event", "a", "b"}
    assert {"route", "one of these outcomes", "failure path", "only after a failure", "loyalty"} <= meanings(
        food_delivery
    )


def test_with_an_overlay_the_picture_has_its_marks_and_no_stylesheet() -> None:
    overlay = Overlay(
        counts={"food.orders/OrderPlaced v1": 12},
        troubled=frozenset({"payments.process_payment"}),
        boxes=frozenset({"orders.place_order"}),
        arrows=frozenset({("orders.place_order", "food.orders/OrderPlaced v1")}),
    )

    text = Drawing(diagram_content(food_delivery)).svg(overlay)

    drawn = drawn_as(text)
    assert "<style" not in text
    assert "style=" not in text
    assert (drawn.get("class") or "") == "picture right partly"
    classes = {
        element.get("data-box"): element.get("class") or "" for element in drawn.iter() if element.get("data-box")
    }
    assert [key for key, names in classes.items() if "lit" in names] == ["orders.place_order"]
    assert [key for key, names in classes.items() if "troubled" in names] == ["payments.process_payment"]
    assert [
        element.get("data-head")
        for element in drawn.iter()
        if "lit" in (element.get("class") or "") and element.get("data-head")
    ] == ["food.orders/OrderPlaced v1"]
    assert {element.text for element in drawn.iter() if element.get("class") == "count"} == {"\n12", "\n"}


def test_a_choreography_without_events_is_drawn_without_boxes() -> None:
    drawn = picture("one function").root

    assert [element for element in drawn.iter() if element.get("data-box")] == []


def test_the_picture_is_the_same_bytes_in_every_process() -> None:
    program = (
        "import sys; from contradance.catalog.picture import svg; from tests.catalog.generated import of_size;"
        "sys.stdout.write(svg(of_size(24, 3)))"
    )
    command = [sys.executable, "-c", program]

    other = subprocess.run(command, cwd=ROOT, env={"PYTHONHASHSEED": "7"}, capture_output=True, text=True, check=True)

    assert other.stdout == svg(of_size(24, 3))


@pytest.mark.parametrize(
    ("name", "lines"),
    [
        ("OrderPlaced", ("OrderPlaced",)),
        ("RestaurantOrderConfirmationFailed", ("Restaurant", "Order", "Confirmation", "Failed")),
        ("remind_reader_again", ("remind_", "reader_again")),
        ("GET /loans/{loan_id}", ("GET /loans", "/{loan_id}")),
        ("x" * 45, ("x" * 20, "x" * 20, "x" * 5)),
    ],
)
def test_a_long_name_is_broken_where_a_reader_would_break_it(name: str, lines: tuple[str, ...]) -> None:
    assert wrapped(name, 13, 90, bold=True) == lines
