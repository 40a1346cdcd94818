from uuid import UUID

from pydantic import AwareDatetime, BaseModel

from contradance import Table


class Assignment(BaseModel, frozen=True):
    """The delivery partner who brings an order."""

    order_id: UUID
    partner_id: str
    assigned_at: AwareDatetime
    picks_up_at: AwareDatetime
    arrives_at: AwareDatetime


class Diary(BaseModel, frozen=True):
    """The time until which a delivery partner is booked."""

    partner_id: str
    busy_until: AwareDatetime


assignments = Table("assignments", key=("order_id",), model=Assignment)
diaries = Table("diaries", key=("partner_id",), model=Diary)
