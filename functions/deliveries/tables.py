from uuid import UUID

from pydantic import BaseModel

from contradance import Table
from food_contracts.fields import Moment


class Assignment(BaseModel, frozen=True):
    """The delivery partner who brings an order."""

    order_id: UUID
    partner_id: str
    assigned_at: Moment
    picks_up_at: Moment
    arrives_at: Moment


class Diary(BaseModel, frozen=True):
    """Until when a delivery partner is booked."""

    partner_id: str
    busy_until: Moment


assignments = Table("assignments", key=("order_id",), model=Assignment)
diaries = Table("diaries", key=("partner_id",), model=Diary)
