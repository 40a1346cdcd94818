from datetime import timedelta
from itertools import count

import pytest

from contradance import Retry
from contradance.testing import sample, unit_of_work
from food_contracts.orders import OrderPlaced
from food_contracts.payments import PaymentFailed, PaymentFailureReason, PaymentSuccess
from functions.payments.gateway import GatewayOutage
from functions.payments.process_payment import process_payment
from functions.payments.tables import charges, gateway_key
from tests.functions.given import NOW, ORDER_ID, delivery, eur, order_paid_with


def test_a_good_card_is_charged() -> None:
    with unit_of_work():
        answer = process_payment(sample(OrderPlaced), delivery())
        charge = charges.get(ORDER_ID)

    assert isinstance(answer, PaymentSuccess)
    assert answer.total == eur(2450)
    assert answer.charged_at == NOW
    assert charge is not None
    assert charge.total == eur(2450)


@pytest.mark.parametrize(
    ("card", "reason"),
    [
        ("tok_declined", PaymentFailureReason.CARD_DECLINED),
        ("tok_expired", PaymentFailureReason.CARD_EXPIRED),
        ("tok_no_funds", PaymentFailureReason.INSUFFICIENT_FUNDS),
    ],
)
def test_a_declined_card_is_an_answer_with_a_reason(card: str, reason: PaymentFailureReason) -> None:
    with unit_of_work():
        answer = process_payment(order_paid_with(card), delivery())

    assert isinstance(answer, PaymentFailed)
    assert answer.reason is reason
    assert answer.explanation.startswith("Your card")


def test_an_outage_is_an_exception_and_leaves_no_charge() -> None:
    with unit_of_work():
        with pytest.raises(GatewayOutage):
            process_payment(order_paid_with("tok_outage"), delivery())
        charge = charges.get(ORDER_ID)

    assert charge is None


def test_an_attempt_whose_commit_was_lost_makes_the_same_charge_again() -> None:
    attempts = []
    for attempt in (1, 2):
        with unit_of_work():
            attempts.append(process_payment(sample(OrderPlaced), delivery(attempt=attempt)))

    assert attempts[0] == attempts[1]


@pytest.mark.parametrize("card", ["tok_visa", "tok_declined"])
def test_an_order_is_charged_once_however_often_payments_is_asked(card: str) -> None:
    keys = count()
    with unit_of_work():
        answers = [
            process_payment(order_paid_with(card), delivery(minutes=minutes, key=f"key-{next(keys)}"))
            for minutes in (0, 1, 60)
        ]

    assert answers[0] == answers[1] == answers[2]


def test_two_events_about_one_order_that_are_handled_at_once_are_one_charge_at_the_gateway() -> None:
    answers = []
    for key in ("key-1", "key-2"):
        with unit_of_work():
            answers.append(process_payment(sample(OrderPlaced), delivery(key=key)))

    assert answers[0] == answers[1]


def test_the_payment_token_is_not_kept() -> None:
    with unit_of_work():
        process_payment(sample(OrderPlaced), delivery())
        charge = charges.get(ORDER_ID)

    assert charge is not None
    assert "tok_visa" not in charge.model_dump_json()


def test_money_goes_through_a_queue_and_is_tried_for_six_hours() -> None:
    assert process_payment.delivery == "queue"
    assert process_payment.retry == Retry(times=5, max_age=timedelta(hours=6))
    assert process_payment.uses == {charges.write, gateway_key}
