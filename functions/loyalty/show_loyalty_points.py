from pydantic import BaseModel

from contradance import route
from food_contracts.values import Handle
from functions.loyalty.tables import awards


class Wallet(BaseModel):
    """The loyalty points of a customer."""

    customer_id: str
    points: int
    orders: int
    """Number of orders that earned them."""


@route("GET /customers/{customer_id}/loyalty", uses=[awards.read])
def show_loyalty_points(customer_id: Handle) -> Wallet:
    """Show a customer's points; 0 without an order."""
    earned = awards.query(customer_id)
    return Wallet(customer_id=customer_id, points=sum(award.points for award in earned), orders=len(earned))
