from datetime import datetime

from aws_lambda_powertools import Logger

from contradance import Delivery, subscriber
from food_contracts.payments import PaymentSuccess
from food_contracts.restaurants import RefusalReason, RestaurantConfirmedOrder, RestaurantOrderConfirmationFailed
from functions.restaurants.chance import is_declined, refusal_rate, refusal_seed
from functions.restaurants.kitchens import KITCHENS
from functions.restaurants.tables import Accepted, Diary, Refused, Ticket, diaries, tickets

logger = Logger()

_EXPLANATIONS = {
    RefusalReason.UNKNOWN_RESTAURANT: "We do not know this restaurant.",
    RefusalReason.KITCHEN_CLOSED: "The kitchen is closed.",
    RefusalReason.OVER_CAPACITY: "The kitchen has more orders than it can cook in time.",
    RefusalReason.KITCHEN_DECLINED: "The kitchen could not take the order.",
}


@subscriber(uses=[tickets.write, diaries.write, refusal_rate, refusal_seed])
def confirm_order(
    paid: PaymentSuccess, delivery: Delivery
) -> RestaurantConfirmedOrder | RestaurantOrderConfirmationFailed:
    """Let the restaurant accept or refuse a paid order, once. A refusal is an event, never an exception."""
    logger.info("Confirming order: %s", paid.order_id)
    ticket = tickets.get(paid.order_id) or write_ticket(paid, delivery.now)
    match ticket.decision:
        case Accepted(ready_at=ready_at):
            logger.info("Order confirmed: %s", paid.order_id)
            return RestaurantConfirmedOrder(
                order_id=paid.order_id,
                customer=paid.customer,
                restaurant_id=paid.restaurant_id,
                total=paid.total,
                delivery_address=paid.delivery_address,
                confirmed_at=ticket.decided_at,
                ready_at=ready_at,
            )
        case Refused(reason=reason):
            logger.info("Failed to confirm order: %s", paid.order_id)
            return RestaurantOrderConfirmationFailed(
                order_id=paid.order_id,
                customer=paid.customer,
                restaurant_id=paid.restaurant_id,
                total=paid.total,
                payment_id=paid.payment_id,
                reason=reason,
                explanation=_EXPLANATIONS[reason],
                refused_at=ticket.decided_at,
            )


def write_ticket(paid: PaymentSuccess, now: datetime) -> Ticket:
    """Decide about an order, and store the decision."""
    ticket = Ticket(
        order_id=paid.order_id,
        restaurant_id=paid.restaurant_id,
        decision=decide(paid, now),
        decided_at=now,
    )
    tickets.put(ticket)
    return ticket


def decide(paid: PaymentSuccess, now: datetime) -> Accepted | Refused:
    """Book a place in the kitchen, or return the reason of the refusal."""
    kitchen = KITCHENS.get(paid.restaurant_id)
    if kitchen is None:
        return Refused(reason=RefusalReason.UNKNOWN_RESTAURANT)
    if not kitchen.is_open:
        return Refused(reason=RefusalReason.KITCHEN_CLOSED)
    if is_declined(paid.order_id, refusal_rate.get(), refusal_seed.get()):
        return Refused(reason=RefusalReason.KITCHEN_DECLINED)
    diary = diaries.get(paid.restaurant_id) or Diary(restaurant_id=paid.restaurant_id)
    booking = kitchen.book(diary.busy_until, now)
    if booking is None:
        return Refused(reason=RefusalReason.OVER_CAPACITY)
    diaries.put(Diary(restaurant_id=paid.restaurant_id, busy_until=booking.busy_until))
    return Accepted(ready_at=booking.ready_at)
