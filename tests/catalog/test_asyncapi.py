"""The AsyncAPI document, before AsyncAPI's own schema."""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator
from jsonschema.validators import validator_for

from contradance import Choreography, Registry
from contradance.catalog.asyncapi import asyncapi
from contradance.errors import DeclarationError
from food_contracts.registry import registry
from functions.choreography import food_delivery
from tests.test_evolving import PUBLISHER_MOVED

HERE = Path(__file__).parent / "asyncapi"
SPECIFICATION = json.loads((HERE / "3.0.0.json").read_text(encoding="utf-8"))


def problems(document: object) -> list[str]:
    return [f"{[*error.path]}: {error.message}" for error in Draft7Validator(SPECIFICATION).iter_errors(document)]


def references(inside: Any) -> Iterator[str]:
    if isinstance(inside, dict):
        yield from (value for key, value in inside.items() if key == "$ref")
        inside = [*inside.values()]
    for value in inside if isinstance(inside, list) else ():
        yield from references(value)


def resolved(document: Any, reference: str) -> Any:
    for step in reference.removeprefix("#/").split("/"):
        document = document[step.replace("~1", "/").replace("~0", "~")]
    return document


def test_the_specification_is_the_one_that_is_named() -> None:
    digest = hashlib.sha256((HERE / "3.0.0.json").read_bytes()).hexdigest()

    assert digest in (HERE / "README.md").read_text()
    assert validator_for(SPECIFICATION) is Draft7Validator


@pytest.mark.parametrize(
    ("checked", "function"),
    [
        (food_delivery, None),
        (food_delivery, "payments.process_payment"),
        (food_delivery, "orders.show_order"),
        (registry, None),
        (PUBLISHER_MOVED, None),
    ],
    ids=["all", "a function", "a function without events", "contracts alone", "a transition"],
)
def test_the_document_is_valid_and_every_reference_leads_somewhere(
    checked: Choreography | Registry, function: str | None
) -> None:
    document = asyncapi(checked, function=function)

    assert problems(document) == []
    assert [one for one in references(document) if not resolved(document, one)] == []
    json.dumps(document)


def test_the_specification_refuses_what_is_wrong() -> None:
    document = asyncapi(food_delivery)
    document["operations"]["odd"] = {"action": "listen"}

    assert problems(document)


def test_functions_are_applications_that_send_and_receive() -> None:
    document = asyncapi(food_delivery)

    assert document["x-applications"]["payments.process_payment"]["operations"] == [
        "payments.process_payment.consumes.food.orders.OrderPlaced.v1",
        "payments.process_payment.publishes.food.payments.PaymentSuccess.v1",
        "payments.process_payment.publishes.food.payments.PaymentFailed.v1",
    ]
    assert {name: one["action"] for name, one in document["operations"].items() if name.startswith("payments.pro")} == {
        "payments.process_payment.consumes.food.orders.OrderPlaced.v1": "receive",
        "payments.process_payment.publishes.food.payments.PaymentSuccess.v1": "send",
        "payments.process_payment.publishes.food.payments.PaymentFailed.v1": "send",
    }
    assert len(document["channels"]) == len(document["components"]["messages"]) == 7
    assert document["x-applications"]["orders.place_order"]["trigger"] == "POST /orders"


def test_one_application_names_what_it_speaks_and_nothing_else() -> None:
    document = asyncapi(food_delivery, function="loyalty.add_loyalty_points")

    assert document["info"]["title"] == "loyalty.add_loyalty_points"
    assert [*document["channels"]] == ["food.restaurants.RestaurantConfirmedOrder.v1"]
    assert [*document["x-applications"]] == ["loyalty.add_loyalty_points"]


def test_in_a_transition_the_publisher_sends_both_versions() -> None:
    operations = asyncapi(PUBLISHER_MOVED, function="loans.lend")["operations"]

    assert [*operations] == [
        "loans.lend.consumes.library.desk.BookWanted.v1",
        "loans.lend.publishes.library.loans.BookLent.v2",
        "loans.lend.publishes.library.loans.BookLent.v1",
    ]


def test_a_function_that_is_not_there_is_told() -> None:
    with pytest.raises(DeclarationError, match=r"'loans\.lend'"):
        asyncapi(food_delivery, function="loans.lend")
