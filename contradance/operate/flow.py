"""The journal's records of one flow as a tree of causes and effects."""

import re
from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal, NamedTuple

from contradance.runtime.journal_record import COMPLETED, JournalRecord, PublishedEvent

_VERSION: Final = re.compile(r" v(\d{1,9})$")
DeliveryState = Literal["done", "dead", "failed", "waiting"]
"""Completed; a dead letter; a request that failed, which nothing repeats; pending, or to be retried."""


class Outstanding(NamedTuple):
    """A delivery that is pending, or that will be retried."""

    correlation_id: str
    event_id: str
    function: str
    due: datetime


class AcceptedEvent(NamedTuple):
    """An event that a bus accepted."""

    event_id: str
    source: str
    detail_type: str
    pending: int
    """Deliveries that are pending."""


@dataclass(frozen=True, slots=True)
class Handled:
    """One delivery, a request or a scheduled run: every attempt at it, and the published events."""

    attempts: tuple[JournalRecord, ...]
    published: tuple["Happened", ...]
    again: datetime | None = None
    """When the next attempt is due; None where none is, or where that is unknown."""

    @property
    def last(self) -> JournalRecord:
        """The attempt that counts: the last with the outcome `done`, else the last of all."""
        done = [attempt for attempt in self.attempts if attempt.outcome == "done"]
        return (done or self.attempts)[-1]


@dataclass(frozen=True, slots=True)
class Happened:
    """One event, and its deliveries."""

    event_id: str
    contract: str
    """Identity: `library.loans/BookLent v1`."""
    deliveries: tuple[Handled, ...]
    outstanding: tuple[Outstanding, ...] = ()
    """Deliveries that have not begun."""


@dataclass(frozen=True, slots=True)
class Flow:
    """Everything that one request, scheduled run or outside event led to."""

    correlation_id: str
    subject: str | None
    roots: tuple[Handled | Happened, ...]
    """What started it: usually one route; an event, where no function here published it."""
    events: int
    deliveries: int
    """Deliveries of events that ended, completed or as a dead letter; duplicates are not counted."""
    dead_letters: int
    """Deliveries and scheduled runs that became dead letters."""
    waiting: int
    """Deliveries and scheduled runs that are pending, or that will be retried."""
    failed: int
    """Requests that failed."""
    began: datetime
    duration: timedelta
    unread: int = 0
    """Attempts that were not read: everything here is about the others."""


def flows(records: Iterable[JournalRecord], outstanding: Iterable[Outstanding] = ()) -> list[Flow]:
    """Return the flows that have `records`, the earliest first, each with its pending deliveries from `outstanding`.

    A pending delivery whose flow has no record is left out.
    """
    by_flow: dict[str, list[JournalRecord]] = {}
    for record in records:
        by_flow.setdefault(record.correlation_id, []).append(record)
    yet: dict[str, list[Outstanding]] = {}
    for one in outstanding:
        yet.setdefault(one.correlation_id, []).append(one)
    found = [_flow(key, group, yet.get(key, ())) for key, group in by_flow.items()]
    return sorted(found, key=lambda flow: flow.began)


def _flow(correlation_id: str, records: Sequence[JournalRecord], outstanding: Sequence[Outstanding]) -> Flow:
    """Return the flow that consists of these records and pending deliveries: its tree and its counts."""
    tree = _TreeBuilder(records, outstanding)
    deliveries = [delivery_state(attempts) for attempts in tree.deliveries() if not _is_unreadable(attempts)]
    states = deliveries + [delivery_state(attempts) for attempts in tree.starts()]
    began = min(record.started_at for record in records)
    finished = max(record.started_at + timedelta(milliseconds=record.duration_ms) for record in records)
    return Flow(
        correlation_id=correlation_id,
        subject=next((record.subject for record in records if record.subject), None),
        roots=tree.roots(),
        events=tree.event_count(),
        deliveries=len(deliveries) - deliveries.count("waiting"),
        dead_letters=states.count("dead"),
        waiting=states.count("waiting") + len(tree.not_begun),
        failed=states.count("failed"),
        began=began,
        duration=finished - began,
    )


