from collections.abc import Sequence
from typing import Annotated
from uuid import uuid4

from aws_lambda_powertools import Logger
from pydantic import BaseModel, Field

from contradance import PII, Delivery, HttpError, Reply, route
from food_contracts.orders import OrderPlaced
from food_contracts.values import MAX_AMOUNT, Address, Customer, Handle, Money, OrderLine
from functions.orders.tables import Order, OrderStatus, StatusChange, orders

logger = Logger()


class PlaceOrder(BaseModel, extra="forbid", frozen=True, hide_input_in_errors=True):
    """A customer's request for an order. It has neither an id nor a total: the service computes both."""

    customer: Customer
    restaurant_id: Handle
    lines: tuple[OrderLine, ...] = Field(min_length=1, max_length=50)
    delivery_address: Address
    payment_token: Annotated[str, PII] = Field(min_length=1, max_length=200)


@route("POST /orders", status=201, uses=[orders.write])
def place_order(request: PlaceOrder, delivery: Delivery) -> Reply[Order, OrderPlaced]:
    """Store the order under a new id; payment, cooking and delivery follow."""
    logger.info("Creating order")
    placed = OrderPlaced(
        order_id=uuid4(),
        customer=request.customer,
        restaurant_id=request.restaurant_id,
        lines=request.lines,
        total=total_of(request.lines),
        delivery_address=request.delivery_address,
        payment_token=request.payment_token,
        placed_at=delivery.now,
    )
    order = Order(
        order_id=placed.order_id,
        customer=placed.customer,
        restaurant_id=placed.restaurant_id,
        lines=placed.lines,
        total=placed.total,
        delivery_address=placed.delivery_address,
        status=OrderStatus.PLACED,
        history=(StatusChange(status=OrderStatus.PLACED, at=placed.placed_at),),
    )
    orders.put(order)
    logger.info("Created order: %s", order.order_id)
    return Reply(order, publishes=placed)


def total_of(lines: Sequence[OrderLine]) -> Money:
    """Return the sum of `lines`; refuse a sum that cannot be charged at once."""
    currencies = {line.unit_price.currency for line in lines}
    if len(currencies) > 1:
        raise HttpError(422, "All lines of an order must be priced in one currency.")
    amount = sum(line.quantity * line.unit_price.amount for line in lines)
    if amount > MAX_AMOUNT:
        raise HttpError(422, f"An order may cost {MAX_AMOUNT} minor units at most.")
    return Money(amount=amount, currency=currencies.pop())
