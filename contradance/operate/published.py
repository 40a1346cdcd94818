"""The events of a window of time and their deliveries, from the journal."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, NamedTuple

from contradance.operate.flow import DeliveryState, delivery_state, newest_version
from contradance.operate.journal import JournalAccess
from contradance.runtime.journal_record import JournalRecord

_MARGIN: Final = 100
"""Events that are read before the latest ones."""


@dataclass(frozen=True, slots=True)
class Published:
    """One event."""

    event_id: str
    contract: str
    """Identity: `library.loans/BookLent v1`; of an event in several versions the newest."""
    correlation_id: str
    """Its flow."""
    subject: str | None
    at: datetime
    """When the attempt that published it began; else when it was first consumed."""
    publisher: str | None
    """The function that published it; None where the records have none."""
    completed: tuple[str, ...]
    """Functions that have consumed it."""
    dead: tuple[str, ...]
    """Functions that made it a dead letter."""
    waiting: tuple[str, ...]
    """Functions that failed and will retry."""


def latest_published(
    newest: Iterable[JournalRecord], limit: int, wanted: Callable[[str], bool] = lambda _: True
) -> list[Published]:
    """Return the latest `limit` events (0: all) whose contract is `wanted`, the earliest first.

    It reads no more records than it needs: those of `limit` events, and some before them, because the record of the
    attempt that published an event may be written after that of an attempt that consumed it.

    Args:
        newest: the records, the latest first.
        limit: most events.
        wanted: takes a contract's identity, like `library.loans/BookLent v1`.
    """
    taken: list[JournalRecord] = []
    seen: set[str] = set()
    for record in newest:
        events = {event.event_id for event in record.published if wanted(event.contract)}
        if record.event_id is not None and wanted(record.trigger):
            events.add(record.event_id)
        if events:
            taken.append(record)
            seen |= events
        if limit and len(seen) >= limit + _MARGIN:
            break
    return [event for event in published(reversed(taken)) if wanted(event.contract)][-limit:]


def with_publishers(events: Sequence[Published], journal: JournalAccess) -> list[Published]:
    """Return the events, those without a publisher with publisher and contract by the whole journal of their flows.

    The attempt that published an event may be much older than an attempt that consumed it.
    """
    flows = sorted({event.correlation_id for event in events if event.publisher is None})
    known = {event.event_id: event for event in published(journal.of_flows(flows))} if flows else {}
    return [
        replace(event, publisher=known[event.event_id].publisher, contract=known[event.event_id].contract)
        if event.publisher is None and event.event_id in known
        else event
        for event in events
    ]


class _Publication(NamedTuple):
    """The attempt that published an event."""

    contract: str
    attempt: JournalRecord


def published(records: Iterable[JournalRecord]) -> list[Published]:
    """Return the events that `records` published or consumed, the earliest first."""
    publications: dict[str, _Publication] = {}
    consumed: dict[str, list[JournalRecord]] = {}
    for record in records:
        for event in reversed(record.published):  # the newest version is the last
            publications.setdefault(event.event_id, _Publication(event.contract, record))
        if record.event_id is not None:
            consumed.setdefault(record.event_id, []).append(record)
    found = [
        _published(event_id, publications.get(event_id), consumed.get(event_id, []))
        for event_id in {**publications, **consumed}
    ]
    return sorted(found, key=lambda event: event.at)


def _published(event_id: str, publication: _Publication | None, attempts: Sequence[JournalRecord]) -> Published:
    """Return one event, from its publishing attempt (None if unknown) and the attempts to consume it."""
    records = [*attempts, publication.attempt] if publication else attempts
    states = _delivery_states(attempts)
    return Published(
        event_id=event_id,
        contract=publication.contract if publication else newest_version(attempt.trigger for attempt in attempts),
        correlation_id=records[0].correlation_id,
        subject=next((record.subject for record in records if record.subject), None),
        at=publication.attempt.started_at if publication else min(attempt.started_at for attempt in attempts),
        publisher=publication.attempt.function if publication else None,
        completed=_functions_in("done", states),
        dead=_functions_in("dead", states),
        waiting=_functions_in("waiting", states),
    )


def _delivery_states(attempts: Iterable[JournalRecord]) -> dict[str, DeliveryState]:
    """Return the state of an event's delivery to each function, by function."""
    by_function: dict[str, list[JournalRecord]] = {}
    for attempt in attempts:
        by_function.setdefault(attempt.function, []).append(attempt)
    return {function: delivery_state(group) for function, group in by_function.items()}


def _functions_in(state: DeliveryState, states: Mapping[str, DeliveryState]) -> tuple[str, ...]:
    """Return the functions whose delivery is in `state`."""
    return tuple(function for function, other in states.items() if other == state)
