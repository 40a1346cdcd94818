"""The events of the restaurants service."""

from enum import StrEnum
from uuid import UUID

from pydantic import AwareDatetime, Field

from contradance import Contract
from food_contracts.values import Address, Customer, Handle, Money


class RefusalReason(StrEnum):
    """Why a restaurant does not cook an order."""

    UNKNOWN_RESTAURANT = "unknown_restaurant"
    KITCHEN_CLOSED = "kitchen_closed"
    OVER_CAPACITY = "over_capacity"
    KITCHEN_DECLINED = "kitchen_declined"


class RestaurantConfirmedOrder(Contract, source="food.restaurants", subject="order_id"):
    """The restaurant accepted the order and will cook it."""

    order_id: UUID = Field(description="The order.", examples=["6f1c1a3e-58d6-4b0c-9d0e-0f6a4b6c2a11"])
    customer: Customer = Field(description="Who ordered.")
    restaurant_id: Handle = Field(description="The restaurant that cooks.", examples=["luigis"])
    total: Money = Field(description="What was charged.")
    delivery_address: Address = Field(description="Where the meal is brought.")
    confirmed_at: AwareDatetime = Field(description="When the restaurant accepted.", examples=["2026-01-31T18:00:04Z"])
    ready_at: AwareDatetime = Field(description="When the meal can be picked up.", examples=["2026-01-31T18:20:04Z"])


# failure=True marks an event of a refusal or a reversal; pictures show it in red.
class RestaurantOrderConfirmationFailed(Contract, source="food.restaurants", subject="order_id", failure=True):
    """The restaurant refused the order, which is paid for."""

    order_id: UUID = Field(description="The order.", examples=["6f1c1a3e-58d6-4b0c-9d0e-0f6a4b6c2a11"])
    customer: Customer = Field(description="Who ordered.")
    restaurant_id: Handle = Field(description="The restaurant that refused.", examples=["luigis"])
    total: Money = Field(description="What was charged, and is to be given back.")
    payment_id: str = Field(
        min_length=1,
        max_length=64,
        description="The payment gateway's id of the charge.",
        examples=["pay_0d9b6f0c6b6f5a0e8a43c3a0f9c1e7d2"],
    )
    reason: RefusalReason = Field(description="Why the restaurant refused.", examples=["kitchen_closed"])
    explanation: str = Field(
        min_length=1,
        max_length=500,
        description="What to tell the customer: whole sentences, nothing personal.",
        examples=["The kitchen is closed."],
    )
    refused_at: AwareDatetime = Field(description="When the restaurant refused.", examples=["2026-01-31T18:00:04Z"])
