"""The interfaces that the runtime needs of its environment, AWS or the laptop."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple, Protocol

from contradance.envelope import SealedEvent
from contradance.runtime.journal_record import JournalRecord
from contradance.runtime.once import Lease, OnceKey, OnceRecord, OnceState, StoredResponse
from contradance.unit import ItemKey


class Item(NamedTuple):
    """One stored item: JSON text, and a version that every write changes.

    In one table, either every key has a sort key or no key has one.
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
    """Version that the item must still have; `ABSENT`: the item must not exist; None: no condition."""


ABSENT = ""
"""The version of an item that does not exist."""


class Store(Protocol):
    """Tables and once-records, changed together."""

    def begin(self, key: OnceKey, lease: Lease, now: datetime) -> OnceRecord:
        """Take the lease, count an attempt, return the record; a `published` one unchanged. Raise `LeaseHeld` if held.

        The same holder takes over at once. A `published` record stays unchanged: a duplicate is not an attempt.

        Raises:
            LeaseHeld: another holder's lease has not expired.
        """
        ...

    def commit(
        self,
        key: OnceKey,
        lease: Lease,
        writes: Sequence[Write],
        sealed: Sequence[SealedEvent],
        answer: StoredResponse | None,
    ) -> OnceState:
        """Apply all writes and return the record's new state, `done` or `published`; or change nothing and raise.

        It is `published` without sealed events, and when the store published in the same transaction. A key without a
        lease is committed too: `begin` is optional.

        Raises:
            Conflict: an item no longer has the version that a write expects.
            LeaseLost: the lease is no longer held.
        """
        ...

    def release(self, key: OnceKey, lease: Lease, *, counted: bool = True) -> None:
        """Give the lease back if it is held, else do nothing; unless `counted`, also take the attempt back.

        Unless it is `counted`, the attempt is taken back: the same holder's next one has its number.
        """

    def mark_published(self, key: OnceKey, sealed: Sequence[SealedEvent]) -> None:
        """Make a `done` record `published`, with ids instead of its `sealed` events; no effect on other states."""

    def unpublished(self, now: datetime, limit: int) -> list[tuple[OnceKey, tuple[SealedEvent, ...]]]:
        """Return (key, sealed events) of up to `limit` `done` records with an expired lease.

        Their holder did not publish.
        """
        ...

    def get(self, table: str, key: ItemKey) -> Item | None:
        """Return a committed item; None when it does not exist."""
        ...

    def query(self, table: str, partition: str) -> list[Item]:
        """Return the items of one partition, ordered by sort key; empty when there are none."""
        ...

    def scan(self, table: str, limit: int, after: ItemKey | None) -> list[Item]:
        """Return `limit` items after the key `after` (None: from the first), in a stable order; fewer only at the end.

        The order is the store's own and stable: reading page by page returns each item once.
        """
        ...


class Events(Protocol):
    """Publishes events: the interface of boto3's EventBridge client."""

    def put_events(self, *, Entries: Sequence[Mapping[str, str]]) -> Mapping[str, Any]:  # noqa: N803 - boto3's name
        """Publish up to 10 entries; the response has one result per entry, in order, with an ErrorCode if it failed."""
        ...


class DeadLetters(Protocol):
    """Sends to a function's dead letter queue."""

    def send(self, function: str, body: str, attributes: Mapping[str, str]) -> None:
        """Put one message, with attributes as text by name, on the dead letter queue of `function`."""


class Messages(Protocol):
    """The queue whose messages the running invocation received."""

    def hide(self, message: Mapping[str, Any], seconds: float) -> None:
        """Hide a message of the queue for `seconds` from now; 0 shows it at once; a failure is not raised.

        When that fails, the message stays hidden for the queue's visibility timeout.
        """

    def give_back(self, message: Mapping[str, Any], seconds: float) -> None:
        """Show a message again after `seconds`, as if it had not been attempted; a failure is not raised."""

    def delete(self, message: Mapping[str, Any]) -> None:
        """Delete a message now; a failure is not raised, since Lambda also deletes it when the invocation ends."""


class Limiter(Protocol):
    """Limits the time of one attempt in an invocation that makes several."""

    def begin(self, seconds: float) -> None:
        """Limit retries of calls to AWS to `seconds` from now."""

    def handler(self, seconds: float) -> AbstractContextManager[None]:
        """Return a context that raises `HandlerTimedOut` in its block after `seconds`, if the environment can."""
        ...


class JournalWriter(Protocol):
    """Stores the journal's records."""

    def write(self, record: JournalRecord) -> None:
        """Store the record of one attempt."""


class Clock(Protocol):
    """Time, which tests control."""

    def now(self) -> datetime:
        """Return the current time in UTC."""
        ...

    def after(self, duration: timedelta) -> datetime:
        """Return the time that this clock will show when `duration` has passed for a process that runs.

        A scaled clock of the laptop shows more than `now() + duration`: handlers and their timeouts do not run faster.
        """
        ...

    def sleep(self, seconds: float) -> None:
        """Let `seconds` of this clock's time pass."""


class Context(Protocol):
    """Lambda's context, with the fields that the runtime reads."""

    @property
    def aws_request_id(self) -> str:
        """The id of the invocation; retries of an asynchronous invocation have the same."""
        ...

    def get_remaining_time_in_millis(self) -> int:
        """Return the milliseconds left before the function's timeout."""
        ...


class NoMessages:
    """`Messages` without a queue."""

    def hide(self, message: Mapping[str, Any], seconds: float) -> None:
        """Do nothing: there is no queue."""

    def give_back(self, message: Mapping[str, Any], seconds: float) -> None:
        """Do nothing: there is no queue."""

    def delete(self, message: Mapping[str, Any]) -> None:
        """Do nothing: there is no queue."""


class Unlimited:
    """`Limiter` of an environment that cannot interrupt a handler."""

    def begin(self, seconds: float) -> None:
        """Do nothing: time is not limited."""

    def handler(self, seconds: float) -> AbstractContextManager[None]:  # noqa: ARG002 - the port's
        """Return a context that does not limit its block."""
        return nullcontext()


_NO_MESSAGES: Final = NoMessages()
_UNLIMITED: Final = Unlimited()


@dataclass(frozen=True, slots=True)
class Environment:
    """The ports and settings of the environment in which the runtime runs."""

    store: Store
    events: Events
    dead_letters: DeadLetters
    journal: JournalWriter
    clock: Clock
    variables: Mapping[str, str]
    """Environment variables: settings, and the names of resources."""
    bus: str
    """Name or ARN of the bus to publish to."""
    messages: Messages = _NO_MESSAGES
    limiter: Limiter = _UNLIMITED
