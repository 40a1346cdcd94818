"""What happens, as it happens: journal records on their way to the browsers that watch, as server-sent events."""

import asyncio
import json
import threading
from collections.abc import AsyncIterator
from typing import Any, Final

from contradance.local.console.tally import Tally
from contradance.runtime.journal_record import JournalRecord

MOST: Final = 24
"""Browsers that may watch at a time; each holds a connection."""
_KEPT: Final = 500
"""Records that wait for a browser that is slow; beyond, it is told to load the page anew."""
_LOOK_SECONDS: Final = 0.5
"""How long a stream takes to notice that the laptop stops."""
_QUIET: Final = 30
"""Looks without news after which a comment is sent: whoever is gone is noticed by that."""


class Feed:
    """Tells every watching browser what the journal is told."""

    def __init__(self) -> None:
        self.tally = Tally()
        self._lock = threading.Lock()
        self._watchers: dict[asyncio.Queue[str], asyncio.AbstractEventLoop] = {}
        self._closed = threading.Event()

    def tell(self, record: JournalRecord) -> None:
        """Count a record and pass it on; called by whichever thread made the delivery."""
        self.tally.count(record)
        with self._lock:
            watchers = [*self._watchers.items()]
        if watchers:
            text = json.dumps(_told(record))
            for queue, loop in watchers:
                loop.call_soon_threadsafe(_put, queue, text)

    @property
    def is_full(self) -> bool:
        """Whether no other browser may watch."""
        return len(self._watchers) >= MOST

    def close(self) -> None:
        """End every stream."""
        self._closed.set()

    async def stream(self) -> AsyncIterator[str]:
        """Yield server-sent events until the laptop stops or the browser is gone."""
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


def _told(record: JournalRecord) -> dict[str, Any]:
    """Return what a page needs to show that a delivery was made; no event's data, and of an error its first line."""
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
