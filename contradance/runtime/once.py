"""The once-record: the state of one delivery, which makes its handling take effect once.

in_progress   a holder has the lease; the same holder takes over at once, another waits until it expires
done          committed; the record holds the sealed events until they are published
published     complete; a duplicate does nothing
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, NamedTuple

from contradance.envelope import SealedEvent
from contradance.runtime.journal_record import PublishedEvent

OnceState = Literal["in_progress", "done", "published"]


class OnceKey(NamedTuple):
    """Identifies what is done once: one function's handling of one event, request or scheduled time."""

    function: str
    source: str
    """The event's source; `http` for a request, `schedule` for a scheduled time."""
    event_id: str


def scheduled_key(function: str, schedule: str, scheduled_time: str) -> OnceKey:
    """Return the once-key of a scheduled run: schedule and time identify it."""
    return OnceKey(function, "schedule", f"{schedule}@{scheduled_time}")


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to handle a delivery until it expires. It is also the fence: a holder that lost it cannot commit."""

    holder: str
    """The Lambda request id, or the id of the SQS message: the same on every attempt at the same delivery."""
    expires: datetime


@dataclass(frozen=True, slots=True)
class StoredResponse:
    """A route's response, stored so that a repeated request gets the same one."""

    status: int
    body: str
    fingerprint: str
    """Digest of the request, which distinguishes a repeated request from a reused Idempotency-Key."""


@dataclass(frozen=True, slots=True)
class OnceRecord:
    """The state of one delivery, as `Store.begin` returns it."""

    state: OnceState
    attempt: int
    """Number of this holder's attempt; 1 is the first."""
    sealed: tuple[SealedEvent, ...] = ()
    """Events that are still to publish; empty unless `done`."""
    published: tuple[PublishedEvent, ...] = ()
    """Events that were published; empty unless `published`."""
    answer: StoredResponse | None = None
