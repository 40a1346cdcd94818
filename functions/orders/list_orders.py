from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, Field

from contradance import route
from food_contracts.values import Money
from functions.orders.tables import OrderStatus, orders


class OrderSummary(BaseModel):
    """An order in one line, without personal data."""

    order_id: UUID
    restaurant_id: str
    total: Money
    status: OrderStatus


class OrderPage(BaseModel):
    """A page of orders."""

    orders: list[OrderSummary]
    after: UUID | None
    """The parameter for the next page; None on the last page."""


@route("GET /orders", uses=[orders.read])
def list_orders(limit: Annotated[int, Field(ge=1, le=100)] = 20, after: UUID | None = None) -> OrderPage:
    """List all orders, page by page, in an arbitrary order."""
    page = orders.scan(limit=limit, after=None if after is None else (after,))
    return OrderPage(
        orders=[OrderSummary.model_validate(order, from_attributes=True) for order in page.items],
        after=None if page.after is None else UUID(page.after[0]),
    )
