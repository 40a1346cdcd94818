"""The delivery of an event to a handler."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Delivery:
    """One delivery of one event to one function: the optional second parameter of a handler."""

    event_id: str
    correlation_id: str
    """The same for all events of one flow."""
    attempt: int
    """1 for the first attempt."""
    idempotency_key: str
    """The same on every attempt at this delivery: pass it to external services, so that they act once."""
    now: datetime
    """Start of this attempt, in UTC."""
    is_replay: bool = False
    """Whether an archive replay delivered the event."""
