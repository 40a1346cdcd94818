"""The delivery of an event to a handler."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

_UNKNOWN: Final = datetime.min.replace(tzinfo=UTC)


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
    account: str = ""
    """The AWS account of the event, as EventBridge has it; empty for a request."""
    region: str = ""
    """The AWS region of the event, as EventBridge has it; empty for a request."""
    resources: tuple[str, ...] = ()
    """ARNs of the resources that the event is about, as its publisher gave them."""
    time: datetime = field(default_factory=lambda: _UNKNOWN)
    """When the event happened, in UTC, as EventBridge has it; the scheduled time of a run; `now` for a request."""

    def __post_init__(self) -> None:
        """Fill in the time."""
        if self.time is _UNKNOWN:
            object.__setattr__(self, "time", self.now)
