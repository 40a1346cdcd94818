from typing import Final

from aws_lambda_powertools import Logger

from contradance import subscriber
from food_contracts.restaurants import RestaurantConfirmedOrder
from functions.loyalty.tables import Award, awards

logger = Logger()

POINT: Final = 100
"""Minor units that earn one point; a rest below this earns none."""


@subscriber(uses=[awards.write])
def add_loyalty_points(confirmed: RestaurantConfirmedOrder) -> None:
    """Award the customer's points. There is one row for each order, so that an event that comes twice counts once."""
    logger.info("Adding points to wallet: %s", confirmed.order_id)
    awards.put_if_absent(
        Award(
            customer_id=confirmed.customer.customer_id,
            order_id=confirmed.order_id,
            points=confirmed.total.amount // POINT,
        )
    )
    logger.info("Added points to wallet: %s", confirmed.order_id)
