import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from contradance.catalog.sample import sample
from contradance.errors import ContractViolation, DeclarationError
from contradance.operate.flow import Happened, flows
from contradance.operate.publishing import PUBLISHER, event_named, publish_data, seal_data
from food_contracts.payments import PaymentFailed
from functions.choreography import food_delivery
from tests.food import food

NOW = datetime(2026, 1, 31, 18, tzinfo=UTC)
DATA = sample(PaymentFailed).model_dump_json()


def test_an_event_that_is_published_by_hand_begins_a_flow_of_its_own(tmp_path: Path) -> None:
    with food(tmp_path) as system:
        laptop = system.laptop
        sealed = publish_data(food_delivery, PaymentFailed, DATA, laptop.bus, laptop.clock)
        laptop.drain()

        (flow,) = flows(laptop.journal.flows(sealed.event_id))

    (root,) = flow.roots
    assert isinstance(root, Happened)
    assert (root.event_id, root.contract) == (sealed.event_id, "food.payments/PaymentFailed v1")
    assert flow.correlation_id == sealed.correlation_id


def test_it_says_who_published_it() -> None:
    metadata = json.loads(seal_data(PaymentFailed, DATA, NOW)[-1].detail)["metadata"]

    assert metadata["publisher"] == PUBLISHER
    assert metadata["occurred_at"] == "2026-01-31T18:00:00Z"


def test_two_events_published_by_hand_are_two_events() -> None:
    first, second = (seal_data(PaymentFailed, DATA, NOW)[-1] for _ in range(2))

    assert first.event_id != second.event_id
    assert first.correlation_id != second.correlation_id


def test_what_breaks_its_contract_is_refused_by_field_and_without_its_values() -> None:
    secret = "a secret address"  # noqa: S105 - not one
    data = json.dumps(json.loads(DATA) | {"order_id": secret, "surprise": secret})

    with pytest.raises(ContractViolation) as refusal:
        seal_data(PaymentFailed, data, NOW)

    message = str(refusal.value)
    assert message.startswith(
        "the data breaks food.payments/PaymentFailed v1 (contract in food_contracts/payments.py)\n"
    )
    assert "\n  data.order_id: " in message
    assert "\n  data.surprise: " in message
    assert message.endswith("contradance events sample 'PaymentFailed v1'")
    assert secret not in message


def test_a_name_that_the_registry_does_not_hold_is_refused_with_those_it_holds() -> None:
    with pytest.raises(
        DeclarationError, match=r"'food' holds no 'Nothing'\.\n  It holds: .*OrderPlaced, PaymentFailed"
    ):
        event_named(food_delivery, "Nothing")
