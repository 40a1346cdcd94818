"""Events on their way to the disk, each with the deliveries it makes."""

import json
import sqlite3
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, NamedTuple
from uuid import uuid4

from contradance.local.pending_delivery import Dispatcher, PendingDelivery


class StoredEvent(NamedTuple):
    """One event as it is kept, and the deliveries it makes."""

    event_id: str
    time: float
    """The event's own time, by which it is replayed, in seconds of the epoch."""
    correlation_id: str | None
    envelope: str
    deliveries: list[PendingDelivery]


def stored_event(event: Mapping[str, Any], functions: Iterable[str], sent: float) -> StoredEvent:
    """Return an event ready to be kept, with a delivery to each of `functions`."""
    metadata = event["detail"].get("metadata")
    said = metadata if isinstance(metadata, dict) else {}
    flow = str(said.get("correlation_id", event["id"]))
    text = json.dumps(event, separators=(",", ":"), ensure_ascii=False)
    time = datetime.fromisoformat(event["time"]).timestamp()
    deliveries = [PendingDelivery(str(uuid4()), function, 1, sent, sent, flow, text) for function in functions]
    return StoredEvent(str(said.get("event_id", event["id"])), time, flow, text, deliveries)


def event_ids(text: str) -> tuple[str | None, str | None]:
    """Return (event id, correlation id) of what is handed to one function; None where it is no event of ours."""
    try:
        event = json.loads(text)
        metadata = event["detail"]["metadata"]
        return str(metadata["event_id"]), str(metadata["correlation_id"])
    except (ValueError, TypeError, KeyError, RecursionError):
        return None, None


class Accepted:
    """Events that were accepted together, and who is to be told when they are on disk.

    Args:
        events: what to keep.
        now: when they were accepted.
        dispatcher: makes the deliveries.
        archived: whether the archive takes the events; it does not take those that it replays itself.
    """

    def __init__(
        self, events: list[StoredEvent], now: datetime, dispatcher: Dispatcher, *, archived: bool = True
    ) -> None:
        self._events = events
        self._deliveries = [delivery for event in events for delivery in event.deliveries]
        self._now = now.timestamp()
        self._dispatcher = dispatcher
        self._archived = archived

    def keep(self, connection: sqlite3.Connection) -> None:
        """Put each event on disk, and a delivery for each function whose rule it matched."""
        for event in self._events:
            row = connection.execute(
                "INSERT INTO event (event_id, time, accepted, correlation_id, envelope, archived) VALUES (?, ?, ?, ?, ?, ?)",
                (event.event_id, event.time, self._now, event.correlation_id, event.envelope, self._archived),
            )
            connection.executemany(
                "INSERT INTO delivery VALUES (?, ?, ?, ?, ?, ?, 1)",
                [
                    (one.id, one.function, row.lastrowid, one.correlation_id, one.sent, one.due)
                    for one in event.deliveries
                ],
            )
        self._dispatcher.reserve(self._deliveries)

    def announce(self) -> None:
        """Have the deliveries made; they are on disk."""
        self._dispatcher.enqueue(self._deliveries)
