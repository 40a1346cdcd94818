from uuid import UUID

from contradance import HttpError, route
from functions.orders.tables import Order, orders


@route("GET /orders/{order_id}", uses=[orders.read])
def show_order(order_id: UUID) -> Order:
    """Show the status of an order, and its history."""
    order = orders.get(order_id)
    if order is None:
        raise HttpError(404, "There is no such order.")
    return order
