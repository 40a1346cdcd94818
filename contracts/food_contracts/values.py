"""Values that events share: money, customers, addresses, order lines."""

from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Final

from pydantic import Field

from contradance import PII, Value

MAX_AMOUNT: Final = 100_000_000
"""Largest amount of money in one event, in minor units."""

Handle = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[a-z0-9][a-z0-9_-]*$")]
"""A short readable id, fit for a URL: `luigis`."""


class Currency(StrEnum):
    """The currencies that customers can pay in, by their ISO 4217 codes."""

    EUR = "EUR"
    GBP = "GBP"
    JPY = "JPY"
    USD = "USD"

    @property
    def minor_digits(self) -> int:
        """Digits behind the decimal point: 2 for EUR, 0 for JPY."""
        return 0 if self is Currency.JPY else 2


class Money(Value):
    """An amount of money, always more than nothing."""

    amount: int = Field(
        strict=True,
        ge=1,
        le=MAX_AMOUNT,
        description="Whole minor units of `currency`: 2450 is 24.50 EUR.",
        examples=[2450],
    )
    currency: Currency = Field(description="ISO 4217 code.", examples=["EUR"])

    def __str__(self) -> str:
        return f"{Decimal(self.amount).scaleb(-self.currency.minor_digits)} {self.currency}"


class Customer(Value):
    """Who ordered, and how to reach them."""

    customer_id: Handle = Field(description="The customer's id.", examples=["ada"])
    name: Annotated[str, PII] = Field(
        min_length=1, max_length=200, description="Name to address the customer by.", examples=["Ada Example"]
    )
    email: Annotated[str, PII] = Field(
        max_length=254,
        pattern=r"^[^@\s]+@[^@\s]+$",
        description="Where the customer reads mail.",
        examples=["ada@example.com"],
    )


class Address(Value):
    """Where a meal is brought."""

    street: Annotated[str, PII] = Field(
        min_length=1, max_length=200, description="Street and number.", examples=["1 Example Street"]
    )
    postal_code: Annotated[str, PII] = Field(
        min_length=1, max_length=16, description="Postal code.", examples=["10115"]
    )
    city: Annotated[str, PII] = Field(min_length=1, max_length=100, description="City.", examples=["Berlin"])
    country: str = Field(pattern=r"^[A-Z]{2}$", description="ISO 3166-1 alpha-2 code.", examples=["DE"])


class OrderLine(Value):
    """One dish of an order, once or several times."""

    sku: Handle = Field(description="The dish, as the restaurant's menu numbers it.", examples=["margherita"])
    name: str = Field(min_length=1, max_length=200, description="The dish as people call it.", examples=["Margherita"])
    quantity: int = Field(strict=True, ge=1, le=99, description="How many of it.", examples=[2])
    unit_price: Money = Field(description="Price of one.", examples=[{"amount": 1225, "currency": "EUR"}])
