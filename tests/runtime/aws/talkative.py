"""A function that writes a line of each kind, with each kind of logger that an author may have."""

import logging

from aws_lambda_powertools import Logger
from pydantic import ValidationError

from contradance import subscriber
from tests.runtime.desk import Job, TicketOpened

log = logging.getLogger(__name__)
elsewhere = Logger(service="elsewhere")
child = Logger(service="elsewhere", child=True)


@subscriber(service="repairs")
def log_everything(event: TicketOpened) -> None:
    log.info("Opened for %s", event.channel, extra={"kind": "stdlib"})
    elsewhere.append_keys(kettles=1)
    elsewhere.warning("Opened for %s", event.channel, kind="powertools")
    Logger(service="late").info({"opened": event}, kind="late")
    child.info("Opened", kind="child")
    nested = {"list": [event], "job": Job(ticket_id=event.ticket_id)}
    log.info("Got %s", event, extra={"kind": "models", "opened": event, "nested": nested})
    try:
        find_job(event.owner)
    except RuntimeError as error:
        log.exception("Refused: %s", error.__cause__, extra={"kind": "exception"})


def find_job(ticket: str) -> None:
    try:
        Job.model_validate({"ticket_id": ticket})
    except ValidationError as error:
        raise RuntimeError(f"there is no job: {error}") from error
