"""Stand-ins for what the runtime needs of a place, and the place they make together."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from contradance import Contract
from contradance.choreography import AnyFunction
from contradance.envelope import SealedEvent, seal
from contradance.errors import Conflict
from contradance.local.clock import VirtualClock
from contradance.local.state.database import Database
from contradance.local.store import SQLiteStore
from contradance.runtime.entry import invoke
from contradance.runtime.journal_record import JournalRecord
from contradance.runtime.once import OnceKey, OnceState
from contradance.runtime.ports import Environment, Store

_RECORDED = Path(__file__).parent.parent / "events"


class Outage(Exception):
    """Something that the runtime depends on does not answer."""


class FakeEvents:
    """EventBridge: it takes every entry but those it was told to refuse, or none while there is an outage."""

    def __init__(self) -> None:
        self.calls: list[list[Mapping[str, str]]] = []
        self.accepted: list[Mapping[str, str]] = []
        self.outage = False
        self._refusals: dict[str, list[str]] = {}

    def refuse(self, event_id: str, *codes: str) -> None:
        """Refuse an event once for each of `codes`."""
        self._refusals[event_id] = [*codes]

    def put_events(self, *, Entries: Sequence[Mapping[str, str]]) -> Mapping[str, Any]:  # noqa: N803 - boto3's name
        """Answer as boto3 does."""
        self.calls.append([*Entries])
        if self.outage:
            raise Outage("EventBridge does not answer")
        results = [self._result(entry) for entry in Entries]
        return {"FailedEntryCount": sum("ErrorCode" in result for result in results), "Entries": results}

    def _result(self, entry: Mapping[str, str]) -> dict[str, str]:
        codes = self._refusals.get(event_id_of(entry))
        if codes:
            return {"ErrorCode": codes.pop(0), "ErrorMessage": "Refused."}
        self.accepted.append(entry)
        return {"EventId": f"entry-{len(self.accepted)}"}


@dataclass(frozen=True)
class DeadLetter:
    """One message on a dead letter queue."""

    function: str
    body: str
    attributes: Mapping[str, str]


class FakeDeadLetters:
    """Every function's dead letter queue."""

    def __init__(self) -> None:
        self.sent: list[DeadLetter] = []
        self.outage = False

    def send(self, function: str, body: str, attributes: Mapping[str, str]) -> None:
        """Keep one message."""
        if self.outage:
            raise Outage("SQS does not answer")
        self.sent.append(DeadLetter(function, body, attributes))


class FakeJournal:
    """A journal that is a list."""

    def __init__(self) -> None:
        self.records: list[JournalRecord] = []

    def write(self, record: JournalRecord) -> None:
        """Keep one record."""
        self.records.append(record)


@dataclass(frozen=True)
class FakeContext:
    """Lambda's context of one invocation."""

    aws_request_id: str
    milliseconds: int = 30_000
    ends: Callable[[], float] | None = None
    """Returns the seconds until its end, if time passes in it."""

    def get_remaining_time_in_millis(self) -> int:
        """Return what it was made with, or what is left of it."""
        return self.milliseconds if self.ends is None else int(self.ends() * 1000)


class BreakableStore(SQLiteStore):
    """The laptop's store, whose process may die just before events are marked as published.

    It may also lose conflicts: another unit of work changes an item before each of the next `conflicts` commits.
    """

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self.dies_before_marking = False
        self.conflicts = 0

    def commit(self, *work: Any) -> OnceState:
        """Raise `Conflict`, or commit."""
        if self.conflicts:
            self.conflicts -= 1
            raise Conflict("an item changed between read and commit")
        return super().commit(*work)

    def mark_published(self, key: OnceKey, sealed: Sequence[SealedEvent]) -> None:
        """Die, or mark."""
        if self.dies_before_marking:
            raise Outage("the process died")
        super().mark_published(key, sealed)


