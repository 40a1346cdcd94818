"""The journal's records of one flow as a tree of causes and effects."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal, NamedTuple

from contradance.runtime.journal_record import JournalRecord, PublishedEvent

COMPLETED: Final = ("done", "duplicate")
"""Outcomes of a handler that has committed; a process may end before it journals the first, so the second is enough."""


class Outstanding(NamedTuple):
    """A delivery that is pending, or that will be retried."""

    correlation_id: str
    event_id: str
    function: str
    due: datetime


@dataclass(frozen=True, slots=True)
class Handled:
    """One delivery, a request or a scheduled run: every attempt at it, and the published events."""

    attempts: tuple[JournalRecord, ...]
    published: tuple["Happened", ...]
    again: datetime | None = None
    """When the next attempt is due; None where none is, or where that is unknown."""

    @property
    def last(self) -> JournalRecord:
        """The attempt that counts: the one that succeeded, else the latest."""
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
    began: datetime
    duration: timedelta


def flows(records: Iterable[JournalRecord], outstanding: Iterable[Outstanding] = ()) -> list[Flow]:
    """Return the flows in `records`, the earliest first; `outstanding` are the pending deliveries."""
    by_flow: dict[str, list[JournalRecord]] = {}
    for record in records:
        by_flow.setdefault(record.correlation_id, []).append(record)
    yet = [*outstanding]
    found = [_flow(key, group, [one for one in yet if one.correlation_id == key]) for key, group in by_flow.items()]
    return sorted(found, key=lambda flow: flow.began)


def _flow(correlation_id: str, records: list[JournalRecord], outstanding: list[Outstanding]) -> Flow:
    attempts: dict[str | None, dict[str, list[JournalRecord]]] = {}
    for record in records:
        attempts.setdefault(record.event_id, {}).setdefault(record.function, []).append(record)
    known = {event.event_id: event for record in records for event in record.published}
    consumed = {record.event_id: record for record in records if record.event_id is not None}
    due = {(one.event_id, one.function): one.due for one in outstanding}

    def handled(tries: Sequence[JournalRecord]) -> Handled:
        published = {event.event_id: event for record in tries for event in record.published}
        again = due.get((tries[0].event_id or "", tries[0].function))
        return Handled(tuple(tries), tuple(happened(event) for event in published.values()), again)

    def happened(event: PublishedEvent) -> Happened:
        made = attempts.get(event.event_id, {})
        yet = tuple(one for one in outstanding if one.event_id == event.event_id and one.function not in made)
        return Happened(event.event_id, event.contract, tuple(map(handled, made.values())), yet)

    outside = [
        PublishedEvent(event_id=event_id, contract=record.trigger)
        for event_id, record in consumed.items()
        if event_id not in known
    ]
    roots: list[Handled | Happened] = [handled(tries) for tries in attempts.get(None, {}).values()]
    roots += [happened(event) for event in outside]
    endings = [(event_id, _ending(tries)) for event_id, made in attempts.items() for tries in made.values()]
    not_begun = [one for one in outstanding if one.function not in attempts.get(one.event_id, {})]
    began = min(record.started_at for record in records)
    finished = max(record.started_at + timedelta(milliseconds=record.duration_ms) for record in records)
    return Flow(
        correlation_id=correlation_id,
        subject=next((record.subject for record in records if record.subject), None),
        roots=tuple(roots),
        events=len(known.keys() | consumed.keys()),
        deliveries=sum(ending != "waiting" for event_id, ending in endings if event_id is not None),
        dead_letters=sum(ending == "dead" for _, ending in endings),
        waiting=sum(ending == "waiting" for _, ending in endings) + len(not_begun),
        began=began,
        duration=finished - began,
    )


def _ending(tries: Sequence[JournalRecord]) -> Literal["done", "dead", "waiting"]:
    """Return the result of all attempts at one delivery."""
    if any(record.outcome in COMPLETED for record in tries):
        return "done"
    return "dead" if any(record.dead for record in tries) else "waiting"
