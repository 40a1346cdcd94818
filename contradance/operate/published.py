"""The events of a window of time and their deliveries, from the journal."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from contradance.operate.flow import COMPLETED
from contradance.runtime.journal_record import JournalRecord


@dataclass(frozen=True, slots=True)
class Published:
    """One event."""

    event_id: str
    contract: str
    """Identity: `library.loans/BookLent v1`."""
    subject: str | None
    at: datetime
    """When the attempt that published it began; else when it was first consumed."""
    publisher: str | None
    """The function that published it; None where the journal has none."""
    completed: tuple[str, ...]
    """Functions that have consumed it."""
    dead: tuple[str, ...]
    """Functions that made it a dead letter."""
    waiting: tuple[str, ...]
    """Functions that failed and will retry."""


def published(records: Iterable[JournalRecord]) -> list[Published]:
    """Return the events in `records`, the earliest first."""
    known: dict[str, tuple[str, JournalRecord]] = {}
    consumed: dict[str, list[JournalRecord]] = {}
    for record in records:
        for event in record.published:
            known.setdefault(event.event_id, (event.contract, record))
        if record.event_id is not None:
            consumed.setdefault(record.event_id, []).append(record)
    found = [
        _published(event_id, known.get(event_id), consumed.get(event_id, [])) for event_id in {**known, **consumed}
    ]
    return sorted(found, key=lambda event: event.at)


def _published(event_id: str, source: tuple[str, JournalRecord] | None, attempts: list[JournalRecord]) -> Published:
    contract = source[0] if source else attempts[0].trigger
    records = [*attempts, *([source[1]] if source else [])]
    functions = dict.fromkeys(attempt.function for attempt in attempts)
    completed = {attempt.function for attempt in attempts if attempt.outcome in COMPLETED}
    dead = {attempt.function for attempt in attempts if attempt.dead} - completed
    return Published(
        event_id=event_id,
        contract=contract,
        subject=next((record.subject for record in records if record.subject), None),
        at=source[1].started_at if source else min(attempt.started_at for attempt in attempts),
        publisher=source[1].function if source else None,
        completed=tuple(name for name in functions if name in completed),
        dead=tuple(name for name in functions if name in dead),
        waiting=tuple(name for name in functions if name not in completed | dead),
    )
