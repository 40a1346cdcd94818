from datetime import datetime, timedelta

from aws_lambda_powertools import Logger

from contradance import Delivery, Retry, subscriber
from food_contracts.payments import PaymentReversed
from food_contracts.restaurants import RestaurantOrderConfirmationFailed
from functions.payments.gateway import Approved, connect
from functions.payments.tables import Charge, Refund, charges, gateway_key

logger = Logger()


class NothingToRefund(LookupError):
    """The order to refund was never charged: a mistake that a person should see."""


# Behind a queue for the same reasons as process_payment.
@subscriber(
    delivery="queue",
    retry=Retry(times=5, max_age=timedelta(days=1)),
    uses=[charges.write, gateway_key],
)
def reverse_payment(refused: RestaurantOrderConfirmationFailed, delivery: Delivery) -> PaymentReversed:
    """Refund the charge of a refused order.

    An order is refunded once: the refund is kept, and another event about the same order is answered the same.
    """
    logger.info("Refunding payment for order: %s", refused.order_id)
    charge = charges.get(refused.order_id)
    if charge is None or not isinstance(charge.answer, Approved):
        raise NothingToRefund(f"order {refused.order_id} was never charged")
    payment_id = charge.answer.payment_id
    refund = charge.refund or give_back(charge, payment_id, delivery.now)
    logger.info("Refund succeeded for order: %s", refused.order_id)
    return PaymentReversed(
        order_id=refused.order_id,
        customer=refused.customer,
        refunded=charge.total,
        payment_id=payment_id,
        refund_id=refund.refund_id,
        reversed_at=refund.at,
    )


def give_back(charge: Charge, payment_id: str, now: datetime) -> Refund:
    """Call the gateway, and store its answer. The key is the order's id, as for its charge."""
    gateway = connect(gateway_key.get())
    refund_id = gateway.refund(payment_id, charge.total, idempotency_key=str(charge.order_id))
    refund = Refund(refund_id=refund_id, at=now)
    charges.update(charge.model_copy(update={"refund": refund}))
    return refund