class _TreeBuilder:
    """Builds the tree of one flow."""

    def __init__(self, records: Sequence[JournalRecord], outstanding: Sequence[Outstanding]) -> None:
        self._attempts = _attempts_by_event(records)
        self._published = _published_events(records)
        self._outside = _outside_events(records, self._published)
        self._due = {(one.event_id, one.function): one.due for one in outstanding}
        self._shown: set[str] = set()
        """Events above the one that is added: records that name each other as causes do not make an endless tree."""
        self.not_begun = [one for one in outstanding if one.function not in self._attempts.get(one.event_id, {})]
        """Pending deliveries without an attempt."""
        self._not_begun_of: dict[str, list[Outstanding]] = {}
        for one in self.not_begun:
            self._not_begun_of.setdefault(one.event_id, []).append(one)

    def starts(self) -> list[list[JournalRecord]]:
        """Return the attempts at each request and each scheduled run, which have no consumed event."""
        return [*self._attempts.get(None, {}).values()]

    def deliveries(self) -> list[list[JournalRecord]]:
        """Return the attempts at each delivery of an event."""
        return [
            attempts
            for event_id, by_function in self._attempts.items()
            if event_id is not None
            for attempts in by_function.values()
        ]

    def event_count(self) -> int:
        """Return the number of events, published here or outside."""
        return len(self._published) + len(self._outside)

    def roots(self) -> tuple[Handled | Happened, ...]:
        """Return the tree's roots with all their effects: requests and scheduled runs first, then outside events."""
        return (*map(self._handled, self.starts()), *map(self._happened, self._outside.values()))

    def _handled(self, attempts: Sequence[JournalRecord]) -> Handled:
        """Return one delivery, request or scheduled run with its effects."""
        published = _published_events(attempts)
        again = self._due.get((attempts[0].event_id or "", attempts[0].function))
        return Handled(tuple(attempts), tuple(map(self._happened, published.values())), again)

    def _happened(self, event: PublishedEvent) -> Happened:
        """Return one event with its deliveries; inside its own effects without them, so that the tree ends."""
        if event.event_id in self._shown:
            return Happened(event.event_id, event.contract, ())
        self._shown.add(event.event_id)
        begun = self._attempts.get(event.event_id, {})
        not_begun = tuple(self._not_begun_of.get(event.event_id, ()))
        found = Happened(event.event_id, event.contract, tuple(map(self._handled, begun.values())), not_begun)
        self._shown.remove(event.event_id)
        return found


def _is_unreadable(attempts: Sequence[JournalRecord]) -> bool:
    """Whether every attempt of a delivery is `unreadable`, so that its state is unknown."""
    return all(attempt.outcome == "unreadable" for attempt in attempts)


def _attempts_by_event(records: Iterable[JournalRecord]) -> dict[str | None, dict[str, list[JournalRecord]]]:
    """Return the attempts by consumed event and function; the event is None for requests and scheduled runs."""
    attempts: dict[str | None, dict[str, list[JournalRecord]]] = {}
    for record in records:
        attempts.setdefault(record.event_id, {}).setdefault(record.function, []).append(record)
    return attempts


def _published_events(records: Iterable[JournalRecord]) -> dict[str, PublishedEvent]:
    """Return the events that these attempts published, by id; of several versions the last."""
    return {event.event_id: event for record in records for event in record.published}


def _outside_events(records: Iterable[JournalRecord], published: Container[str]) -> dict[str, PublishedEvent]:
    """Return the consumed events that are not in `published`, by id, each in the newest version that was consumed."""
    consumed: dict[str, list[str]] = {}
    for record in records:
        if record.event_id is not None and record.event_id not in published:
            consumed.setdefault(record.event_id, []).append(record.trigger)
    return {
        event_id: PublishedEvent(event_id=event_id, contract=newest_version(contracts))
        for event_id, contracts in consumed.items()
    }


def newest_version(contracts: Iterable[str]) -> str:
    """Return the identity with the highest version, like `library.loans/BookLent v2`, of those of one event."""
    return max(contracts, key=_version)


def _version(contract: str) -> int:
    """Return the number after ` v` at the end of an identity; 0 without one, as for an event of others."""
    found = _VERSION.search(contract)
    return int(found[1]) if found else 0


def delivery_state(attempts: Sequence[JournalRecord]) -> DeliveryState:
    """Return the state of one delivery, request or scheduled run after all these attempts, the latest last."""
    if any(attempt.outcome in COMPLETED for attempt in attempts):
        return "done"
    if any(attempt.dead for attempt in attempts):
        return "dead"
    return "failed" if attempts[-1].is_request else "waiting"
