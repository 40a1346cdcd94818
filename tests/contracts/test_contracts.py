import json
from collections.abc import Iterator

import pytest
from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from contradance import Contract, mask
from contradance.annotation import models_in
from contradance.testing import sample
from food_contracts.deliveries import DeliveryPartnerAssigned
from food_contracts.orders import OrderPlaced
from food_contracts.payments import PaymentFailed, PaymentReversed, PaymentSuccess
from food_contracts.registry import registry
from food_contracts.restaurants import RestaurantConfirmedOrder, RestaurantOrderConfirmationFailed

every_contract = pytest.mark.parametrize("contract", list(registry), ids=lambda contract: contract.__name__)

PERSONAL = ("Ada Example", "ada@example.com", "1 Example Street", "10115", "Berlin", "tok_visa")


def fields_of(model: type[BaseModel]) -> Iterator[tuple[str, FieldInfo]]:
    """Yield every field of a model, however deep, by its path."""
    for name, field in model.model_fields.items():
        yield f"{model.__name__}.{name}", field
        for inner in models_in(field.annotation):
            yield from fields_of(inner)


def test_the_registry_holds_the_seven_events() -> None:
    assert [contract.identity.detail_type for contract in registry] == [
        "OrderPlaced",
        "PaymentSuccess",
        "PaymentFailed",
        "PaymentReversed",
        "RestaurantConfirmedOrder",
        "RestaurantOrderConfirmationFailed",
        "DeliveryPartnerAssigned",
    ]


def test_refusals_and_compensations_are_marked_as_failures() -> None:
    failures = {contract for contract in registry if contract.failure}

    assert failures == {PaymentFailed, PaymentReversed, RestaurantOrderConfirmationFailed}


@every_contract
def test_a_contract_is_published_by_the_service_that_its_module_is_named_after(contract: type[Contract]) -> None:
    assert contract.identity.source == "food." + contract.__module__.rpartition(".")[2]


@every_contract
def test_the_subject_is_the_order(contract: type[Contract]) -> None:
    assert sample(contract).subject == "6f1c1a3e-58d6-4b0c-9d0e-0f6a4b6c2a11"


@every_contract
def test_every_field_has_a_description_and_an_example_of_its_own_or_of_its_model(contract: type[Contract]) -> None:
    bare = [
        path
        for path, field in fields_of(contract)
        if not field.description or not (field.examples or [*models_in(field.annotation)])
    ]

    assert bare == []


@every_contract
def test_the_examples_make_a_valid_event_also_as_json(contract: type[Contract]) -> None:
    event = sample(contract)

    assert contract.model_validate_json(event.model_dump_json()) == event


@every_contract
def test_every_contract_says_in_one_sentence_what_happened(contract: type[Contract]) -> None:
    said = contract.__doc__ or ""

    assert said.endswith(".")
    assert said.count(".") == 1
    assert "\n" not in said


@every_contract
def test_an_event_is_frozen(contract: type[Contract]) -> None:
    event = sample(contract)

    with pytest.raises(ValidationError, match="frozen"):
        event.order_id = None  # type: ignore[attr-defined]


@every_contract
def test_an_unknown_field_is_refused_when_an_event_is_built(contract: type[Contract]) -> None:
    with pytest.raises(ValidationError, match="Extra inputs are not permitted"):
        sample(contract, surprise=1)


@every_contract
def test_an_unknown_field_is_ignored_at_every_depth_when_an_event_is_consumed(contract: type[Contract]) -> None:
    event = sample(contract)
    data = json.loads(event.model_dump_json())
    data["surprise"] = 1
    data["customer"]["surprise"] = 2

    consumed = contract.model_validate(data, extra="ignore")

    assert consumed == event


@every_contract
def test_no_field_takes_a_float(contract: type[Contract]) -> None:
    floats = [path for path, field in fields_of(contract) if field.annotation is float]

    assert floats == []


@every_contract
def test_every_moment_needs_its_time_zone(contract: type[Contract]) -> None:
    moments = [name for name in contract.model_fields if name.endswith("_at")]

    assert moments
    for name in moments:
        with pytest.raises(ValidationError, match="timezone"):
            sample(contract, **{name: "2026-01-31T18:00:00"})


@every_contract
def test_personal_data_is_masked(contract: type[Contract]) -> None:
    shown = json.dumps(mask(contract, json.loads(sample(contract).model_dump_json())))

    assert [personal for personal in PERSONAL if personal in shown] == []
    assert "6f1c1a3e-58d6-4b0c-9d0e-0f6a4b6c2a11" in shown


@every_contract
def test_a_refusal_to_build_an_event_never_repeats_what_it_was_given(contract: type[Contract]) -> None:
    with pytest.raises(ValidationError) as refusal:
        sample(contract, customer={"customer_id": "ada", "name": "Ada Example", "email": "not a mail address"})

    assert "not a mail address" not in str(refusal.value)


def test_the_example_total_is_the_sum_of_the_example_lines() -> None:
    placed = sample(OrderPlaced)

    assert placed.total.amount == sum(line.quantity * line.unit_price.amount for line in placed.lines)


@pytest.mark.parametrize("contract", [PaymentFailed, RestaurantOrderConfirmationFailed])
def test_a_failure_says_why_and_what_to_tell_the_customer(contract: type[Contract]) -> None:
    assert {"reason", "explanation"} <= set(contract.model_fields)


@pytest.mark.parametrize(
    ("contract", "facts"),
    [
        (OrderPlaced, {"customer", "restaurant_id", "lines", "total", "delivery_address", "payment_token"}),
        (PaymentSuccess, {"customer", "restaurant_id", "total", "delivery_address", "payment_id"}),
        (PaymentReversed, {"customer", "refunded", "payment_id", "refund_id"}),
        (RestaurantConfirmedOrder, {"customer", "total", "delivery_address", "ready_at"}),
        (RestaurantOrderConfirmationFailed, {"customer", "total", "payment_id"}),
        (DeliveryPartnerAssigned, {"customer", "delivery_address", "partner_id", "arrives_at"}),
    ],
)
def test_an_event_carries_what_its_consumers_need(contract: type[Contract], facts: set[str]) -> None:
    assert facts <= set(contract.model_fields)


def test_what_was_ordered_goes_no_further_than_payments() -> None:
    assert [contract for contract in registry if "lines" in contract.model_fields] == [OrderPlaced]


def test_the_payment_token_goes_no_further_than_payments() -> None:
    assert [contract for contract in registry if "payment_token" in contract.model_fields] == [OrderPlaced]
