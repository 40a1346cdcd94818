"""Runs one handler once, in the calling thread, on the rows of a laptop's file, and keeps nothing: for a debugger.

The runtime is the one of every delivery: the event is validated, tables and settings are linked, what is returned is sealed.
Only the store commits nothing, and nothing is published, journaled or dead-lettered.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple
from uuid import uuid4

from contradance.choreography import AnyFunction
from contradance.envelope import SealedEvent
from contradance.errors import LaptopError
from contradance.local.clock import RealClock
from contradance.local.invocation.record import read_event
from contradance.local.items import Queries, StoredItems
from contradance.local.state.ids import SELECTED
from contradance.runtime.containment import raised_by
from contradance.runtime.entry import invoke
from contradance.runtime.journal_record import JournalRecord
from contradance.runtime.once import Lease, OnceKey, OnceRecord, OnceState, StoredResponse
from contradance.runtime.ports import Environment, Write

_HOUR: Final = 3_600_000
"""Time of an invocation in the debugger, in milliseconds: the function's timeout does not count."""
_PENDING: Final = (
    "SELECT function, event_id, event.envelope FROM delivery JOIN event ON event.id = delivery.event "  # noqa: S608 - constants
    f"WHERE {SELECTED} ORDER BY delivery.due"
)


class Rehearsed(NamedTuple):
    """What a handler did."""

    error: BaseException | None
    """What it raised, with its traceback; None if it returned."""
    published: Sequence[str]
    """The identities of the events that it would publish."""
    written: Sequence[str]
    """The tables of the rows that it would write or delete."""
    refused: str
    """Why the event did not reach the handler: it breaks its contract. Else empty."""


def rehearse(
    function: AnyFunction, event: Mapping[str, Any], queries: Queries, variables: Mapping[str, str]
) -> Rehearsed:
    """Run `function` with an event as it was delivered, store nothing, and return what it did or raised.

    Args:
        function: a subscriber or a scheduled function.
        event: EventBridge's envelope, or the input of a scheduled run.
        queries: reads the laptop's file.
        variables: environment variables with settings and secrets.

    Raises:
        LaptopError: the file cannot be read.
    """
    store, rest = _RehearsalStore(queries), _RehearsalPorts()
    environment = Environment(store, rest, rest, rest, RealClock(), variables, bus="rehearsal")
    try:
        invoke(function, event, _UnlimitedContext(), environment)
    except LaptopError:
        raise
    except Exception as error:  # noqa: BLE001 - whatever the handler raises is the result
        return Rehearsed(raised_by(error), (), (), "")
    return Rehearsed(None, store.published, store.written, rest.reason)


class PendingEvent(NamedTuple):
    """An event that waits for its function."""

    function: str
    event_id: str
    event: Mapping[str, Any]


def pending_events(queries: Queries, term: str) -> list[PendingEvent]:
    """Return the pending deliveries that `term` names whole, a function, subject or id, the first due first."""
    rows = queries.read(_PENDING, {"term": term})
    return [PendingEvent(function, event_id, read_event(event_id, envelope)) for function, event_id, envelope in rows]


class _UnlimitedContext:
    """Lambda's context of an invocation without a timeout."""

    def __init__(self) -> None:
        self.aws_request_id = str(uuid4())

    def get_remaining_time_in_millis(self) -> int:
        """Return an hour, always."""
        return _HOUR


class _RehearsalStore(StoredItems):
    """A `Store` that reads committed rows, and notes what would be committed."""

    def __init__(self, queries: Queries) -> None:
        super().__init__(queries)
        self.published: list[str] = []
        self.written: list[str] = []

    def begin(self, key: OnceKey, lease: Lease, now: datetime) -> OnceRecord:  # noqa: ARG002 - the port's
        """Return the record of a first attempt, whatever was committed before."""
        return OnceRecord("in_progress", 1)

    def commit(
        self,
        key: OnceKey,  # noqa: ARG002 - the port's
        lease: Lease,  # noqa: ARG002 - the same
        writes: Sequence[Write],
        sealed: Sequence[SealedEvent],
        answer: StoredResponse | None,  # noqa: ARG002 - the same
    ) -> OnceState:
        """Note the tables and the events, and write nothing; return `published`, so that no event is published."""
        self.written = [write.table for write in writes]
        self.published = [str(event.identity) for event in sealed]
        return "published"

    def release(self, key: OnceKey, lease: Lease, *, counted: bool = True) -> None:
        """Do nothing: there is no lease."""

    def has_completed(self, key: OnceKey) -> bool:  # noqa: ARG002 - the port's
        """Return False: the handler runs again."""
        return False

    def mark_published(self, key: OnceKey, sealed: Sequence[SealedEvent]) -> None:
        """Do nothing: nothing was committed."""

    def unpublished(self, now: datetime, limit: int) -> list[tuple[OnceKey, tuple[SealedEvent, ...]]]:  # noqa: ARG002 - the port's
        """Return an empty list."""
        return []


class _RehearsalPorts:
    """`Events`, `DeadLetters` and `JournalWriter` that keep nothing but the reason of a dead letter."""

    def __init__(self) -> None:
        self.reason = ""

    def put_events(self, *, Entries: Sequence[Mapping[str, str]]) -> Mapping[str, Any]:  # noqa: N803 - boto3's name
        """Return a success for each entry; no event is published."""
        return {"FailedEntryCount": 0, "Entries": [{"EventId": str(uuid4())} for _ in Entries]}

    def send(self, function: str, body: str, attributes: Mapping[str, str]) -> None:  # noqa: ARG002 - the port's
        """Note the attribute `ERROR_MESSAGE` as the reason; send nothing."""
        self.reason = attributes["ERROR_MESSAGE"]

    def write(self, record: JournalRecord) -> None:
        """Do nothing: the journal has attempts that count."""
