"""What a handler may know about the delivery it is handling."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Delivery:
    """One delivery of one event to one function; a handler's second parameter, where it wants one."""

    event_id: str
    """The event's own id."""
    correlation_id: str
    """Common to the whole chain of events."""
    attempt: int
    """1 for the first attempt."""
    idempotency_key: str
    """The same on every attempt at this delivery: give it to whatever is called outside and has no better id."""
    now: datetime
    """When this attempt began; UTC."""
    is_replay: bool = False
    """Whether an archive replay delivered it."""
