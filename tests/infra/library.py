"""A city library, for what the food delivery system does not have."""

from datetime import timedelta
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, Field

from contradance import (
    PII,
    Choreography,
    Contract,
    Registry,
    Retry,
    Secret,
    Setting,
    Table,
    route,
    schedule,
    subscriber,
)


class BookLent(Contract, source="library.loans", subject="loan_id"):
    """A reader took a book home."""

    loan_id: UUID
    reader: Annotated[str, PII]
    pages: int = Field(gt=0)


class ReminderDue(Contract, source="library.loans", subject="loan_id"):
    """A loan is overdue."""

    loan_id: UUID


class Loan(BaseModel):
    """A loan as the loans service keeps it."""

    branch: str
    loan_id: UUID


class Nothing(BaseModel):
    """An empty answer."""


loans = Table("loans", key=("branch", "loan_id"), model=Loan, service="loans")
fee = Setting("fee", float, default=0.5)
mail_key = Secret("mail_key", on_laptop="a key that opens nothing")


@schedule("rate(1 day)", service="loans", uses=[loans.read], retry=Retry(times=1, max_age=timedelta(hours=2)))
def find_overdue() -> list[ReminderDue]:
    """Look for overdue loans."""
    return []


@subscriber(service="readers", uses=[fee, mail_key], concurrency=5, timeout=timedelta(seconds=60), memory=512)
def remind_reader(due: ReminderDue) -> None:
    """Remind a reader."""


@subscriber(service="readers", delivery="queue", batch=1, concurrency=4, where={"pages": [{"numeric": [">", 100]}]})
def praise_reader(lent: BookLent) -> None:
    """Praise whoever reads long books."""


@route("PUT /loans/{loan_id}", service="loans", uses=[loans.write])
def renew_loan(loan_id: UUID) -> Nothing:
    """Renew a loan."""
    return Nothing()


contracts = Registry("library", [BookLent, ReminderDue])
library = Choreography(
    "city-library", contracts=contracts, functions=[find_overdue, remind_reader, praise_reader, renew_loan]
)
