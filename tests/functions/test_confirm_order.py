from datetime import timedelta
from uuid import UUID

import pytest

from contradance.testing import sample, unit_of_work
from food_contracts.payments import PaymentSuccess
from food_contracts.restaurants import RefusalReason, RestaurantConfirmedOrder, RestaurantOrderConfirmationFailed
from functions.restaurants.chance import is_declined
from functions.restaurants.confirm_order import confirm_order
from functions.restaurants.kitchens import KITCHENS
from functions.restaurants.tables import diaries
from tests.functions.given import NOW, ORDER_ID, delivery, order_id

LUIGIS = KITCHENS["luigis"]
TINY_THAI = KITCHENS["tiny-thai"]


def ready_in(answer: RestaurantConfirmedOrder | RestaurantOrderConfirmationFailed) -> timedelta:
    """Return how long the customer waits for the kitchen."""
    assert isinstance(answer, RestaurantConfirmedOrder)
    return answer.ready_at - answer.confirmed_at


def test_an_open_kitchen_confirms_and_says_when_the_meal_is_ready() -> None:
    with unit_of_work():
        answer = confirm_order(sample(PaymentSuccess), delivery())

    assert isinstance(answer, RestaurantConfirmedOrder)
    assert answer.confirmed_at == NOW
    assert answer.ready_at == NOW + LUIGIS.busy_for


@pytest.mark.parametrize(
    ("restaurant_id", "reason"),
    [("nowhere", RefusalReason.UNKNOWN_RESTAURANT), ("night-owl", RefusalReason.KITCHEN_CLOSED)],
)
def test_a_refusal_is_an_answer_with_a_reason(restaurant_id: str, reason: RefusalReason) -> None:
    paid = sample(PaymentSuccess, restaurant_id=restaurant_id)

    with unit_of_work():
        answer = confirm_order(paid, delivery())

    assert isinstance(answer, RestaurantOrderConfirmationFailed)
    assert answer.reason is reason
    assert answer.explanation
    assert (answer.payment_id, answer.total) == (paid.payment_id, paid.total)


def test_a_busy_kitchen_makes_the_customer_wait_and_then_refuses() -> None:
    with unit_of_work():
        answers = [
            confirm_order(sample(PaymentSuccess, order_id=order_id(n), restaurant_id="tiny-thai"), delivery())
            for n in range(4)
        ]

    assert [ready_in(answer) for answer in answers[:3]] == [TINY_THAI.busy_for * n for n in (1, 2, 3)]
    assert isinstance(answers[3], RestaurantOrderConfirmationFailed)
    assert answers[3].reason is RefusalReason.OVER_CAPACITY


def test_a_kitchen_has_room_again_later() -> None:
    with unit_of_work():
        for number in range(4):
            confirm_order(sample(PaymentSuccess, order_id=order_id(number), restaurant_id="tiny-thai"), delivery())
        answer = confirm_order(sample(PaymentSuccess, restaurant_id="tiny-thai"), delivery(minutes=45))

    assert ready_in(answer) == TINY_THAI.busy_for


@pytest.mark.parametrize("restaurant_id", ["luigis", "night-owl"])
def test_a_restaurant_decides_about_an_order_once(restaurant_id: str) -> None:
    paid = sample(PaymentSuccess, restaurant_id=restaurant_id)

    with unit_of_work():
        first = confirm_order(paid, delivery())
        again = confirm_order(paid, delivery(minutes=30))
        diary = diaries.get(restaurant_id)

    assert again == first
    assert diary is None or len(diary.busy_until) == 1


@pytest.mark.parametrize("restaurant_id", ["nowhere", "night-owl"])
def test_a_refused_order_takes_no_place(restaurant_id: str) -> None:
    with unit_of_work():
        confirm_order(sample(PaymentSuccess, restaurant_id=restaurant_id), delivery())
        diary = diaries.get(restaurant_id)

    assert diary is None


def test_at_a_refusal_rate_of_one_every_order_is_declined() -> None:
    with unit_of_work(refusal_rate=1.0):
        answer = confirm_order(sample(PaymentSuccess), delivery())

    assert isinstance(answer, RestaurantOrderConfirmationFailed)
    assert answer.reason is RefusalReason.KITCHEN_DECLINED


def declined(seed: int, rate: float = 0.5) -> set[UUID]:
    """Return which of four hundred orders are declined."""
    with unit_of_work(refusal_rate=rate, refusal_seed=seed):
        answers = [
            confirm_order(sample(PaymentSuccess, order_id=order_id(n), restaurant_id="canteen"), delivery())
            for n in range(400)
        ]
    return {answer.order_id for answer in answers if isinstance(answer, RestaurantOrderConfirmationFailed)}


def test_half_of_the_orders_fail_on_purpose_and_the_same_ones_every_time() -> None:
    first = declined(seed=7)

    assert 170 < len(first) < 230
    assert declined(seed=7) == first
    assert declined(seed=8) != first


def test_without_a_refusal_rate_no_order_is_declined() -> None:
    assert declined(seed=7, rate=0.0) == set()


def test_the_draw_is_the_same_on_every_machine() -> None:
    assert [is_declined(order_id(n), 0.5, seed=0) for n in range(8)] == [False] * 3 + [True, False] + [True] * 3
    assert not is_declined(ORDER_ID, 0.0, seed=0)
