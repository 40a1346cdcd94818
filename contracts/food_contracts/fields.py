"""The fields that several events share: one type, one description, one example each."""

from typing import Annotated
from uuid import UUID

from pydantic import AwareDatetime, Field

from contradance import PII
from food_contracts.values import Address, Customer, Handle, Money, OrderLine

OrderId = Annotated[
    UUID, Field(description="The order that the event is about.", examples=["6f1c1a3e-58d6-4b0c-9d0e-0f6a4b6c2a11"])
]
OrderedBy = Annotated[
    Customer,
    Field(
        description="Who ordered.", examples=[{"customer_id": "ada", "name": "Ada Example", "email": "ada@example.com"}]
    ),
]
OrderedFrom = Annotated[Handle, Field(description="The restaurant that is to cook.", examples=["luigis"])]
OrderedLines = Annotated[
    tuple[OrderLine, ...],
    Field(
        min_length=1,
        max_length=50,
        description="What was ordered; every price is in the same currency.",
        examples=[
            [
                {
                    "sku": "margherita",
                    "name": "Margherita",
                    "quantity": 2,
                    "unit_price": {"amount": 950, "currency": "EUR"},
                },
                {
                    "sku": "tiramisu",
                    "name": "Tiramisu",
                    "quantity": 1,
                    "unit_price": {"amount": 550, "currency": "EUR"},
                },
            ]
        ],
    ),
]
DeliveredTo = Annotated[
    Address,
    Field(
        description="Where the meal is brought.",
        examples=[{"street": "1 Example Street", "postal_code": "10115", "city": "Berlin", "country": "DE"}],
    ),
]
Total = Annotated[
    Money, Field(description="The sum of the order's lines.", examples=[{"amount": 2450, "currency": "EUR"}])
]
PaymentToken = Annotated[
    str,
    PII,
    Field(min_length=1, max_length=200, description="The payment gateway's token for the card.", examples=["tok_visa"]),
]
PaymentId = Annotated[
    str,
    Field(
        min_length=1,
        max_length=64,
        description="The payment gateway's id of the charge.",
        examples=["pay_0d9b6f0c6b6f5a0e8a43c3a0f9c1e7d2"],
    ),
]
Explanation = Annotated[
    str,
    Field(
        min_length=1,
        max_length=500,
        description="What to tell the customer about it: whole sentences, nothing personal.",
        examples=["It did not work out this time."],
    ),
]
Moment = AwareDatetime
"""A moment in time; always with its time zone."""
