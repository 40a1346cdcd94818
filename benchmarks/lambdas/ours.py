"""Contradance: what an author writes, and nothing else."""

import logging
from uuid import UUID

from pydantic import BaseModel

from contradance import Table, subscriber
from lambdas.contracts.m0 import BookLent, ReminderPlanned

log = logging.getLogger(__name__)


class Reminder(BaseModel):
    """A stored row."""

    loan_id: UUID
    reader: str
    fee: int


reminders = Table("reminders", key=("loan_id",), model=Reminder, service="reminders")


@subscriber(service="reminders", uses=[reminders.write])
def remind(lent: BookLent) -> ReminderPlanned:
    """Write a row, and publish an event."""
    log.info("Planning for loan: %s", lent.loan_id)
    reminders.put(Reminder(loan_id=lent.loan_id, reader=lent.reader.name, fee=lent.fee))
    return ReminderPlanned(loan_id=lent.loan_id, reader=lent.reader, fee=lent.fee, lent_at=lent.lent_at)
