"""A repair desk: the contracts and tables that the tests of the runtime speak."""

from typing import Annotated, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from contradance import PII, Contract, Table, Value

TICKET = UUID("6f1c1a3e-58d6-4b0c-9d0e-0f6a4b6c2a11")
"""The ticket of every recorded event."""


class Item(Value):
    name: str
    count: int = Field(gt=0)


class TicketOpenedV1(Contract, source="desk.tickets", detail_type="TicketOpened", subject="ticket_id"):
    ticket_id: UUID
    owner: Annotated[str, PII]


class TicketOpenedV2(
    Contract, source="desk.tickets", detail_type="TicketOpened", version=2, upcasts=TicketOpenedV1, subject="ticket_id"
):
    ticket_id: UUID
    owner: Annotated[str, PII]
    channel: str = Field(min_length=1)

    @classmethod
    def upcast(cls, old: TicketOpenedV1) -> Self:
        return cls(ticket_id=old.ticket_id, owner=old.owner, channel="desk")


class TicketOpened(Contract, source="desk.tickets", version=3, upcasts=TicketOpenedV2, subject="ticket_id"):
    """Somebody brought something to be repaired."""

    ticket_id: UUID
    owner: Annotated[str, PII] = Field(max_length=40)
    channel: str
    items: list[Item]

    @classmethod
    def upcast(cls, old: TicketOpenedV2) -> Self:
        return cls(ticket_id=old.ticket_id, owner=old.owner, channel=old.channel, items=[])


class TicketClosed(Contract, source="desk.tickets", subject="ticket_id"):
    ticket_id: UUID


class RepairPlanned(Contract, source="desk.repairs", subject="ticket_id"):
    ticket_id: UUID
    step: int = Field(default=0, ge=0)
    note: str = ""


class RepairRefused(Contract, source="desk.repairs", subject="ticket_id"):
    ticket_id: UUID


class Job(BaseModel):
    ticket_id: UUID
    attempts: int = 0


class Visit(BaseModel):
    ticket_id: UUID
    number: str
    note: str = ""


class NewTicket(BaseModel):
    """What a client sends to open a ticket."""

    model_config = ConfigDict(extra="forbid")

    owner: Annotated[str, PII] = Field(max_length=40)
    items: list[Item] = Field(min_length=1)


class TicketView(BaseModel):
    """What a client gets to see of a ticket."""

    ticket_id: UUID
    items: int = Field(ge=0)


jobs = Table("jobs", key=("ticket_id",), model=Job, service="repairs")
visits = Table("visits", key=("ticket_id", "number"), model=Visit, service="repairs")
tickets = Table("tickets", key=("ticket_id",), model=TicketView, service="tickets")


def opened(**changes: object) -> TicketOpened:
    """Return a sample event, with some fields changed."""
    sample = {"ticket_id": TICKET, "owner": "Jane Doe", "channel": "web", "items": [{"name": "kettle", "count": 1}]}
    return TicketOpened.model_validate({**sample, **changes})
