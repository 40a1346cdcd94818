from uuid import UUID

from pydantic import AwareDatetime, BaseModel

from contradance import Table
from food_contracts.restaurants import RefusalReason


class Accepted(BaseModel, frozen=True):
    """The kitchen cooks the order."""

    ready_at: AwareDatetime


class Refused(BaseModel, frozen=True):
    """The kitchen does not cook the order."""

    reason: RefusalReason


class Ticket(BaseModel, frozen=True):
    """The decision of a restaurant about an order."""

    order_id: UUID
    restaurant_id: str
    decision: Accepted | Refused
    decided_at: AwareDatetime


class Diary(BaseModel, frozen=True):
    """The times when the places of a kitchen become free."""

    restaurant_id: str
    busy_until: tuple[AwareDatetime, ...] = ()


tickets = Table("tickets", key=("order_id",), model=Ticket)
diaries = Table("diaries", key=("restaurant_id",), model=Diary)
