"""The once-record: what has already been done about one delivery.

in_progress   a lease is held; the same holder takes over at once, another waits until it expires
done          committed; the sealed events wait here until they are published
published     nothing is left to do; a duplicate does nothing
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, NamedTuple

from contradance.envelope import SealedEvent
from contradance.runtime.journal_record import PublishedEvent

OnceState = Literal["in_progress", "done", "published"]


class OnceKey(NamedTuple):
    """What is done once: one function's handling of one event, of one request, or of one scheduled moment."""

    function: str
    source: str
    """The event's source; `http` for a request, `schedule` for a moment."""
    event_id: str


@dataclass(frozen=True, slots=True)
class Lease:
    """Leave to work on a delivery until it expires. It is also the fence: who lost it cannot commit."""

    holder: str
    """The Lambda request id, or the id of the SQS message: the same on every attempt at the same delivery."""
    expires: datetime


@dataclass(frozen=True, slots=True)
class StoredResponse:
    """What a route answered, kept so that a repeated request gets it again."""

    status: int
    body: str
    fingerprint: str
    """Digest of the request, so that a reused Idempotency-Key is told from a repeated request."""


@dataclass(frozen=True, slots=True)
class OnceRecord:
    """One delivery's state, after a lease was asked for."""

    state: OnceState
    attempt: int
    """Attempts that this holder has made, this one included."""
    sealed: tuple[SealedEvent, ...] = ()
    """What remains to be published; empty unless `done`."""
    published: tuple[PublishedEvent, ...] = ()
    """What was published; empty unless `published`."""
    answer: StoredResponse | None = None
