"""What the runtime decides about a running delivery: noted on the delivery's flight, and done by `Invoker.settle`.

So a dead letter replaces its delivery in one transaction, after the journal record: a kill leaves one of the two, not both.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import uuid4

from contradance.local.dead_letter_queues import DeadLetterMessage, text_attributes
from contradance.local.invocation.in_flight import Flight, running_flight
from contradance.runtime.ports import Clock


class FlightNotes:
    """`DeadLetters` and `Messages` of `contradance.runtime.ports`, for the running delivery."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def send(self, function: str, body: str, attributes: Mapping[str, str]) -> None:  # noqa: ARG002 - the port's
        """Note the dead letter that replaces the running delivery when it is settled."""
        message = DeadLetterMessage(str(uuid4()), self._clock.now().timestamp(), body, text_attributes(attributes))
        _running().letter = message

    def hide(self, message: Mapping[str, Any], seconds: float) -> None:
        """Do nothing: a delivery that is repeated is postponed when it is settled."""

    def give_back(self, message: Mapping[str, Any], seconds: float) -> None:  # noqa: ARG002 - an invocation has one message
        """Note that the running delivery is repeated after `seconds`, without counting its attempt."""
        _running().pause = timedelta(seconds=seconds)

    def delete(self, message: Mapping[str, Any]) -> None:
        """Do nothing: the dead letter replaces the delivery when it is settled."""


def _running() -> Flight:
    """Return the flight of the running delivery; raise `LookupError` outside of one."""
    flight = running_flight()
    if flight is None:
        raise LookupError("no delivery runs in this context")
    return flight
