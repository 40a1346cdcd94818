from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contradance.testing import sample, unit_of_work
from food_contracts.deliveries import DeliveryPartnerAssigned
from food_contracts.payments import PaymentFailed
from food_contracts.restaurants import RestaurantConfirmedOrder, RestaurantOrderConfirmationFailed
from functions.orders.tables import Order, OrderStatus, orders
from functions.orders.update_order_status import StatusEvent, UnknownOrder, update_order_status
from tests.functions.given import ORDER_ID
from tests.functions.test_show_orders import placed

CONFIRMED = sample(RestaurantConfirmedOrder)
ASSIGNED = sample(DeliveryPartnerAssigned)
REFUSED = sample(RestaurantOrderConfirmationFailed)
DECLINED = sample(PaymentFailed)


def order_after(news: Iterable[StatusEvent]) -> Order:
    """Return the sample order after it was told `news`, in this order."""
    with unit_of_work():
        orders.put(placed(1).model_copy(update={"order_id": ORDER_ID}))
        for event in news:
            update_order_status(event)
        order = orders.get(ORDER_ID)
    assert order is not None
    return order


@pytest.mark.parametrize(
    ("news", "status", "reason"),
    [
        (CONFIRMED, OrderStatus.CONFIRMED, None),
        (ASSIGNED, OrderStatus.DELIVERY_ASSIGNED, None),
        (REFUSED, OrderStatus.CANCELLED, "kitchen_closed"),
        (DECLINED, OrderStatus.CANCELLED, "card_declined"),
    ],
    ids=lambda value: getattr(type(value), "__name__", None),
)
def test_each_event_moves_the_status(news: StatusEvent, status: OrderStatus, reason: str | None) -> None:
    order = order_after([news])

    assert (order.status, order.reason) == (status, reason)
    assert [change.status for change in order.history] == [OrderStatus.PLACED, status]


def test_an_assignment_that_arrives_before_the_confirmation_is_not_taken_back() -> None:
    order = order_after([ASSIGNED, CONFIRMED])

    assert order.status is OrderStatus.DELIVERY_ASSIGNED


def test_cancelled_is_final() -> None:
    order = order_after([REFUSED, CONFIRMED, ASSIGNED])

    assert (order.status, order.reason) == (OrderStatus.CANCELLED, "kitchen_closed")


def test_the_history_shows_when_things_happened_rather_than_when_they_were_heard_of() -> None:
    order = order_after([ASSIGNED, CONFIRMED])

    assert [change.at for change in order.history[1:]] == [CONFIRMED.confirmed_at, ASSIGNED.assigned_at]


def shuffled(*news: StatusEvent) -> st.SearchStrategy[list[StatusEvent]]:
    """Return a strategy for all ways to hear `news`: in any order, each one to three times."""
    return (
        st.tuples(*[st.integers(1, 3)] * len(news))
        .map(lambda times: [event for event, count in zip(news, times, strict=True) for _ in range(count)])
        .flatmap(st.permutations)
    )


@given(shuffled(CONFIRMED, ASSIGNED))
def test_the_news_of_a_happy_order_end_the_same_in_any_order_and_any_number(news: list[StatusEvent]) -> None:
    assert order_after(news) == order_after([CONFIRMED, ASSIGNED])


@given(st.one_of(shuffled(REFUSED), shuffled(DECLINED)))
def test_the_news_of_a_cancelled_order_end_the_same_in_any_number(news: list[StatusEvent]) -> None:
    assert order_after(news) == order_after(news[:1])


@given(shuffled(CONFIRMED, ASSIGNED, REFUSED, DECLINED))
def test_even_news_that_never_come_together_end_the_same_in_any_order(news: list[StatusEvent]) -> None:
    assert order_after(news) == order_after([CONFIRMED, ASSIGNED, REFUSED, DECLINED])


@pytest.mark.parametrize("news", [CONFIRMED, ASSIGNED, REFUSED, DECLINED], ids=lambda news: type(news).__name__)
def test_news_of_an_unknown_order_are_raised_and_store_nothing(news: StatusEvent) -> None:
    with unit_of_work():
        with pytest.raises(UnknownOrder):
            update_order_status(news)
        stored = orders.scan().items

    assert stored == []
