"""Functions of the repair desk as they are deployed: one of each kind."""

import logging
from uuid import UUID

from contradance import Delivery, HttpError, Registry, Reply, Secret, Setting, route, schedule, subscriber
from tests.runtime.desk import (
    Job,
    NewTicket,
    RepairPlanned,
    RepairRefused,
    TicketClosed,
    TicketOpened,
    TicketOpenedV1,
    TicketOpenedV2,
    TicketView,
    jobs,
    tickets,
)

log = logging.getLogger(__name__)
workshop_key = Secret("workshop_key", on_laptop="a test key")
longest = Setting("longest", int, default=3)

registry = Registry("desk", [TicketOpenedV1, TicketOpenedV2, TicketOpened, TicketClosed, RepairPlanned, RepairRefused])


@subscriber(service="repairs", uses=[jobs.write])
def plan_repair(event: TicketOpened) -> RepairPlanned:
    log.info("Planning %s", event, extra={"opened": event})
    before = jobs.get(event.ticket_id)
    jobs.put(Job(ticket_id=event.ticket_id, attempts=before.attempts + 1 if before else 1))
    return RepairPlanned(ticket_id=event.ticket_id)


@subscriber(service="repairs", delivery="queue")
def plan_later(event: TicketOpened) -> None:
    if event.channel == "phone":
        raise ConnectionError("the workshop does not answer")


@subscriber(service="repairs", uses=[workshop_key, longest])
def ask_workshop(event: TicketOpened) -> None:
    log.info("%s for %d", workshop_key.get(), longest.get())


@route("POST /tickets", status=201, service="tickets", uses=[tickets.write])
def open_ticket(new: NewTicket, delivery: Delivery) -> Reply[TicketView, TicketOpened]:
    if new.owner == "nobody":
        raise HttpError(403, "Nobody may not.")
    if new.owner == "broken":
        raise RuntimeError("secret of the house")
    view = TicketView(ticket_id=UUID(delivery.idempotency_key), items=len(new.items))
    tickets.put(view)
    opened = TicketOpened(ticket_id=view.ticket_id, owner=new.owner, channel="web", items=new.items)
    return Reply(view, publishes=opened)


@schedule("rate(1 day)", service="repairs", uses=[jobs.write])
def remind(delivery: Delivery) -> None:
    jobs.put(Job(ticket_id=UUID(delivery.idempotency_key), attempts=delivery.attempt))
