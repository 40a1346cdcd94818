import logging
from datetime import timedelta

from contradance import Delivery, Retry, subscriber
from food_contracts.payments import PaymentReversed
from food_contracts.restaurants import RestaurantOrderConfirmationFailed
from functions.payments.gateway import Approved, connect
from functions.payments.tables import Charge, Refund, charges, gateway_key

log = logging.getLogger(__name__)


class NothingToRefund(LookupError):
    """An order is to be refunded that was never charged: a mistake that a person should see."""


@subscriber(
    delivery="queue",
    retry=Retry(times=5, max_age=timedelta(days=1)),
    uses=[charges.write, gateway_key],
)
def reverse_payment(refused: RestaurantOrderConfirmationFailed, delivery: Delivery) -> PaymentReversed:
    """Give the customer back what the refused order had cost, once."""
    log.info("Refunding payment for order: %s", refused.order_id)
    charge = charges.get(refused.order_id)
    if charge is None or not isinstance(charge.answer, Approved):
        raise NothingToRefund(f"order {refused.order_id} was never charged")
    payment_id = charge.answer.payment_id
    refund = charge.refund or give_back(charge, payment_id, delivery)
    log.info("Refund succeeded for order: %s", refused.order_id)
    return PaymentReversed(
        order_id=refused.order_id,
        customer=refused.customer,
        refunded=charge.total,
        payment_id=payment_id,
        refund_id=refund.refund_id,
        reversed_at=refund.at,
    )


def give_back(charge: Charge, payment_id: str, delivery: Delivery) -> Refund:
    """Ask the gateway, and keep what it answered."""
    gateway = connect(gateway_key.get())
    refund_id = gateway.refund(payment_id, charge.total, delivery.idempotency_key)
    refund = Refund(refund_id=refund_id, at=delivery.now)
    charges.update(charge.model_copy(update={"refund": refund}))
    return refund
