"""What orders says."""

from pydantic import Field

from contradance import Contract
from food_contracts.fields import (
    DeliveredTo,
    Moment,
    OrderedBy,
    OrderedFrom,
    OrderedLines,
    OrderId,
    PaymentToken,
    Total,
)


class OrderPlaced(Contract, source="food.orders", subject="order_id"):
    """A customer placed an order; nothing is paid yet."""

    order_id: OrderId
    customer: OrderedBy
    restaurant_id: OrderedFrom
    lines: OrderedLines
    total: Total
    delivery_address: DeliveredTo
    payment_token: PaymentToken
    placed_at: Moment = Field(description="When the order was placed.", examples=["2026-01-31T18:00:00Z"])
