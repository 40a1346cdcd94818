"""The payment gateway: the port that payments uses, and a fake for laptops and tests.

A real gateway is another class with these two methods, named in `connect`.
"""

from dataclasses import dataclass, field
from typing import Final, Protocol
from uuid import NAMESPACE_URL, uuid5

from food_contracts.payments import PaymentFailureReason
from food_contracts.values import Money


class GatewayOutage(Exception):
    """The gateway did not answer. Whether it charged is unknown, so the same request must be repeated."""


@dataclass(frozen=True, slots=True)
class Approved:
    """The card was charged."""

    payment_id: str


@dataclass(frozen=True, slots=True)
class Declined:
    """The card was not charged; a repetition would not change that."""

    reason: PaymentFailureReason


class Gateway(Protocol):
    """A port that moves money. Two calls with the same `idempotency_key` make one charge, or one refund."""

    def charge(self, total: Money, token: str, idempotency_key: str) -> Approved | Declined:
        """Charge the card of `token`; raise `GatewayOutage` when the gateway does not answer."""

    def refund(self, payment_id: str, total: Money, idempotency_key: str) -> str:
        """Refund a charge, and return the id of the refund; raise `GatewayOutage` when the gateway does not answer."""


_DECLINED: Final = {
    "tok_declined": PaymentFailureReason.CARD_DECLINED,
    "tok_expired": PaymentFailureReason.CARD_EXPIRED,
    "tok_no_funds": PaymentFailureReason.INSUFFICIENT_FUNDS,
}
_OUTAGE: Final = "tok_outage"


@dataclass(frozen=True, slots=True)
class PretendGateway:
    """A fake gateway: the token selects the result, and ids are derived from the idempotency key."""

    api_key: str = field(repr=False)

    def charge(self, total: Money, token: str, idempotency_key: str) -> Approved | Declined:
        """Decline or raise if the token's name selects it, else approve."""
        if token == _OUTAGE:
            raise GatewayOutage("the payment gateway does not answer")
        if token in _DECLINED:
            return Declined(_DECLINED[token])
        return Approved(_id("pay", idempotency_key))

    def refund(self, payment_id: str, total: Money, idempotency_key: str) -> str:
        """Approve every refund."""
        return _id("ref", idempotency_key)


def connect(api_key: str) -> Gateway:
    """Return the gateway of this system."""
    return PretendGateway(api_key)


def _id(kind: str, idempotency_key: str) -> str:
    return f"{kind}_{uuid5(NAMESPACE_URL, f'{kind}:{idempotency_key}').hex}"
