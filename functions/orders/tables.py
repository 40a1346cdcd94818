from enum import StrEnum
from typing import Self
from uuid import UUID

from pydantic import AwareDatetime, BaseModel

from contradance import Table
from food_contracts.values import Address, Customer, Money, OrderLine


class OrderStatus(StrEnum):
    """The status of an order, in the order in which it moves; cancelled is final."""

    PLACED = "placed"
    CONFIRMED = "confirmed"
    DELIVERY_ASSIGNED = "delivery_assigned"
    CANCELLED = "cancelled"


_RANK = {status: rank for rank, status in enumerate(OrderStatus)}


class StatusChange(BaseModel, frozen=True):
    """Something that happened to an order."""

    status: OrderStatus
    at: AwareDatetime
    reason: str | None = None
    """Why, where the order is cancelled."""


class Order(BaseModel, frozen=True, hide_input_in_errors=True):
    """An order, as the orders service stores it and shows it to the customer."""

    order_id: UUID
    customer: Customer
    restaurant_id: str
    lines: tuple[OrderLine, ...]
    total: Money
    delivery_address: Address
    status: OrderStatus
    reason: str | None = None
    """Why, where the order is cancelled."""
    history: tuple[StatusChange, ...]
    """All known changes, in the order of the statuses."""

    def learn(self, change: StatusChange) -> Self:
        """Return this order with `change`; late, repeated and unordered changes have the same result."""
        history = sorted({*self.history, change}, key=lambda known: (_RANK[known.status], known.at))
        latest = history[-1]
        return self.model_copy(
            update={"status": latest.status, "reason": latest.reason, "history": tuple(history)},
        )


# uses=[orders.read] lets a function read the table, uses=[orders.write] lets it read and write.
orders = Table("orders", key=("order_id",), model=Order)
