"""Journal records sent to the open pages as server-sent events."""

import asyncio
import json
import threading
from collections.abc import AsyncIterator
from typing import Any, Final

from contradance.local.console.tally import Tally
from contradance.runtime.journal_record import JournalRecord

MOST: Final = 24
"""Most pages that receive records at a time; each has a connection."""
_KEPT: Final = 500
"""Most records that wait for a slow browser; after that it reloads the page."""
_LOOK_SECONDS: Final = 0.5
"""Longest time until a stream ends after the laptop stops."""
_QUIET: Final = 30
"""Pauses without a record after which a comment is sent; sending fails where the browser has closed."""


class Feed:
    """Sends each journal record to every open page."""

    def __init__(self) -> None:
        self.tally = Tally()
        self._lock = threading.Lock()
        self._watchers: dict[asyncio.Queue[str], asyncio.AbstractEventLoop] = {}
        self._closed = threading.Event()

    def send(self, record: JournalRecord) -> None:
        """Count a record and send it; called by the thread that made the delivery."""
        self.tally.count(record)
        with self._lock:
            watchers = [*self._watchers.items()]
        if watchers:
            text = json.dumps(_summary(record))
            for queue, loop in watchers:
                loop.call_soon_threadsafe(_put, queue, text)

    @property
    def is_full(self) -> bool:
        """Whether no other page may be opened."""
        return len(self._watchers) >= MOST

    def close(self) -> None:
        """End every stream."""
        self._closed.set()

    async def stream(self) -> AsyncIterator[str]:
        """Yield server-sent events until the laptop stops or the browser closes."""
        queue: asyncio.Queue[str] = asyncio.Queue()
        with self._lock:
            self._watchers[queue] = asyncio.get_running_loop()
        quiet = 0
        try:
            yield "retry: 2000\n\n"
            while not self._closed.is_set():
                try:
                    text = await asyncio.wait_for(queue.get(), _LOOK_SECONDS)
                except TimeoutError:
                    quiet += 1
                    if quiet % _QUIET == 0:
                        yield ": still here\n\n"
                    continue
                quiet = 0
                yield f"data: {text}\n\n" if text else "event: behind\ndata: {}\n\n"
        finally:
            with self._lock:
                del self._watchers[queue]


def _put(queue: "asyncio.Queue[str]", text: str) -> None:
    if queue.qsize() < _KEPT:
        queue.put_nowait(text)
    elif queue.qsize() == _KEPT:
        queue.put_nowait("")


def _summary(record: JournalRecord) -> dict[str, Any]:
    """Return what a page shows of a delivery: no data of events, and only the first line of an error."""
    return {
        "at": record.started_at.isoformat(timespec="milliseconds"),
        "function": record.function,
        "trigger": record.trigger,
        "event": record.event_id,
        "flow": record.correlation_id,
        "subject": record.subject,
        "attempt": record.attempt,
        "outcome": record.outcome,
        "dead": record.dead,
        "published": [{"event": one.event_id, "contract": one.contract} for one in record.published],
        "milliseconds": round(record.duration_ms, 1),
        "error": (record.error or "").partition("\n")[0],
    }
