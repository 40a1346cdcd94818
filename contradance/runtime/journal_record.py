"""The journal's records: one per attempt at a delivery, and one per request that published or failed."""

from collections.abc import Iterable
from datetime import datetime
from functools import partial
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from contradance.bounds import MAX_NAME_BYTES, MAX_REASON_BYTES, shortened
from contradance.envelope import SealedEvent
from contradance.printable import printable_block

Outcome = Literal["done", "duplicate", "failed", "invalid", "expired", "unreadable"]
"""Outcome of an attempt: committed; already done; raised; data that breaks the contract; older than max_age. `unreadable` is
never written: it stands for a record that cannot be read."""

COMPLETED: Final = ("done", "duplicate")
"""Outcomes of a handler that has committed; a process may end before it journals the first, so the second is enough."""


def _short(value: object, most_bytes: int) -> object:
    """Return a text cut to `most_bytes`; any other value unchanged."""
    return shortened(value, most_bytes) if isinstance(value, str) else value


Name = Annotated[str, BeforeValidator(partial(_short, most_bytes=MAX_NAME_BYTES))]
"""An id or a name, cut to its bound: other publishers choose their own."""
ErrorText = Annotated[
    str,
    BeforeValidator(partial(_short, most_bytes=MAX_REASON_BYTES)),
    BeforeValidator(lambda text: printable_block(text) if isinstance(text, str) else text),
]
"""The description of an error, safe to show and cut to its bound."""
BlockText = Annotated[str, BeforeValidator(lambda text: printable_block(text) if isinstance(text, str) else text)]
"""Text of several lines, safe to show; its writer has bounded it."""


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
    message: BlockText
    fields: dict[str, Any] = {}
    """The author's own keys."""
    exception: BlockText | None = None
    """A logged traceback."""


class JournalRecord(BaseModel):
    """The outcome of one attempt at a delivery. It holds ids, names and error descriptions, and no event data."""

    model_config = ConfigDict(frozen=True)

    function: str
    """`service.handler`."""
    trigger: Name
    """The consumed event's identity, a route key or a schedule expression."""
    event_id: Name | None
    """The consumed event; None for a route or a schedule."""
    subject: Name | None
    """The business entity that the event is about."""
    correlation_id: Name
    """The same for all records of one flow."""
    causation_id: Name | None
    """The id of the event that caused the consumed event; None at the start of a flow."""
    attempt: int
    """1 for the first attempt."""
    outcome: Outcome
    """The outcome of this attempt."""
    retries_left: int
    """Attempts that remain after this one; a failed delivery with none left is a dead letter."""
    published: tuple[PublishedEvent, ...] = ()
    """Ids and contracts of the events that it published."""
    started_at: datetime
    """When the attempt began, in UTC."""
    duration_ms: float
    """Duration of the attempt in milliseconds."""
    error: ErrorText | None = None
    """Class and message of the exception; None without one."""
    traceback: BlockText | None = None
    """From the author's first frame on; None unless the handler raised."""
    logs: tuple[LogEntry, ...] = Field(default=(), exclude=True)
    """What the attempt logged, where that is kept with it: on the laptop. On AWS the function's log group has it."""

    @property
    def is_request(self) -> bool:
        """Whether this is the answer to a request: its trigger is a route key, like `POST /loans`."""
        return self.event_id is None and " /" in self.trigger

    @property
    def dead(self) -> bool:
        """Whether this attempt ended as a dead letter: `invalid`, `expired`, or `failed` without retries left."""
        failed = self.outcome == "failed" and self.retries_left == 0 and not self.is_request
        return self.outcome in ("invalid", "expired") or failed
