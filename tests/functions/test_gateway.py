import pytest

from food_contracts.payments import PaymentFailureReason
from functions.payments.gateway import Approved, Declined, GatewayOutage, connect
from tests.functions.given import eur

gateway = connect("a key")


def test_most_tokens_are_approved() -> None:
    assert isinstance(gateway.charge(eur(2450), "tok_visa", "key-1"), Approved)


def test_the_same_key_is_the_same_charge_and_another_key_another() -> None:
    first = gateway.charge(eur(2450), "tok_visa", "key-1")

    assert gateway.charge(eur(2450), "tok_visa", "key-1") == first
    assert gateway.charge(eur(2450), "tok_visa", "key-2") != first


def test_the_same_key_is_the_same_refund_and_no_charge() -> None:
    refund = gateway.refund("pay_1", eur(2450), "key-1")

    assert gateway.refund("pay_1", eur(2450), "key-1") == refund
    assert gateway.charge(eur(2450), "tok_visa", "key-1") != Approved(refund)


@pytest.mark.parametrize(
    ("token", "reason"),
    [
        ("tok_declined", PaymentFailureReason.CARD_DECLINED),
        ("tok_expired", PaymentFailureReason.CARD_EXPIRED),
        ("tok_no_funds", PaymentFailureReason.INSUFFICIENT_FUNDS),
    ],
)
def test_some_tokens_are_declined_with_a_reason(token: str, reason: PaymentFailureReason) -> None:
    assert gateway.charge(eur(2450), token, "key-1") == Declined(reason)


def test_one_token_meets_an_outage() -> None:
    with pytest.raises(GatewayOutage):
        gateway.charge(eur(2450), "tok_outage", "key-1")


def test_the_gateway_does_not_show_its_key() -> None:
    assert "a key" not in repr(gateway)
