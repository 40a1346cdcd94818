"""What the tests of the functions are given: deliveries and requests."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from contradance import Delivery
from contradance.testing import sample
from food_contracts.orders import OrderPlaced
from food_contracts.values import Currency, Money

NOW = datetime(2026, 1, 31, 18, 0, tzinfo=UTC)
ORDER_ID = UUID("6f1c1a3e-58d6-4b0c-9d0e-0f6a4b6c2a11")
"""The order of every sample event."""


def delivery(*, minutes: float = 0, key: str = "key-1", attempt: int = 1) -> Delivery:
    """Return a delivery that began `minutes` after `NOW`."""
    return Delivery(
        event_id="event-1",
        correlation_id="chain-1",
        attempt=attempt,
        idempotency_key=key,
        now=NOW + timedelta(minutes=minutes),
    )


def order_id(number: int) -> UUID:
    """Return the id of the order with this number."""
    return UUID(int=number)


def order_paid_with(card: str) -> OrderPlaced:
    """Return the sample order, to be paid with the card behind this token."""
    return sample(OrderPlaced, payment_token=card)


def eur(amount: int) -> Money:
    """Return an amount in cents."""
    return Money(amount=amount, currency=Currency.EUR)
