import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from itertools import combinations, pairwise
from pathlib import Path
from typing import NamedTuple
from xml.etree.ElementTree import Element, fromstring

import pytest
from hypothesis import HealthCheck, given, settings

from contradance import Choreography
from contradance.catalog.picture import Overlay, stylesheet, svg
from contradance.catalog.picture.diagram import diagram
from contradance.catalog.picture.layout import Layout, PlacedBox, Point, layout
from contradance.catalog.picture.legend import Legend
from contradance.catalog.picture.text import width, wrapped
from functions.choreography import food_delivery
from tests.catalog.generated import built, choreographies, contract, function, of_size

ROOT = Path(__file__).parents[2]
NAMESPACE = "{http://www.w3.org/2000/svg}"
PROPERTY = settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])


@cache
def known() -> dict[str, Choreography]:
    """Return choreographies worth looking at; each is built once."""
    grown = {f"60 functions, seed {seed}": of_size(60, seed) for seed in range(1, 7)}
    return {"food": food_delivery, "one function": built([function("a", "x", [], [])], []), **grown}


NAMES = ["food", *(f"60 functions, seed {seed}" for seed in range(1, 7))]


def drawn_as(text: str) -> Element:
    """Return the root of what was drawn."""
    return fromstring(text)  # noqa: S314 - our own picture


def laid(choreography: Choreography) -> Layout:
    return layout(diagram(choreography))


class Area(NamedTuple):
    left: float
    top: float
    right: float
    bottom: float

    def meets(self, other: "Area") -> bool:
        """Whether two areas have an inner point in common."""
        beside = self.right <= other.left or other.right <= self.left
        return not beside and self.top < other.bottom and other.top < self.bottom


def area(box: PlacedBox, margin: float = 0.0) -> Area:
    return Area(box.x - margin, box.y - margin, box.x + box.width + margin, box.y + box.height + margin)


def stretch(a: Point, b: Point) -> Area:
    """Return what a stretch of an arrow covers, which is as wide as its halo."""
    return Area(min(a.x, b.x) - 2, min(a.y, b.y) - 2, max(a.x, b.x) + 2, max(a.y, b.y) + 2)


def texts(choreography: Choreography) -> list[tuple[str, Area]]:
    """Return every text of the picture with the area it takes, whatever group it is in."""

    def walk(element: Element, x: float, y: float) -> Iterator[tuple[str, Area]]:
        moved = element.get("transform", "").removeprefix("translate(").removesuffix(")").split()
        dx, dy = map(float, moved) if moved else (0.0, 0.0)
        if element.tag == f"{NAMESPACE}text" and element.text:
            length = float(element.get("textLength") or width(element.text, 17, bold=True))
            left = x + float(element.get("x", 0)) - (length / 2 if element.get("text-anchor") == "middle" else 0)
            base = y + float(element.get("y", 0))
            yield element.text, Area(left, base - 9, left + length, base + 3)
        for child in element:
            yield from walk(child, x + dx, y + dy)

    return [*walk(drawn_as(svg(choreography)), 0.0, 0.0)]


def check_geometry(choreography: Choreography) -> None:
    """Hold everything that makes a picture readable against one choreography."""
    picture = laid(choreography)
    boxes = {placed.box.key: placed for placed in picture.boxes}
    for one, other in combinations(picture.boxes, 2):
        assert not area(one, 4).meets(area(other, 4)), (one.box.key, other.box.key)
    for arrow, corners in picture.arrows:
        for a, b in pairwise(corners):
            assert a.x == b.x or a.y == b.y, "arrows run along rows and tracks"
            foreign = [placed for key, placed in boxes.items() if key not in (arrow.tail, arrow.head)]
            crossed = [placed.box.key for placed in foreign if stretch(a, b).meets(area(placed))]
            assert not crossed, (arrow, crossed)
            assert not any(
                Area(min(a.x, b.x), min(a.y, b.y), max(a.x, b.x), max(a.y, b.y)).meets(area(boxes[end]))
                for end in (arrow.tail, arrow.head)
            ), (arrow, "runs through its own end")
        check_ends(boxes[arrow.tail], corners[0])
        check_ends(boxes[arrow.head], corners[-1])
    check_apart(picture)


def check_ends(box: PlacedBox, at: Point) -> None:
    """An arrow touches the side of its box, or leaves the fork behind it."""
    beside = at.x in (box.x, box.x + box.width) or (box.fork is not None and abs(at.x - box.fork.x) < 9.1)
    assert beside, (box.box.key, at)
    assert box.y < at.y < box.y + box.height or box.fork, (box.box.key, at)


def check_apart(picture: Layout) -> None:
    """Two arrows that do not share their way never run on top of each other."""
    stretches = [
        ((arrow.tail, arrow.failing), arrow, a, b) for arrow, corners in picture.arrows for a, b in pairwise(corners)
    ]
    for (shared, arrow, a, b), (others, other, c, d) in combinations(stretches, 2):
        if shared == others:
            continue
        if a.y == b.y and c.y == d.y and abs(a.y - c.y) < 2:
            common = min(max(a.x, b.x), max(c.x, d.x)) - max(min(a.x, b.x), min(c.x, d.x))
            assert common <= 1, (arrow, other, "on one row")
        if a.x == b.x and c.x == d.x and abs(a.x - c.x) < 2:
            common = min(max(a.y, b.y), max(c.y, d.y)) - max(min(a.y, b.y), min(c.y, d.y))
            assert common <= 1, (arrow, other, "on one track")


