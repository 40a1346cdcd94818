from uuid import UUID

from pydantic import BaseModel

from contradance import Table, subscriber
from food_contracts.restaurants import RestaurantConfirmedOrder


class Voucher(BaseModel, frozen=True):
    """Thanks for an order."""

    order_id: UUID
    cents: int


vouchers = Table("vouchers", key=("order_id",), model=Voucher)


@subscriber(uses=[vouchers.write])
def thank_diner(confirmed: RestaurantConfirmedOrder) -> None:
    """Keep a voucher for whoever ordered; one, however often the event is delivered."""
    vouchers.put(Voucher(order_id=confirmed.order_id, cents=100))
