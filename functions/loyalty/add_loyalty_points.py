import logging
from typing import Final

from contradance import subscriber
from food_contracts.restaurants import RestaurantConfirmedOrder
from functions.loyalty.tables import Award, awards

log = logging.getLogger(__name__)

POINT: Final = 100
"""Minor units that earn one point; a rest below this earns none."""


@subscriber(uses=[awards.write])
def add_loyalty_points(confirmed: RestaurantConfirmedOrder) -> None:
    """Award the customer's points. There is one row for each order, so that an event that comes twice counts once."""
    log.info("Adding points to wallet: %s", confirmed.order_id)
    awards.put_if_absent(
        Award(
            customer_id=confirmed.customer.customer_id,
            order_id=confirmed.order_id,
            points=confirmed.total.amount // POINT,
        )
    )
    log.info("Added points to wallet: %s", confirmed.order_id)