class World:
    """A place made of stand-ins, and what a test asks of it."""

    def __init__(self, database: Database) -> None:
        self.clock = VirtualClock()
        self.store = BreakableStore(database)
        self.events = FakeEvents()
        self.dead_letters = FakeDeadLetters()
        self.journal = FakeJournal()
        self.variables: dict[str, str] = {}
        self.environment = Environment(
            store=self.store,
            events=self.events,
            dead_letters=self.dead_letters,
            journal=self.journal,
            clock=self.clock,
            variables=self.variables,
            bus="desk",
        )

    def replace_store(self, store: Store) -> None:
        """Keep tables and once-records in another store from now on."""
        self.environment = replace(self.environment, store=store)

    def replace_clock(self, clock: VirtualClock) -> None:
        """Run on another clock from now on."""
        self.clock = clock
        self.environment = replace(self.environment, clock=clock)

    def deliver(
        self,
        function: AnyFunction,
        event: Mapping[str, Any],
        request: str = "request-1",
        milliseconds: int | None = None,
        *,
        passing: bool = False,
    ) -> object:
        """Invoke `function` with `event`; `request` is Lambda's request id, the same on every retry.

        With `passing`, the invocation's time passes by the virtual clock.
        """
        if milliseconds is None:
            milliseconds = int(function.invocation_timeout.total_seconds() * 1000)
        end = self.clock.now() + timedelta(milliseconds=milliseconds)

        def left() -> float:
            return (end - self.clock.now()).total_seconds()

        context = FakeContext(request, milliseconds, left if passing else None)
        return invoke(function, event, context, self.environment)

    def ask(self, function: AnyFunction, request: Mapping[str, Any], request_id: str = "request-1") -> tuple[int, Any]:
        """Return (status, JSON) of the answer to one HTTP request."""
        answer: Any = self.deliver(function, request, request_id)
        assert answer["headers"] == {"content-type": "application/json"}
        return answer["statusCode"], json.loads(answer["body"]) if answer["body"] else None

    @property
    def published(self) -> list[dict[str, Any]]:
        """The details of the events that EventBridge took, in order."""
        return [json.loads(entry["Detail"]) for entry in self.events.accepted]

    @property
    def published_ids(self) -> list[str]:
        """The ids of the events that EventBridge took, in order."""
        return [event_id_of(entry) for entry in self.events.accepted]

    @property
    def outcomes(self) -> list[str]:
        """What each journaled attempt came to."""
        return [record.outcome for record in self.journal.records]


def recorded(name: str) -> dict[str, Any]:
    """Return an event as AWS delivers it, from `tests/events`."""
    event: dict[str, Any] = json.loads((_RECORDED / f"{name}.json").read_text(encoding="utf-8"))
    return event


def delivered(event: Contract, event_id: str = "event-1", replay_name: str | None = None) -> dict[str, Any]:
    """Return `event` in the recorded envelope of EventBridge."""
    sealed = seal(
        event,
        event_id=event_id,
        occurred_at=VirtualClock().now(),
        correlation_id="chain-1",
        publisher="tickets.open_ticket",
    )
    source, detail_type, _ = sealed.identity
    envelope = {**recorded("eventbridge"), "source": source, "detail-type": detail_type}
    replay = {} if replay_name is None else {"replay-name": replay_name}
    return {**envelope, **replay, "detail": json.loads(sealed.detail)}


def queued(*bodies: Mapping[str, Any] | str, received: int = 1, age: timedelta = timedelta()) -> dict[str, Any]:
    """Return the batch with which SQS delivers `bodies`, `age` after it took them, as message-0, message-1 ..."""
    (record,) = recorded("sqs_batch")["Records"]
    sent = VirtualClock().now() - age
    attributes = {
        **record["attributes"],
        "ApproximateReceiveCount": str(received),
        "SentTimestamp": str(int(sent.timestamp() * 1000)),
    }
    return {
        "Records": [
            {
                **record,
                "messageId": f"message-{position}",
                "body": body if isinstance(body, str) else json.dumps(body),
                "attributes": attributes,
            }
            for position, body in enumerate(bodies)
        ]
    }


def event_id_of(entry: Mapping[str, str]) -> str:
    """Return the event's own id, from the entry that publishes it."""
    return str(json.loads(entry["Detail"])["metadata"]["event_id"])
