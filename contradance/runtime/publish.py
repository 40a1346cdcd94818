"""Publishes sealed events in chunks, and checks the result of every entry."""

import random
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from contradance.bounds import MAX_PROBLEMS
from contradance.envelope import SealedEvent
from contradance.errors import PublishFailed
from contradance.quantity import counted
from contradance.runtime.ports import Clock, Events

MAX_ENTRIES: Final = 10
"""Most entries of one PutEvents call. EventBridge API reference, PutEvents."""
MAX_CALL_BYTES: Final = 1_000_000
"""Most UTF-8 bytes of one PutEvents call; EventBridge refuses 1 MB and more. AWS Compute Blog, 2026-01-29."""
RETRYABLE: Final = frozenset({"InternalFailure", "InternalException", "ThrottlingException"})
"""Error codes of entries that a retry may fix. EventBridge API reference, PutEventsResultEntry."""
_MAX_ATTEMPTS: Final = 5
_FIRST_PAUSE_SECONDS: Final = 0.1


def publish(sealed: Sequence[SealedEvent], events: Events, bus: str, clock: Clock, seconds_left: float) -> None:
    """Publish every event, retrying up to four times before the deadline; raise `PublishFailed` if some remain.

    Raises:
        PublishFailed: names the events that were not published; the others were.
    """
    deadline = clock.after(timedelta(seconds=seconds_left))
    unsent: list[tuple[SealedEvent, str]] = []
    for chunk in _chunks(sealed):
        unsent += _send(chunk, events, bus, clock, deadline)
    if unsent:
        lines = [
            f"{len(unsent)} of {counted(len(sealed), 'event')} {'was' if len(unsent) == 1 else 'were'} not published to {bus}"
        ]
        lines += [f"  {event.event_id} ({event.identity}): {code}" for event, code in unsent[:MAX_PROBLEMS]]
        if len(unsent) > MAX_PROBLEMS:
            lines.append(f"  and {len(unsent) - MAX_PROBLEMS} more")
        raise PublishFailed("\n".join(lines))


def _chunks(sealed: Sequence[SealedEvent]) -> Iterator[list[SealedEvent]]:
    """Yield the events in order, in lists of up to `MAX_ENTRIES` events and `MAX_CALL_BYTES` bytes."""
    chunk: list[SealedEvent] = []
    size = 0
    for event in sealed:
        bytes_ = len(event.detail.encode()) + len(event.identity.source) + len(event.identity.detail_type)
        if chunk and (len(chunk) == MAX_ENTRIES or size + bytes_ > MAX_CALL_BYTES):
            yield chunk
            chunk, size = [], 0
        chunk.append(event)
        size += bytes_
    if chunk:
        yield chunk


def _send(
    chunk: list[SealedEvent], events: Events, bus: str, clock: Clock, deadline: datetime
) -> list[tuple[SealedEvent, str]]:
    """Publish up to ten events, with retries until `deadline`; return those that failed, with their error codes."""
    refused: list[tuple[SealedEvent, str]] = []
    waiting, attempt = chunk, 1
    while True:
        answer = events.put_events(Entries=[event.entry(bus) for event in waiting])
        failed = [
            (event, str(result["ErrorCode"]))
            for event, result in zip(waiting, _results(answer), strict=True)
            if result.get("ErrorCode")
        ]
        refused += [(event, code) for event, code in failed if code not in RETRYABLE]
        retryable = [(event, code) for event, code in failed if code in RETRYABLE]
        pause = random.uniform(0, _FIRST_PAUSE_SECONDS * 2 ** (attempt - 1))  # noqa: S311 - jitter is not a secret
        if not retryable or attempt == _MAX_ATTEMPTS or clock.now() + timedelta(seconds=pause) > deadline:
            return refused + retryable
        clock.sleep(pause)
        waiting, attempt = [event for event, _ in retryable], attempt + 1


def _results(answer: Any) -> list[dict[str, Any]]:
    """Return the results of a PutEvents response, one per entry, in order."""
    return list(answer["Entries"])
