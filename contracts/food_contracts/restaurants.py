"""What restaurants says."""

from enum import StrEnum

from pydantic import Field

from contradance import Contract
from food_contracts.fields import (
    DeliveredTo,
    Explanation,
    Moment,
    OrderedBy,
    OrderedFrom,
    OrderId,
    PaymentId,
    Total,
)


class RefusalReason(StrEnum):
    """Why a restaurant does not cook an order."""

    UNKNOWN_RESTAURANT = "unknown_restaurant"
    KITCHEN_CLOSED = "kitchen_closed"
    OVER_CAPACITY = "over_capacity"
    KITCHEN_DECLINED = "kitchen_declined"


class RestaurantConfirmedOrder(Contract, source="food.restaurants", subject="order_id"):
    """The restaurant accepted the order and will cook it."""

    order_id: OrderId
    customer: OrderedBy
    restaurant_id: OrderedFrom
    total: Total
    delivery_address: DeliveredTo
    confirmed_at: Moment = Field(description="When the restaurant accepted.", examples=["2026-01-31T18:00:04Z"])
    ready_at: Moment = Field(description="When the meal can be picked up.", examples=["2026-01-31T18:20:04Z"])


class RestaurantOrderConfirmationFailed(Contract, source="food.restaurants", subject="order_id", failure=True):
    """The restaurant refused the order, which is paid for."""

    order_id: OrderId
    customer: OrderedBy
    restaurant_id: OrderedFrom
    total: Total
    payment_id: PaymentId
    reason: RefusalReason = Field(description="Why the restaurant refused.", examples=["kitchen_closed"])
    explanation: Explanation
    refused_at: Moment = Field(description="When the restaurant refused.", examples=["2026-01-31T18:00:04Z"])
