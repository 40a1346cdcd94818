from uuid import UUID

from pydantic import BaseModel

from contradance import Table


class Award(BaseModel, frozen=True):
    """The points that a customer earned with an order."""

    customer_id: str
    order_id: UUID
    points: int


awards = Table("awards", key=("customer_id", "order_id"), model=Award)
