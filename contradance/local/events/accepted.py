"""Accepted events: they are stored with their deliveries first, and dispatched after the commit."""

import json
import sqlite3
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, NamedTuple
from uuid import uuid4

from contradance.local.events.pending_delivery import Dispatcher, PendingDelivery
from contradance.local.state.schema import OWN_BUS


class StoredEvent(NamedTuple):
    """One event as a row of the database, with its pending deliveries."""

    event_id: str
    time: float
    """The event's own time, which selects it for a replay, in seconds of the epoch."""
    correlation_id: str | None
    envelope: str
    deliveries: list[PendingDelivery]
    bus: str = OWN_BUS

    @property
    def archived(self) -> bool:
        """Whether an archive keeps the event: the own bus's keeps each one, another bus's those that a rule matches."""
        return self.bus == OWN_BUS or bool(self.deliveries)


def stored_event(
    event: Mapping[str, Any],
    event_and_flow_id: tuple[str, str],
    functions: Iterable[str],
    sent: float,
    bus: str = OWN_BUS,
) -> StoredEvent:
    """Return an event ready to store, with a delivery to each of `functions` that is due when it was `sent`."""
    event_id, flow = event_and_flow_id
    text = json.dumps(event, separators=(",", ":"), ensure_ascii=False)
    time = datetime.fromisoformat(event["time"]).timestamp()
    deliveries = [PendingDelivery(str(uuid4()), function, 1, sent, sent, flow, text) for function in functions]
    return StoredEvent(event_id, time, flow, text, deliveries, bus)


class Accepted:
    """Events that one transaction stores: call `store` inside the transaction, and `dispatch` after the commit.

    Args:
        events: the events, each with its deliveries.
        now: the time of acceptance.
        dispatcher: makes the deliveries.
        archived: whether the events enter the archive; replayed events do not, since they are in it already.
    """

    def __init__(
        self, events: list[StoredEvent], now: datetime, dispatcher: Dispatcher, *, archived: bool = True
    ) -> None:
        self._events = events
        self._deliveries = [delivery for event in events for delivery in event.deliveries]
        self._now = now.timestamp()
        self._dispatcher = dispatcher
        self._archived = archived

    @property
    def delivery_ids(self) -> list[str]:
        """The ids of all deliveries, in the order of the events."""
        return [delivery.id for delivery in self._deliveries]

    def store(self, connection: sqlite3.Connection) -> None:
        """Insert each event and its deliveries, and reserve the deliveries for the dispatcher."""
        for event in self._events:
            row = connection.execute(
                "INSERT INTO event (event_id, time, accepted, correlation_id, envelope, archived, bus) "
                "VALUES (?, ?, ?, ?, ?, ?, ?)",
                (
                    event.event_id,
                    event.time,
                    self._now,
                    event.correlation_id,
                    event.envelope,
                    self._archived and event.archived,
                    event.bus,
                ),
            )
            connection.executemany(
                "INSERT INTO delivery VALUES (?, ?, ?, ?, ?, ?, 1)",
                [
                    (one.id, one.function, row.lastrowid, one.correlation_id, one.sent, one.due)
                    for one in event.deliveries
                ],
            )
        self._dispatcher.reserve(self._deliveries)

    def dispatch(self) -> None:
        """Enqueue the deliveries; call it after their commit."""
        self._dispatcher.enqueue(self._deliveries)
