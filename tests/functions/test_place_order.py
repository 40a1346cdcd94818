from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from contradance import HttpError
from contradance.testing import sample, unit_of_work
from food_contracts.orders import OrderPlaced
from food_contracts.values import MAX_AMOUNT, Currency, Money, OrderLine
from functions.orders.place_order import PlaceOrder, place_order, total_of
from functions.orders.tables import OrderStatus, orders
from tests.functions.given import delivery


def request(**changes: Any) -> PlaceOrder:
    """Return the request that places the sample order."""
    asked = sample(OrderPlaced).model_dump(mode="json", include=set(PlaceOrder.model_fields))
    return PlaceOrder.model_validate({**asked, **changes})


def lines_of(*prices: tuple[int, int, str]) -> Sequence[OrderLine]:
    """Return order lines of (quantity, unit price, currency)."""
    return [
        OrderLine(sku="soup", name="Soup", quantity=quantity, unit_price=Money(amount=amount, currency=Currency(code)))
        for quantity, amount, code in prices
    ]


def test_an_order_is_stored_answered_and_published() -> None:
    with unit_of_work():
        reply = place_order(request(), delivery())
        stored = orders.get(reply.body.order_id)

    assert stored == reply.body
    assert stored.status is OrderStatus.PLACED
    assert [change.status for change in stored.history] == [OrderStatus.PLACED]
    assert reply.publishes.order_id == stored.order_id
    assert reply.publishes.total == stored.total
    assert reply.publishes.placed_at == stored.history[0].at
    assert reply.publishes.payment_token == request().payment_token


def test_every_order_gets_an_id_of_its_own() -> None:
    with unit_of_work():
        first, second = place_order(request(), delivery()), place_order(request(), delivery())

    assert first.body.order_id != second.body.order_id


def test_the_payment_token_is_not_kept() -> None:
    with unit_of_work():
        reply = place_order(request(), delivery())

    assert "tok_visa" not in reply.body.model_dump_json()


@pytest.mark.parametrize("chosen", ["id", "order_id", "total", "status", "placed_at"])
def test_a_client_cannot_choose_what_the_server_decides(chosen: str) -> None:
    with pytest.raises(ValidationError, match="Extra inputs are not permitted"):
        request(**{chosen: "6f1c1a3e-58d6-4b0c-9d0e-0f6a4b6c2a12"})


@pytest.mark.parametrize(
    "changes",
    [
        {"quantity": 0},
        {"quantity": -1},
        {"quantity": 1.5},
        {"unit_price": {"amount": 9.5, "currency": "EUR"}},
        {"unit_price": {"amount": 950, "currency": "XXX"}},
        {"total": 1},
    ],
)
def test_a_line_that_makes_no_sense_is_refused(changes: dict[str, object]) -> None:
    line = sample(OrderPlaced).lines[0].model_dump(mode="json")

    with pytest.raises(ValidationError):
        request(lines=[{**line, **changes}])


@pytest.mark.parametrize("count", [0, 51])
def test_an_order_has_one_to_fifty_lines(count: int) -> None:
    line = sample(OrderPlaced).lines[0].model_dump(mode="json")

    with pytest.raises(ValidationError):
        request(lines=[line] * count)


@pytest.mark.parametrize("name", PlaceOrder.model_fields)
def test_a_request_is_held_to_what_its_event_demands(name: str) -> None:
    asked, told = PlaceOrder.model_fields[name], OrderPlaced.model_fields[name]

    assert (asked.annotation, asked.metadata) == (told.annotation, told.metadata)


def test_an_order_in_two_currencies_is_refused_and_nothing_is_stored() -> None:
    lines = [line.model_dump(mode="json") for line in lines_of((1, 950, "EUR"), (1, 950, "USD"))]

    with unit_of_work():
        with pytest.raises(HttpError, match="one currency") as refusal:
            place_order(request(lines=lines), delivery())
        stored = orders.scan().items

    assert refusal.value.status == 422
    assert stored == []


def test_an_order_that_costs_more_than_can_be_charged_is_refused() -> None:
    with pytest.raises(HttpError, match="at most") as refusal:
        total_of(lines_of((2, MAX_AMOUNT, "EUR")))

    assert refusal.value.status == 422


@given(st.lists(st.tuples(st.integers(1, 99), st.integers(1, 20_000)), min_size=1, max_size=50))
def test_a_total_is_the_exact_sum_of_its_lines(prices: list[tuple[int, int]]) -> None:
    total = total_of(lines_of(*[(quantity, amount, "EUR") for quantity, amount in prices]))

    assert total == Money(amount=sum(quantity * amount for quantity, amount in prices), currency=Currency.EUR)
    assert type(total.amount) is int
