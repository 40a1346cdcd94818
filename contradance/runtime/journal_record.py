"""The journal's records: one per attempt at a delivery, and one per request that published or failed. Traces consist of them."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from contradance.envelope import SealedEvent

Outcome = Literal["done", "duplicate", "failed", "invalid", "expired"]
"""Outcome of an attempt: committed; already done; raised; data that breaks the contract; older than max_age."""


class PublishedEvent(BaseModel):
    """One event that a delivery published."""

    model_config = ConfigDict(frozen=True)

    event_id: str
    contract: str
    """Identity: `library.loans/BookLent v1`."""


def published_events(sealed: Iterable[SealedEvent]) -> tuple[PublishedEvent, ...]:
    """Return the journal's entries for sealed events: id and contract."""
    return tuple(PublishedEvent(event_id=event.event_id, contract=str(event.identity)) for event in sealed)


class LogEntry(BaseModel):
    """One line that a handler logged or printed, without personal data of models."""

    model_config = ConfigDict(frozen=True)

    at: datetime
    level: str
    logger: str
    """The logger's name; `print` for standard output."""
    message: str
    fields: dict[str, Any] = {}
    """The author's own keys."""
    exception: str | None = None
    """A logged traceback."""


class JournalRecord(BaseModel):
    """The outcome of one attempt at a delivery. It holds ids, names and error descriptions, and no event data."""

    model_config = ConfigDict(frozen=True)

    function: str
    """`service.handler`."""
    trigger: str
    """The consumed event's identity, a route key or a schedule expression."""
    event_id: str | None
    """The consumed event; None for a route or a schedule."""
    subject: str | None
    correlation_id: str
    causation_id: str | None
    attempt: int
    outcome: Outcome
    retries_left: int
    """Attempts that remain after this one; a failure with none left is a dead letter."""
    published: tuple[PublishedEvent, ...] = ()
    started_at: datetime
    duration_ms: float
    error: str | None = None
    traceback: str | None = None
    """From the author's first frame on; None unless the handler raised."""
    logs: tuple[LogEntry, ...] = Field(default=(), exclude=True)
    """What the attempt logged, where that is kept with it: on the laptop. On AWS the function's log group has it."""

    @property
    def is_request(self) -> bool:
        """Whether this is the answer to a request: its trigger is a route key, like `POST /loans`."""
        return self.event_id is None and " /" in self.trigger

    @property
    def dead(self) -> bool:
        """Whether this attempt ended as a dead letter; a request that failed is answered with 500, and not kept."""
        if self.is_request:
            return False
        return self.outcome in ("invalid", "expired") or (self.outcome == "failed" and self.retries_left == 0)
