"""Journal records sent to the open pages as server-sent events."""

import asyncio
import json
import threading
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Any, Final

from contradance.local.console.tally import Tally
from contradance.operate.flow import delivery_state
from contradance.printable import printable
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
        """Count a record and queue it for every open page, without waiting; any thread may call it."""
        self.tally.count(record)
        with self._lock:  # no page leaves meanwhile, so its event loop is still open
            text = json.dumps(summary(record)) if self._watchers else ""
            for queue, loop in self._watchers.items():
                loop.call_soon_threadsafe(_put, queue, text)

    @contextmanager
    def watching(self) -> Iterator["asyncio.Queue[str] | None"]:
        """Yield a new page's queue of records while the block runs; None where `MOST` pages are open."""
        queue: asyncio.Queue[str] = asyncio.Queue()
        with self._lock:
            taken = len(self._watchers) < MOST
            if taken:
                self._watchers[queue] = asyncio.get_running_loop()
        try:
            yield queue if taken else None
        finally:
            with self._lock:
                self._watchers.pop(queue, None)

    def close(self) -> None:
        """End every stream, at the latest after `_LOOK_SECONDS`."""
        self._closed.set()

    async def stream(self, queue: "asyncio.Queue[str]") -> AsyncIterator[str]:
        """Yield a queue's records as server-sent events, `behind` for an empty text, until the laptop stops."""
        yield "retry: 2000\n\n"
        quiet = 0
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


def _put(queue: "asyncio.Queue[str]", text: str) -> None:
    """Add a record to a page's queue; to a full queue, an empty text, so that the page reloads; then nothing."""
    if queue.qsize() < _KEPT:
        queue.put_nowait(text)
    elif queue.qsize() == _KEPT:
        queue.put_nowait("")


def summary(record: JournalRecord) -> dict[str, Any]:
    """Return what the live page shows of an attempt, as JSON values: no event's data, an error's first line alone.

    Its size does not grow with the number of published events.
    """
    return {
        "at": record.started_at.isoformat(timespec="milliseconds"),
        "function": record.function,
        "trigger": record.trigger,
        "event": record.event_id,
        "flow": record.correlation_id,
        "label": printable(record.subject or record.correlation_id or ""),
        "attempt": record.attempt,
        "outcome": record.outcome,
        "state": delivery_state((record,)),
        "published": [
            {"contract": contract, "times": times}
            for contract, times in Counter(one.contract for one in record.published).items()
        ],
        "milliseconds": round(record.duration_ms, 1),
        "error": printable((record.error or "").partition("\n")[0]),
    }