def check_labels(choreography: Choreography) -> None:
    """Every label lies inside its box, and no text on another."""
    written = texts(choreography)
    for (said, one), (others, other) in combinations(written, 2):
        assert not one.meets(other), (said, others)
    for placed in laid(choreography).boxes:
        widest = max(line.width for line in placed.box.lines)
        assert widest + 12 <= placed.width, placed.box.key
        assert len(placed.box.lines) * 15 + 12 <= placed.height, placed.box.key


@pytest.mark.parametrize("name", NAMES)
def test_no_box_overlaps_no_arrow_crosses_a_box_and_none_runs_on_another(name: str) -> None:
    check_geometry(known()[name])


@pytest.mark.parametrize("name", NAMES)
def test_every_label_is_inside_its_box_and_on_no_other(name: str) -> None:
    check_labels(known()[name])


@PROPERTY
@given(choreographies())
def test_whatever_signatures_say_its_picture_is_readable(choreography: Choreography) -> None:
    check_geometry(choreography)
    check_labels(choreography)


@PROPERTY
@given(choreographies())
def test_every_function_that_takes_part_every_event_and_every_edge_is_drawn_once(choreography: Choreography) -> None:
    drawn = drawn_as(svg(choreography))

    keys = [element.get("data-box") for element in drawn.iter() if element.get("data-box")]
    ways = [
        (element.get("data-tail"), element.get("data-head")) for element in drawn.iter() if element.get("data-tail")
    ]
    ends = {
        (edge.function, str(edge.contract.identity))[:: 1 if edge.kind == "publishes" else -1]
        for edge in choreography.edges
    }
    assert len(keys) == len(set(keys))
    assert set(keys) == {end for pair in ends for end in pair}
    assert sorted(ways) == sorted(ends)


def test_the_happy_path_is_one_straight_line() -> None:
    middles = {placed.box.key: placed.y + placed.height / 2 for placed in laid(food_delivery).boxes}

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


def test_time_runs_from_left_to_right() -> None:
    where = {placed.box.key: placed.x for placed in laid(food_delivery).boxes}

    assert all(where[arrow.tail] < where[arrow.head] for arrow, _ in laid(food_delivery).arrows)


def test_at_a_thousand_pixels_names_are_at_least_eleven_pixels_high() -> None:
    drawn = drawn_as(svg(food_delivery))

    assert 13 * 1000 / float(drawn.get("width", "0")) >= 11


def test_a_circle_is_drawn_with_an_arrow_that_leads_back() -> None:
    asked = contract("a", "Asked")
    answered = contract("b", "Answered")
    functions = [
        function("a", "begin", [], [asked]),
        function("b", "answer", [asked], [answered]),
        function("a", "ask_again", [answered], [asked]),
    ]
    picture = laid(built(functions, [asked, answered]))

    back = [arrow for arrow, corners in picture.arrows if corners[0].x > corners[-1].x]
    assert [(arrow.tail, arrow.head) for arrow in back] == [("a.ask_again", "library.a/Asked v1")]
    check_geometry(built(functions, [asked, answered]))


def test_alternatives_fork_and_a_single_outcome_does_not() -> None:
    forks = {placed.box.key for placed in laid(food_delivery).boxes if placed.fork}

    assert forks == {"payments.process_payment", "restaurants.confirm_order"}


def test_what_is_refused_or_undone_differs_in_shape_and_in_line_and_not_in_colour_alone() -> None:
    drawn = drawn_as(svg(food_delivery))

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
    drawn = drawn_as(svg(food_delivery))

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
        drawn = diagram(choreography)
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


def test_a_page_that_brings_the_stylesheet_gets_none_and_what_it_lays_over() -> None:
    overlay = Overlay(
        counts={"food.orders/OrderPlaced v1": 12},
        troubled=frozenset({"payments.process_payment"}),
        boxes=frozenset({"orders.place_order"}),
        arrows=frozenset({("orders.place_order", "food.orders/OrderPlaced v1")}),
    )

    text = svg(food_delivery, overlay)

    drawn = drawn_as(text)
    assert "<style" not in text
    assert "style=" not in text
    assert (drawn.get("class") or "") == "picture partly"
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


def test_a_choreography_in_which_nobody_says_anything_is_drawn_all_the_same() -> None:
    drawn = drawn_as(svg(known()["one function"]))

    assert [element for element in drawn.iter() if element.get("data-box")] == []


def test_the_picture_is_the_same_bytes_in_every_process() -> None:
    program = (
        "import sys; from contradance.catalog.picture import svg; from tests.catalog.generated import of_size;"
        "sys.stdout.write(svg(of_size(40, 3)))"
    )
    command = [sys.executable, "-c", program]

    other = subprocess.run(command, cwd=ROOT, env={"PYTHONHASHSEED": "7"}, capture_output=True, text=True, check=True)

    assert other.stdout == svg(of_size(40, 3))


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
