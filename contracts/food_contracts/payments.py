"""The events of the payments service."""

from enum import StrEnum
from uuid import UUID

from pydantic import AwareDatetime, Field

from contradance import Contract
from food_contracts.values import Address, Customer, Handle, Money


class PaymentFailureReason(StrEnum):
    """Why a customer could not be charged."""

    CARD_DECLINED = "card_declined"
    CARD_EXPIRED = "card_expired"
    INSUFFICIENT_FUNDS = "insufficient_funds"


class PaymentSuccess(Contract, source="food.payments", subject="order_id"):
    """The customer was charged for the order."""

    order_id: UUID = Field(description="The order.", examples=["6f1c1a3e-58d6-4b0c-9d0e-0f6a4b6c2a11"])
    customer: Customer = Field(description="Who ordered.")
    restaurant_id: Handle = Field(description="The restaurant that is to cook.", examples=["luigis"])
    total: Money = Field(description="What was charged.")
    delivery_address: Address = Field(description="Where the meal is brought.")
    payment_id: str = Field(
        min_length=1,
        max_length=64,
        description="The payment gateway's id of the charge.",
        examples=["pay_0d9b6f0c6b6f5a0e8a43c3a0f9c1e7d2"],
    )
    charged_at: AwareDatetime = Field(description="When the customer was charged.", examples=["2026-01-31T18:00:02Z"])


# failure=True marks an event of a refusal or a reversal; pictures show it in red.
class PaymentFailed(Contract, source="food.payments", subject="order_id", failure=True):
    """The customer could not be charged, and the order is not cooked."""

    order_id: UUID = Field(description="The order.", examples=["6f1c1a3e-58d6-4b0c-9d0e-0f6a4b6c2a11"])
    customer: Customer = Field(description="Who ordered.")
    total: Money = Field(description="What could not be charged.")
    reason: PaymentFailureReason = Field(description="Why the charge failed.", examples=["card_declined"])
    explanation: str = Field(
        min_length=1,
        max_length=500,
        description="What to tell the customer: whole sentences, nothing personal.",
        examples=["Your card was declined."],
    )
    failed_at: AwareDatetime = Field(description="When the charge failed.", examples=["2026-01-31T18:00:02Z"])


# failure=True although the refund went well: it undoes a charge.
class PaymentReversed(Contract, source="food.payments", subject="order_id", failure=True):
    """The customer was given back what the order had cost."""

    order_id: UUID = Field(description="The order.", examples=["6f1c1a3e-58d6-4b0c-9d0e-0f6a4b6c2a11"])
    customer: Customer = Field(description="Who ordered.")
    refunded: Money = Field(description="What was given back.")
    payment_id: str = Field(
        min_length=1,
        max_length=64,
        description="The payment gateway's id of the charge.",
        examples=["pay_0d9b6f0c6b6f5a0e8a43c3a0f9c1e7d2"],
    )
    refund_id: str = Field(
        min_length=1,
        max_length=64,
        description="The payment gateway's id of the refund.",
        examples=["ref_5a1de1f3f4a15d0f9e57f4c6a2b8d901"],
    )
    reversed_at: AwareDatetime = Field(description="When the refund was made.", examples=["2026-01-31T18:00:06Z"])
