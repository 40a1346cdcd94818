"""What payments says."""

from enum import StrEnum

from pydantic import Field

from contradance import Contract
from food_contracts.fields import (
    DeliveredTo,
    Explanation,
    Moment,
    OrderedBy,
    OrderedFrom,
    OrderedLines,
    OrderId,
    PaymentId,
    Total,
)
from food_contracts.values import Money


class PaymentFailureReason(StrEnum):
    """Why a customer could not be charged."""

    CARD_DECLINED = "card_declined"
    CARD_EXPIRED = "card_expired"
    INSUFFICIENT_FUNDS = "insufficient_funds"


class PaymentSuccess(Contract, source="food.payments", subject="order_id"):
    """The customer was charged for the order."""

    order_id: OrderId
    customer: OrderedBy
    restaurant_id: OrderedFrom
    lines: OrderedLines
    total: Total
    delivery_address: DeliveredTo
    payment_id: PaymentId
    charged_at: Moment = Field(description="When the customer was charged.", examples=["2026-01-31T18:00:02Z"])


class PaymentFailed(Contract, source="food.payments", subject="order_id", failure=True):
    """The customer could not be charged, and the order is not cooked."""

    order_id: OrderId
    customer: OrderedBy
    total: Total
    reason: PaymentFailureReason = Field(description="Why the charge failed.", examples=["card_declined"])
    explanation: Explanation
    failed_at: Moment = Field(description="When the charge failed.", examples=["2026-01-31T18:00:02Z"])


class PaymentReversed(Contract, source="food.payments", subject="order_id", failure=True):
    """The customer was given back what the order had cost."""

    order_id: OrderId
    customer: OrderedBy
    refunded: Money = Field(description="What was given back.", examples=[{"amount": 2450, "currency": "EUR"}])
    payment_id: PaymentId
    refund_id: str = Field(
        min_length=1,
        max_length=64,
        description="The payment gateway's id of the refund.",
        examples=["ref_5a1de1f3f4a15d0f9e57f4c6a2b8d901"],
    )
    reversed_at: Moment = Field(description="When the refund was made.", examples=["2026-01-31T18:00:06Z"])
