"""The events of the orders service."""

from typing import Annotated
from uuid import UUID

from pydantic import AwareDatetime, Field

from contradance import PII, Contract
from food_contracts.values import Address, Customer, Handle, Money, OrderLine


# source: the service that may publish it. subject: the field with the id of the business entity. version: 1 unless given.
class OrderPlaced(Contract, source="food.orders", subject="order_id"):
    """A customer placed an order; nothing is paid yet."""

    order_id: UUID = Field(description="The order.", examples=["6f1c1a3e-58d6-4b0c-9d0e-0f6a4b6c2a11"])
    customer: Customer = Field(description="Who ordered.")
    restaurant_id: Handle = Field(description="The restaurant that is to cook.", examples=["luigis"])
    lines: tuple[OrderLine, ...] = Field(
        min_length=1, max_length=50, description="What was ordered; every price is in the same currency."
    )
    total: Money = Field(description="The sum of the order's lines.")
    delivery_address: Address = Field(description="Where the meal is brought.")
    payment_token: Annotated[str, PII] = Field(
        min_length=1, max_length=200, description="The payment gateway's token for the card.", examples=["tok_visa"]
    )
    placed_at: AwareDatetime = Field(description="When the order was placed.", examples=["2026-01-31T18:00:00Z"])
