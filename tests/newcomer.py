"""A newcomer's application with a fault in one handler: every way to look at the failure must end at `FAULT`."""

from pathlib import Path

FAULT = "return ADDRESSES[patient]"
"""The author's line that raises."""
CLINIC = f'''"""A clinic: a visit is booked, charged, and the patient gets a mail."""

import logging
from datetime import timedelta
from typing import Annotated

from aws_lambda_powertools import Logger
from pydantic import BaseModel

from contradance import PII, Choreography, Contract, Registry, Reply, Retry, Table, route, schedule, subscriber

ADDRESSES: dict[str, str] = {{}}
log = logging.getLogger(__name__)
powertools = Logger(service="clinic")


class VisitBooked(Contract, source="clinic.desk", subject="patient"):
    """A patient booked a visit."""

    patient: str
    phone: Annotated[str, PII]


class VisitCharged(Contract, source="clinic.billing", subject="patient"):
    """A visit was charged."""

    patient: str


class Asked(BaseModel, frozen=True):
    """A request for a visit."""

    patient: str
    phone: str


class Bill(BaseModel, frozen=True):
    """What a patient owes."""

    patient: str
    phone: Annotated[str, PII]


bills = Table("bills", key=("patient",), model=Bill, service="billing")


@route("POST /visits", status=201, service="desk")
def book_visit(request: Asked) -> Reply[Asked, VisitBooked]:
    """Book a visit."""
    return Reply(request, publishes=VisitBooked(patient=request.patient, phone=request.phone))


@subscriber(service="billing", uses=[bills.write])
def charge_visit(booked: VisitBooked) -> VisitCharged:
    """Charge the visit."""
    bills.put(Bill(patient=booked.patient, phone=booked.phone))
    return VisitCharged(patient=booked.patient)


@subscriber(service="reminders", retry=Retry(times=1, max_age=timedelta(hours=1)))
def send_mail(charged: VisitCharged) -> None:
    """Mail the patient."""
    log.info("mailing %s", charged.patient, extra={{"template": "visit"}})
    powertools.warning("the mail server is slow", seconds=3)
    print("looking for", charged.patient)
    mail(address_of(charged.patient))


@schedule("rate(1 day)", service="reminders")
def count_visits() -> None:
    """Count the visits of a day."""
    log.info("counted")


def address_of(patient: str) -> str:
    """Return a patient's address."""
    {FAULT}


def mail(address: str) -> None:
    """Send a mail."""


clinic = Choreography(
    "clinic",
    contracts=Registry("clinic", [VisitBooked, VisitCharged]),
    functions=[book_visit, charge_visit, send_mail, count_visits],
)
'''


def write_project(folder: Path) -> Path:
    """Write the newcomer's project into a folder, and return it."""
    (folder / "pyproject.toml").write_text(
        '[tool.contradance]\nchoreography = "clinic:clinic"\n'
        '[tool.pytest.ini_options]\naddopts = ["-p", "no:cacheprovider"]\n'
    )
    (folder / "clinic.py").write_text(CLINIC)
    return folder


def fault_line() -> int:
    """Return the number of the author's line that raises."""
    return CLINIC.splitlines().index(f"    {FAULT}") + 1
