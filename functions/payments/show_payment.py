from enum import StrEnum
from uuid import UUID

from pydantic import BaseModel

from contradance import HttpError, route
from food_contracts.payments import PaymentFailureReason
from food_contracts.values import Money
from functions.payments.gateway import Declined
from functions.payments.tables import charges


class PaymentStatus(StrEnum):
    """The status of an order's payment."""

    CHARGED = "charged"
    DECLINED = "declined"
    REFUNDED = "refunded"


class Payment(BaseModel):
    """The payment of an order."""

    order_id: UUID
    status: PaymentStatus
    total: Money
    reason: PaymentFailureReason | None = None
    """The reason of a declined payment."""


@route("GET /payments/{order_id}", uses=[charges.read])
def show_payment(order_id: UUID) -> Payment:
    """Show the payment of an order."""
    charge = charges.get(order_id)
    if charge is None:
        raise HttpError(404, "There is no such payment.")
    if isinstance(charge.answer, Declined):
        status, reason = PaymentStatus.DECLINED, charge.answer.reason
        return Payment(order_id=order_id, status=status, total=charge.total, reason=reason)
    status = PaymentStatus.CHARGED if charge.refund is None else PaymentStatus.REFUNDED
    return Payment(order_id=order_id, status=status, total=charge.total)
