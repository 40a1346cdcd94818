"""What has happened since the laptop was started: how often, and where it fails. Kept in memory, told by the journal."""

import threading
from collections import Counter, OrderedDict
from typing import Final, NamedTuple

from contradance.operate.flow import COMPLETED
from contradance.runtime.journal_record import JournalRecord

_REMEMBERED: Final = 10_000
"""Events whose id is remembered, so that one with two subscribers counts once."""


class ActivityCounts(NamedTuple):
    """How often each thing happened, by a function's name or an event's identity."""

    times: dict[str, int]
    troubled: frozenset[str]
    """Functions whose latest attempt failed."""
    attempts: int
    failures: int
    dead_letters: int


class Tally:
    """Counts records as they are told, from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._times: Counter[str] = Counter()
        self._troubled: set[str] = set()
        self._seen: OrderedDict[str, None] = OrderedDict()
        self._failures = self._dead = self._attempts = 0

    def count(self, record: JournalRecord) -> None:
        """Count one attempt, what it published, and the event where it comes from elsewhere."""
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
        """Return how often each thing happened so far."""
        with self._lock:
            return ActivityCounts(
                dict(self._times), frozenset(self._troubled), self._attempts, self._failures, self._dead
            )

    def _count_event(self, event_id: str, contract: str) -> None:
        if event_id not in self._seen:
            self._times[contract] += 1
            self._seen[event_id] = None
            if len(self._seen) > _REMEMBERED:
                self._seen.popitem(last=False)
