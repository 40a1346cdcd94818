import pytest

from contradance import HttpError
from contradance.testing import sample, unit_of_work
from food_contracts.payments import PaymentSuccess
from food_contracts.restaurants import RestaurantOrderConfirmationFailed
from functions.payments.process_payment import process_payment
from functions.payments.reverse_payment import NothingToRefund, reverse_payment
from functions.payments.show_payment import PaymentStatus, show_payment
from functions.payments.tables import charges
from tests.functions.given import NOW, ORDER_ID, delivery, eur, order_paid_with


def pay(card: str = "tok_visa") -> str:
    """Process the payment of the sample order; return the id of the charge, if there is one."""
    answer = process_payment(order_paid_with(card), delivery(key="pay"))
    return answer.payment_id if isinstance(answer, PaymentSuccess) else ""


def test_what_was_charged_is_given_back() -> None:
    with unit_of_work():
        payment_id = pay()
        answer = reverse_payment(sample(RestaurantOrderConfirmationFailed, payment_id=payment_id), delivery())
        charge = charges.get(ORDER_ID)

    assert answer.refunded == eur(2450)
    assert answer.payment_id == payment_id
    assert answer.reversed_at == NOW
    assert charge is not None
    assert charge.refund is not None
    assert charge.refund.refund_id == answer.refund_id


def test_a_refund_is_what_was_charged_whatever_the_refusal_says() -> None:
    with unit_of_work():
        refused = sample(RestaurantOrderConfirmationFailed, payment_id=pay(), total=eur(999_999))
        answer = reverse_payment(refused, delivery())

    assert answer.refunded == eur(2450)


def test_an_order_is_refunded_once_however_often_payments_is_asked() -> None:
    with unit_of_work():
        refused = sample(RestaurantOrderConfirmationFailed, payment_id=pay())
        answers = [reverse_payment(refused, delivery(minutes=minutes, key=f"key-{minutes}")) for minutes in (0, 1, 60)]

    assert answers[0] == answers[1] == answers[2]


def test_two_refusals_of_one_order_that_are_handled_at_once_are_one_refund_at_the_gateway() -> None:
    answers = []
    for key in ("key-1", "key-2"):
        with unit_of_work():
            refused = sample(RestaurantOrderConfirmationFailed, payment_id=pay())
            answers.append(reverse_payment(refused, delivery(key=key)))

    assert answers[0] == answers[1]


def test_there_is_nothing_to_refund_where_nothing_was_asked_for() -> None:
    with unit_of_work(), pytest.raises(NothingToRefund):
        reverse_payment(sample(RestaurantOrderConfirmationFailed), delivery())


def test_there_is_nothing_to_refund_where_the_card_was_declined() -> None:
    with unit_of_work():
        pay("tok_declined")
        with pytest.raises(NothingToRefund):
            reverse_payment(sample(RestaurantOrderConfirmationFailed), delivery())


def test_a_payment_is_shown_as_charged_then_refunded() -> None:
    with unit_of_work():
        refused = sample(RestaurantOrderConfirmationFailed, payment_id=pay())
        before = show_payment(ORDER_ID)
        reverse_payment(refused, delivery())
        after = show_payment(ORDER_ID)

    assert (before.status, before.total, before.reason) == (PaymentStatus.CHARGED, eur(2450), None)
    assert after.status is PaymentStatus.REFUNDED


def test_a_declined_payment_is_shown_with_its_reason() -> None:
    with unit_of_work():
        pay("tok_declined")
        shown = show_payment(ORDER_ID)

    assert (shown.status, shown.reason) == (PaymentStatus.DECLINED, "card_declined")


def test_a_payment_that_does_not_exist_is_not_found() -> None:
    with unit_of_work(), pytest.raises(HttpError) as refusal:
        show_payment(ORDER_ID)

    assert refusal.value.status == 404
