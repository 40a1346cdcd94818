"""The journal's records: one per attempt at a delivery, and one per request to a route. Traces consist of them."""

from collections.abc import Iterable
from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict

from contradance.envelope import SealedEvent
from contradance.printable import encodable, printable_block

Outcome = Literal["done", "duplicate", "failed", "invalid", "expired"]
"""Outcome of an attempt: committed; already done; raised; data that breaks the contract; older than max_age."""

_Text = Annotated[str, BeforeValidator(lambda text: encodable(text) if isinstance(text, str) else text)]
"""Text of an event, unchanged unless no encoding has it, so that a record is never lost for it."""
_ErrorText = Annotated[str, BeforeValidator(lambda text: printable_block(text) if isinstance(text, str) else text)]


class PublishedEvent(BaseModel):
    """One event that a delivery published."""

    model_config = ConfigDict(frozen=True)

    event_id: str
    contract: str
    """Identity: `library.loans/BookLent v1`."""


def published_events(sealed: Iterable[SealedEvent]) -> tuple[PublishedEvent, ...]:
    """Return the journal's entries for sealed events: id and contract."""
    return tuple(PublishedEvent(event_id=event.event_id, contract=str(event.identity)) for event in sealed)


class JournalRecord(BaseModel):
    """The outcome of one attempt at a delivery. It holds ids, names and error descriptions, and no event data."""

    model_config = ConfigDict(frozen=True)

    function: str
    """`service.handler`."""
    trigger: _Text
    """The consumed event's identity, a route key or a schedule expression."""
    event_id: _Text | None
    """The consumed event; None for a route or a schedule."""
    subject: _Text | None
    correlation_id: _Text
    causation_id: _Text | None
    attempt: int
    outcome: Outcome
    retries_left: int
    """Attempts that remain after this one; a failure with none left is a dead letter."""
    published: tuple[PublishedEvent, ...] = ()
    started_at: datetime
    duration_ms: float
    error: _ErrorText | None = None

    @property
    def dead(self) -> bool:
        """Whether this attempt ended as a dead letter."""
        return self.outcome in ("invalid", "expired") or (self.outcome == "failed" and self.retries_left == 0)
