"""What really happened: the journal's records of one flow, as the tree of what caused what."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import groupby
from typing import Final, Literal, Protocol

from contradance.runtime.journal import JournalRecord, PublishedEvent

COMPLETED: Final = ("done", "duplicate")
"""Outcomes that say a handler has committed; a process may die before it journals the first, so the second is enough."""


class Journal(Protocol):
    """Where records are found: rows on the laptop, log lines on AWS."""

    def flows(self, term: str) -> list[JournalRecord]:
        """Return every record of each flow whose correlation id, subject or an event's id is, or begins with, `term`."""

    def latest(self) -> list[JournalRecord]:
        """Return every record of the flow that began last."""


@dataclass(frozen=True, slots=True)
class Handled:
    """One delivery, a request or a scheduled run: every attempt at it, and what came of them."""

    attempts: tuple[JournalRecord, ...]
    published: tuple["Happened", ...]

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


@dataclass(frozen=True, slots=True)
class Flow:
    """Everything that one request, scheduled run or outside event led to."""

    correlation_id: str
    subject: str | None
    roots: tuple[Handled | Happened, ...]
    """What began it: usually one route; an event where nothing here published it."""
    events: int
    deliveries: int
    """Deliveries of events that ended, well or as a dead letter; a duplicate is none of its own."""
    dead_letters: int
    """Deliveries and scheduled runs that were given up."""
    waiting: int
    """Deliveries and scheduled runs that failed and will be tried again."""
    duration: timedelta


def flows(records: Iterable[JournalRecord]) -> list[Flow]:
    """Return the flows that `records` tell of, the earliest first."""
    by_flow = sorted(records, key=lambda record: record.correlation_id)
    found = [_flow(key, list(group)) for key, group in groupby(by_flow, key=lambda record: record.correlation_id)]
    return sorted(found, key=lambda flow: _first(flow).started_at)


def _flow(correlation_id: str, records: list[JournalRecord]) -> Flow:
    attempts: dict[tuple[str, str | None], list[JournalRecord]] = {}
    for record in records:
        attempts.setdefault((record.function, record.event_id), []).append(record)
    known = {event.event_id: event for record in records for event in record.published}
    consumed = {record.event_id: record for record in records if record.event_id is not None}

    def handled(tries: Sequence[JournalRecord]) -> Handled:
        published = {event.event_id: event for record in tries for event in record.published}
        return Handled(tuple(tries), tuple(happened(event) for event in published.values()))

    def happened(event: PublishedEvent) -> Happened:
        return Happened(
            event.event_id,
            event.contract,
            tuple(handled(tries) for (_, event_id), tries in attempts.items() if event_id == event.event_id),
        )

    outside = [
        PublishedEvent(event_id=event_id, contract=record.trigger)
        for event_id, record in consumed.items()
        if event_id not in known
    ]
    roots: list[Handled | Happened] = [handled(tries) for (_, event), tries in attempts.items() if event is None]
    roots += [happened(event) for event in outside]
    ended = {key: _ending(tries) for key, tries in attempts.items()}
    began = min(record.started_at for record in records)
    finished = max(record.started_at + timedelta(milliseconds=record.duration_ms) for record in records)
    return Flow(
        correlation_id=correlation_id,
        subject=next((record.subject for record in records if record.subject), None),
        roots=tuple(roots),
        events=len(known.keys() | consumed.keys()),
        deliveries=sum(ending != "waiting" for (_, event_id), ending in ended.items() if event_id is not None),
        dead_letters=[*ended.values()].count("dead"),
        waiting=[*ended.values()].count("waiting"),
        duration=finished - began,
    )


def _ending(tries: Sequence[JournalRecord]) -> Literal["done", "dead", "waiting"]:
    """Return what every attempt at one thing came to."""
    if any(record.outcome in COMPLETED for record in tries):
        return "done"
    return "dead" if any(record.dead for record in tries) else "waiting"


def _first(flow: Flow) -> JournalRecord:
    root = flow.roots[0]
    return root.attempts[0] if isinstance(root, Handled) else root.deliveries[0].attempts[0]
