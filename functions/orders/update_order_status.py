from aws_lambda_powertools import Logger

from contradance import subscriber
from food_contracts.deliveries import DeliveryPartnerAssigned
from food_contracts.payments import PaymentFailed
from food_contracts.restaurants import RestaurantConfirmedOrder, RestaurantOrderConfirmationFailed
from functions.orders.tables import OrderStatus, StatusChange, orders

logger = Logger()

StatusEvent = RestaurantConfirmedOrder | DeliveryPartnerAssigned | RestaurantOrderConfirmationFailed | PaymentFailed
"""The events that change the status of an order."""

_WORDS = {
    OrderStatus.CONFIRMED: "order confirmation success",
    OrderStatus.DELIVERY_ASSIGNED: "delivery",
    OrderStatus.CANCELLED: "order cancellation",
}


class UnknownOrder(LookupError):
    """An event has the id of an order that this service never stored."""


@subscriber(uses=[orders.write])
def update_order_status(news: StatusEvent) -> None:
    """Update the status of an order.

    An order is stored before its first event is published. An event of an unknown order is a mistake that a person should
    see: the handler raises, is retried, and the event becomes a dead letter.
    """
    change = change_in(news)
    logger.info("Updating %s status: %s", _WORDS[change.status], news.order_id)
    order = orders.get(news.order_id)
    if order is None:
        raise UnknownOrder(f"there is no order {news.order_id}")
    orders.update(order.learn(change))
    logger.info("Updated %s status: %s", _WORDS[change.status], news.order_id)


def change_in(news: StatusEvent) -> StatusChange:
    """Return the change of the order's status that an event means."""
    match news:
        case RestaurantConfirmedOrder():
            return StatusChange(status=OrderStatus.CONFIRMED, at=news.confirmed_at)
        case DeliveryPartnerAssigned():
            return StatusChange(status=OrderStatus.DELIVERY_ASSIGNED, at=news.assigned_at)
        case RestaurantOrderConfirmationFailed():
            return StatusChange(status=OrderStatus.CANCELLED, at=news.refused_at, reason=news.reason)
        case PaymentFailed():
            return StatusChange(status=OrderStatus.CANCELLED, at=news.failed_at, reason=news.reason)
