"""Counts since the laptop was started, from the journal's records; kept in memory."""

import threading
from collections import Counter, OrderedDict
from typing import Final, NamedTuple

from contradance.runtime.journal_record import COMPLETED, JournalRecord

_REMEMBERED: Final = 10_000
"""Most event ids that are kept, so that an event with two subscribers counts once."""


class ActivityCounts(NamedTuple):
    """Counts by function name and event identity."""

    times: dict[str, int]
    troubled: frozenset[str]
    """Functions whose latest attempt failed."""
    attempts: int
    failures: int
    dead_letters: int


class Tally:
    """Counts records; any thread may call it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._times: Counter[str] = Counter()
        self._troubled: set[str] = set()
        self._seen: OrderedDict[str, None] = OrderedDict()
        self._failures = self._dead = self._attempts = 0

    def count(self, record: JournalRecord) -> None:
        """Count one attempt, and the events that it consumed and published, each event id once."""
        with self._lock:
            self._attempts += 1
            self._times[record.function] += 1
            for event in record.published:
                self._count_event(event.event_id, event.contract)
            if record.event_id is not None:
                self._count_event(record.event_id, record.trigger)
            if record.outcome in COMPLETED:
                self._troubled.discard(record.function)
            else:
                self._failures += 1
                self._dead += record.dead
                self._troubled.add(record.function)

    def counts(self) -> ActivityCounts:
        """Return the counts so far."""
        with self._lock:
            return ActivityCounts(
                dict(self._times), frozenset(self._troubled), self._attempts, self._failures, self._dead
            )

    def _count_event(self, event_id: str, contract: str) -> None:
        """Count an event by its contract, unless its id was counted; only the latest ids are kept."""
        if event_id not in self._seen:
            self._times[contract] += 1
            self._seen[event_id] = None
            if len(self._seen) > _REMEMBERED:
                self._seen.popitem(last=False)
