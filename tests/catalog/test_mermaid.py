import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

from contradance import Choreography, Contract, Registry, schedule, subscriber
from contradance.catalog.mermaid import mermaid
from functions.choreography import food_delivery

ROOT = Path(__file__).parents[2]
NODE = re.compile(r'  (\w+)(?:\["(.+)"\]|>"(.+)"\]|\(\[(.+)\]\)):::(\w+)', re.ASCII)
EDGE = re.compile(r"  (\w+) (-->|-\.->) (\w+)", re.ASCII)
CLASS = re.compile(r"  classDef (\w+) fill:\S+", re.ASCII)


class Odd(Contract, source="odd-app.a_b", subject="item", detail_type="Really.Odd-Name"):
    item: str


class OddV2(Odd, source="odd-app.a_b", subject="item", detail_type="Really.Odd-Name", version=2, upcasts=Odd):
    @classmethod
    def upcast(cls, old: Odd) -> "OddV2":
        return cls(item=old.item)


class Twin(Contract, source="odd-app.a-b", subject="item", detail_type="Really_Odd_Name"):
    item: str


registry = Registry("odd-app", [Odd, OddV2, Twin])


@subscriber(service="a")
def b_c(odd: OddV2) -> None: ...


@subscriber(service="a_b")
def c(odd: Odd | Twin) -> None: ...


@subscriber(service="event")
def keep(twin: Twin) -> None: ...


@subscriber(service="my-service")
def keep_too(twin: Twin) -> None: ...


@schedule("rate(1 day)", service="a-b")
def daily() -> Twin:
    return Twin(item="x")


odd = Choreography("odd", contracts=registry, functions=[b_c, c, keep, keep_too, daily])


def nodes(text: str) -> dict[str, str]:
    """Return the label of each node by its id."""
    found = [match.groups() for match in map(NODE.fullmatch, text.splitlines()) if match]
    assert len({node for node, *_ in found}) == len(found)
    return {node: next(filter(None, labels[:-1])) for node, *labels in found}


def edges(text: str) -> list[tuple[str, str, str]]:
    return [(match[1], match[2], match[3]) for match in map(EDGE.fullmatch, text.splitlines()) if match]


def test_every_line_is_a_node_an_edge_or_a_class() -> None:
    for choreography in (food_delivery, odd):
        first, *lines = mermaid(choreography).splitlines()

        assert first == "flowchart LR"
        assert [line for line in lines if not any(kind.fullmatch(line) for kind in (NODE, EDGE, CLASS))] == []


def test_every_edge_is_drawn_once_between_nodes_that_are_there() -> None:
    for choreography in (food_delivery, odd):
        text = mermaid(choreography)
        known, drawn = nodes(text), edges(text)

        assert len(drawn) == len(set(drawn)) == len(choreography.edges)
        assert {end for tail, _, head in drawn for end in (tail, head)} == set(known)


def test_an_edge_leads_from_the_publisher_by_the_event_to_the_consumer() -> None:
    drawn = {(tail, head) for tail, _, head in edges(mermaid(food_delivery))}

    assert ("payments_process_payment", "e_food_payments_PaymentSuccess_v1") in drawn
    assert ("e_food_payments_PaymentSuccess_v1", "restaurants_confirm_order") in drawn


def test_edges_of_failures_are_dashed_and_no_others() -> None:
    dashed = {event for tail, line, head in edges(mermaid(food_delivery)) if line == "-.->" for event in (tail, head)}

    assert {event for event in dashed if event.startswith("e_")} == {
        "e_food_payments_PaymentFailed_v1",
        "e_food_payments_PaymentReversed_v1",
        "e_food_restaurants_RestaurantOrderConfirmationFailed_v1",
    }


def test_functions_that_take_no_part_are_left_out() -> None:
    drawn = nodes(mermaid(food_delivery))

    assert "orders_place_order" in drawn
    assert "orders_show_order" not in drawn


def test_names_that_would_give_one_id_give_two() -> None:
    labels = Counter(nodes(mermaid(odd)).values())

    assert labels == {
        "b_c<br/><i>a</i>": 1,
        "c<br/><i>a_b</i>": 1,
        "keep<br/><i>event</i>": 1,
        "keep_too<br/><i>my-service</i>": 1,
        "rate(1 day)<br/>daily<br/><i>a-b</i>": 1,
        "Really.Odd-Name": 1,
        "Really.Odd-Name v2": 1,
        "Really_Odd_Name": 1,
    }


def test_a_service_may_be_called_as_a_class_of_the_picture_is() -> None:
    classes = CLASS.findall(mermaid(odd))

    assert len(classes) == len(set(classes)) == 2 + len(odd.services)


def test_every_class_that_is_used_is_defined() -> None:
    for choreography in (food_delivery, odd):
        text = mermaid(choreography)

        assert set(re.findall(r":::(\w+)", text)) <= set(CLASS.findall(text))


def test_the_picture_is_the_same_in_every_process() -> None:
    program = (
        "import sys; from contradance.catalog.mermaid import mermaid; from functions.choreography import food_delivery;"
        "sys.stdout.write(mermaid(food_delivery))"
    )
    command = [sys.executable, "-c", program]

    other = subprocess.run(command, cwd=ROOT, env={"PYTHONHASHSEED": "7"}, capture_output=True, text=True, check=True)

    assert other.stdout == mermaid(food_delivery) == mermaid(food_delivery)
