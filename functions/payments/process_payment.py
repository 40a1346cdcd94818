from datetime import datetime, timedelta

from aws_lambda_powertools import Logger

from contradance import Delivery, Retry, subscriber
from food_contracts.orders import OrderPlaced
from food_contracts.payments import PaymentFailed, PaymentFailureReason, PaymentSuccess
from functions.payments.gateway import Approved, Declined, connect
from functions.payments.tables import Charge, charges, gateway_key

logger = Logger()

_EXPLANATIONS = {
    PaymentFailureReason.CARD_DECLINED: "Your card was declined.",
    PaymentFailureReason.CARD_EXPIRED: "Your card has expired.",
    PaymentFailureReason.INSUFFICIENT_FUNDS: "Your card does not cover the order.",
}


# Behind a queue, because this is money and a third party: six attempts instead of three, and a visible backlog.
# A write grant includes read.
@subscriber(
    delivery="queue",
    retry=Retry(times=5, max_age=timedelta(hours=6)),
    uses=[charges.write, gateway_key],
)
def process_payment(placed: OrderPlaced, delivery: Delivery) -> PaymentSuccess | PaymentFailed:
    """Charge the customer. A declined card returns PaymentFailed; an outage raises, and is retried.

    An order is charged once: the gateway's answer is stored, and another event of the same order gets the same answer.
    """
    logger.info("Processing payment for order: %s", placed.order_id)
    charge = charges.get(placed.order_id) or charge_card(placed, delivery.now)
    match charge.answer:
        case Approved(payment_id=payment_id):
            logger.info("Payment succeeded for order: %s", placed.order_id)
            return PaymentSuccess(
                order_id=placed.order_id,
                customer=placed.customer,
                restaurant_id=placed.restaurant_id,
                total=placed.total,
                delivery_address=placed.delivery_address,
                payment_id=payment_id,
                charged_at=charge.at,
            )
        case Declined(reason=reason):
            logger.info("Payment declined for order: %s", placed.order_id)
            return PaymentFailed(
                order_id=placed.order_id,
                customer=placed.customer,
                total=placed.total,
                reason=reason,
                explanation=_EXPLANATIONS[reason],
                failed_at=charge.at,
            )


def charge_card(placed: OrderPlaced, now: datetime) -> Charge:
    """Call the gateway, and store its answer.

    The key is the order's id, so that two events of one order, handled at the same time, make one charge at the gateway.
    """
    gateway = connect(gateway_key.get())
    answer = gateway.charge(placed.total, placed.payment_token, idempotency_key=str(placed.order_id))
    charge = Charge(order_id=placed.order_id, total=placed.total, answer=answer, at=now)
    charges.put(charge)
    return charge
