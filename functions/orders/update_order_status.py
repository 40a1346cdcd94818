from aws_lambda_powertools import Logger

from contradance import subscriber
from food_contracts.deliveries import DeliveryPartnerAssigned
from food_contracts.payments import PaymentFailed
from food_contracts.restaurants import RestaurantConfirmedOrder, RestaurantOrderConfirmationFailed
from functions.orders.tables import OrderStatus, StatusChange, orders

logger = Logger()

StatusEvent = RestaurantConfirmedOrder | DeliveryPartnerAssigned | RestaurantOrderConfirmationFailed | PaymentFailed
"""What moves the status of an order."""

_WORDS = {
    OrderStatus.CONFIRMED: "order confirmation success",
    OrderStatus.DELIVERY_ASSIGNED: "delivery",
    OrderStatus.CANCELLED: "order cancellation",
}


class UnknownOrder(LookupError):
    """An event is about an order that was never stored here."""


@subscriber(uses=[orders.write])
def update_order_status(news: StatusEvent) -> None:
    """Let an order learn what happened to it.

    An order is stored before anyone hears of it. News of an unknown one is a mistake that a person should see: it is
    raised, retried, and kept as a dead letter.
    """
    change = change_in(news)
    logger.info("Updating %s status: %s", _WORDS[change.status], news.order_id)
    order = orders.get(news.order_id)
    if order is None:
        raise UnknownOrder(f"there is no order {news.order_id}")
    orders.update(order.learn(change))
    logger.info("Updated %s status: %s", _WORDS[change.status], news.order_id)


def change_in(news: StatusEvent) -> StatusChange:
    """Return what an event means for the status of its order."""
    match news:
        case RestaurantConfirmedOrder():
            return StatusChange(status=OrderStatus.CONFIRMED, at=news.confirmed_at)
        case DeliveryPartnerAssigned():
            return StatusChange(status=OrderStatus.DELIVERY_ASSIGNED, at=news.assigned_at)
        case RestaurantOrderConfirmationFailed():
            return StatusChange(status=OrderStatus.CANCELLED, at=news.refused_at, reason=news.reason)
        case PaymentFailed():
            return StatusChange(status=OrderStatus.CANCELLED, at=news.failed_at, reason=news.reason)
