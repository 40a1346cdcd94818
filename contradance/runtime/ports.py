"""What the runtime needs of the environment it runs in: AWS, or the laptop."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple, Protocol

from contradance.envelope import SealedEvent
from contradance.runtime.journal_record import JournalRecord
from contradance.runtime.once import Lease, OnceKey, OnceRecord, OnceState, StoredResponse
from contradance.unit import ItemKey


class Item(NamedTuple):
    """One stored item: JSON text, and a version that every write changes.

    Within one table either every key has a sort key or none has.
    """

    key: ItemKey
    version: str
    document: str


class Write(NamedTuple):
    """One item to write when a unit of work commits."""

    table: str
    key: ItemKey
    document: str | None
    """None deletes."""
    expected: str | None
    """Version that the item must still have; `ABSENT` where there must be none; None writes unconditionally."""


ABSENT = ""
"""The version of an item that does not exist."""


class Store(Protocol):
    """Tables and once-records, changed together."""

    def begin(self, key: OnceKey, lease: Lease, now: datetime) -> OnceRecord:
        """Count an attempt, and take the lease where the handler has not committed yet.

        The same holder takes over at once. A `published` record is returned as it is: a duplicate is no attempt.

        Raises:
            LeaseHeld: another holder's lease has not expired.
        """

    def commit(
        self,
        key: OnceKey,
        lease: Lease,
        writes: Sequence[Write],
        sealed: Sequence[SealedEvent],
        answer: StoredResponse | None,
    ) -> OnceState:
        """Apply all writes and make the once-record `done`, or do nothing; return the state.

        It is `published` where nothing is sealed, and where the store published in the same transaction. A key that
        was never begun is begun and done at once.

        Raises:
            Conflict: an item no longer has the version that a write expects.
            LeaseLost: the lease is no longer held.
        """

    def release(self, key: OnceKey, lease: Lease) -> None:
        """Give the lease back, so that another holder need not wait for its end; nothing where it is not held."""

    def mark_published(self, key: OnceKey) -> None:
        """Make a `done` record `published`, erasing its sealed events and keeping their ids."""

    def unpublished(self, now: datetime, limit: int) -> list[tuple[OnceKey, tuple[SealedEvent, ...]]]:
        """Return up to `limit` records that are `done` and whose lease has expired: their holder died or gave up."""

    def get(self, table: str, key: ItemKey) -> Item | None:
        """Return an item as it is committed."""

    def query(self, table: str, partition: str) -> list[Item]:
        """Return one partition in the order of its sort keys."""

    def scan(self, table: str, limit: int, after: ItemKey | None) -> list[Item]:
        """Return up to `limit` items from behind the key `after`, which need not exist; all of them where fewer are left.

        The order is the store's own and always the same: no item is read twice, and none is missed.
        """


class Events(Protocol):
    """EventBridge, as boto3's client speaks it."""

    def put_events(self, *, Entries: Sequence[Mapping[str, str]]) -> Mapping[str, Any]:  # noqa: N803 - boto3's name
        """Publish up to 10 entries; the answer has one result per entry, in order."""


class DeadLetters(Protocol):
    """A function's dead letter queue, as the function itself may use it."""

    def send(self, function: str, body: str, attributes: Mapping[str, str]) -> None:
        """Put one message on the queue of `function`."""


class JournalWriter(Protocol):
    """Where each delivery leaves its record."""

    def write(self, record: JournalRecord) -> None:
        """Keep one record."""


class Clock(Protocol):
    """Time, which tests turn by hand."""

    def now(self) -> datetime:
        """Return the present moment in UTC."""

    def sleep(self, seconds: float) -> None:
        """Let time pass."""


class Context(Protocol):
    """Lambda's context, as far as the runtime reads it."""

    @property
    def aws_request_id(self) -> str:
        """The same on every retry of one asynchronous invocation."""

    def get_remaining_time_in_millis(self) -> int:
        """Return the milliseconds left before the function's timeout."""


@dataclass(frozen=True, slots=True)
class Environment:
    """Everything the runtime needs of the environment it runs in."""

    store: Store
    events: Events
    dead_letters: DeadLetters
    journal: JournalWriter
    clock: Clock
    variables: Mapping[str, str]
    """Environment variables: settings, and the names of resources."""
    bus: str
    """Name or ARN of the bus to publish to."""
