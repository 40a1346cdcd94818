"""The journal: one record per delivery, and per publish by a route. Traces are made of nothing else."""

from collections.abc import Iterable
from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict

from contradance.envelope import SealedEvent

Outcome = Literal["done", "duplicate", "failed", "invalid", "expired"]
"""What came of a delivery: done; done before; raised; its data breaks the contract; too old to try again."""


class PublishedEvent(BaseModel):
    """One event that a delivery published."""

    model_config = ConfigDict(frozen=True)

    event_id: str
    contract: str
    """Identity: `library.loans/BookLent v1`."""


def published_events(sealed: Iterable[SealedEvent]) -> tuple[PublishedEvent, ...]:
    """Return what the journal keeps of published events."""
    return tuple(PublishedEvent(event_id=event.event_id, contract=str(event.identity)) for event in sealed)


class JournalRecord(BaseModel):
    """What one attempt at one delivery came to. It holds ids, names and what errors say; no event's data."""

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

    @property
    def dead(self) -> bool:
        """Whether this attempt put the event on the function's dead letter queue."""
        return self.outcome in ("invalid", "expired") or (self.outcome == "failed" and self.retries_left == 0)
