"""The laptop's EventBridge: it keeps what it accepts, matches it against every rule, and holds what is to be delivered.

Nothing is acknowledged before it is on disk; what was accepted and not yet finished is there again after a restart.
"""

import json
import sqlite3
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final
from uuid import uuid4

from contradance.choreography import Choreography
from contradance.envelope import SealedEvent, derived_id
from contradance.local.accepted import Accepted, StoredEvent, event_ids, stored_event
from contradance.local.database import Database
from contradance.local.dead_letter_queues import DeadLetterMessage, keep
from contradance.local.entry import RefusedEntry, envelope
from contradance.local.names import ACCOUNT, REGION, aws_name
from contradance.local.pending_delivery import Dispatcher, NullDispatcher, PendingDelivery
from contradance.pattern import RuleIndex
from contradance.runtime.ports import Clock

_DUE: Final = (
    "SELECT delivery.id, function, attempt, sent, due, delivery.correlation_id, envelope FROM delivery "
    "JOIN event ON event.id = delivery.event WHERE function = ? AND due <= ? ORDER BY due, event LIMIT ?"
)


class Bus:
    """Events accepted and deliveries waiting, over the laptop's file."""

    def __init__(self, choreography: Choreography, database: Database, clock: Clock) -> None:
        self.name = choreography.name
        self._database = database
        self._clock = clock
        self._rules = RuleIndex({one.function.name: one.subscription.pattern for one in choreography.subscriptions})
        self.dispatcher: Dispatcher = NullDispatcher()
        """Whoever makes deliveries puts itself here."""

    def accept(self, sealed: Sequence[SealedEvent]) -> Accepted:
        """Return sealed events ready to be kept in the transaction that commits them."""
        now = self._clock.now()
        return self._accepted([envelope(event.entry(self.name), now) for event in sealed], now)

    def put_events(self, *, Entries: Sequence[Mapping[str, Any]]) -> dict[str, Any]:  # noqa: N803 - boto3's name
        """Accept entries as EventBridge's PutEvents does: each for itself, with its result in the same place."""
        now = self._clock.now()
        results: list[dict[str, str]] = []
        events: list[dict[str, Any]] = []
        for entry in Entries:
            try:
                event = envelope(entry, now)
            except RefusedEntry as refusal:
                results.append(dict(zip(("ErrorCode", "ErrorMessage"), refusal.args, strict=True)))
            else:
                events.append(event)
                results.append({"EventId": event["id"]})
        if events:
            accepted = self._accepted(events, now)
            self._database.write(accepted.keep)
            accepted.announce()
        return {"FailedEntryCount": len(Entries) - len(events), "Entries": results}

    def put_moment(self, function: str, expression: str, moment: datetime) -> None:
        """Accept one run of a scheduled function, as EventBridge Scheduler would invoke it; once per moment."""
        scheduled = moment.strftime("%Y-%m-%dT%H:%M:%SZ")
        schedule = f"arn:aws:scheduler:{REGION}:{ACCOUNT}:schedule/default/{aws_name(function)}"
        text = json.dumps({"schedule": schedule, "scheduled_time": scheduled})
        at = moment.timestamp()
        run = PendingDelivery(derived_id(function, expression, scheduled), function, 1, at, at, None, text)
        accepted = Accepted([StoredEvent(run.id, at, None, text, [run])], moment, self.dispatcher, archived=False)

        def change(connection: sqlite3.Connection) -> bool:
            if connection.execute("SELECT 1 FROM event WHERE event_id = ?", (run.id,)).fetchone():
                return False
            accepted.keep(connection)
            return True

        if self._database.write(change):
            accepted.announce()

    def enqueue_direct(self, function: str, text: str) -> str:
        """Accept what is for one function alone, past every rule: an invocation, or a message; return its id."""
        now = self._clock.now()
        at, identifier = now.timestamp(), str(uuid4())
        event_id, flow = event_ids(text)
        handed = StoredEvent(
            event_id or identifier, at, flow, text, [PendingDelivery(identifier, function, 1, at, at, flow, text)]
        )
        accepted = Accepted([handed], now, self.dispatcher, archived=False)
        self._database.write(accepted.keep)
        accepted.announce()
        return identifier

    def replayed(self, events: Sequence[Mapping[str, Any]], functions: Collection[str] | None) -> Accepted:
        """Return archived events ready to be delivered again, to those of `functions` whose rules match; None for all."""
        now = self._clock.now()
        matched = []
        for event in events:
            reached = [name for name in self._rules.matching(event) if functions is None or name in functions]
            if reached:
                matched.append(stored_event(event, reached, now.timestamp()))
        return Accepted(matched, now, self.dispatcher, archived=False)

    def due(self, function: str, now: datetime, limit: int) -> list[PendingDelivery]:
        """Return up to `limit` deliveries of `function` whose time has come, the longest due first."""
        self._database.flush()
        rows = self._database.read(_DUE, (function, now.timestamp(), limit))
        return [PendingDelivery(*row) for row in rows]

    def take_due(self, function: str, now: datetime, limit: int, take: Callable[[list[PendingDelivery]], None]) -> None:
        """Have `take` choose among the deliveries that are due, at a moment when nobody else changes any."""
        self._database.write(
            lambda connection: take(
                [PendingDelivery(*row) for row in connection.execute(_DUE, (function, now.timestamp(), limit))]
            )
        )

    def next_due(self, function: str, after: datetime) -> float | None:
        """Return when the next delivery of `function` is due; None where nothing waits for later."""
        rows = self._database.read(
            "SELECT min(due) FROM delivery WHERE function = ? AND due > ?", (function, after.timestamp())
        )
        return None if rows[0][0] is None else float(rows[0][0])

    def reschedule_future(self, now: datetime) -> None:
        """Make at once what was accepted by a clock that ran ahead of this one: its pauses would never end."""

        def change(connection: sqlite3.Connection) -> None:
            connection.execute("UPDATE delivery SET due = ?1 WHERE sent > ?1 AND due > ?1", (now.timestamp(),))
            connection.execute(
                "UPDATE dead_letter SET visible = 0 WHERE sent > ?1 AND visible > ?1", (now.timestamp(),)
            )

        self._database.write(change)

    def waiting(self) -> tuple[int, datetime | None]:
        """Return how many deliveries wait, and when the first of them is due."""
        count, due = self._database.read("SELECT count(*), min(due) FROM delivery")[0]
        return count, None if due is None else datetime.fromtimestamp(due, UTC)

    def finish(self, waiting: PendingDelivery) -> None:
        """Forget a delivery that was made; one that is remembered by mistake is found to be a duplicate."""
        self._database.write_soon("DELETE FROM delivery WHERE id = ?", (waiting.id,))

    def postpone(self, waiting: PendingDelivery, due: datetime) -> None:
        """Count the failed attempt, and make the next one at `due`."""
        self._database.write(
            lambda connection: connection.execute(
                "UPDATE delivery SET attempt = ?, due = ? WHERE id = ?",
                (waiting.attempt + 1, due.timestamp(), waiting.id),
            )
        )

    def dead_letter(self, waiting: PendingDelivery, message: DeadLetterMessage) -> None:
        """Move a delivery that was given up to its function's dead letter queue, in one step."""

        def change(connection: sqlite3.Connection) -> None:
            found = connection.execute("DELETE FROM delivery WHERE id = ? RETURNING id", (waiting.id,)).fetchone()
            if found:
                keep(connection, waiting.function, message)

        self._database.write(change)

    def flush(self) -> None:
        """Put on disk what may wait for the next commit."""
        self._database.flush()

    def open_deliveries(self, correlation_id: str) -> int:
        """Return how many deliveries of one flow still wait."""
        self._database.flush()
        query = "SELECT count(*) FROM delivery WHERE correlation_id = ?"
        return int(self._database.read(query, (correlation_id,))[0][0])

    def backlog(self, function: str) -> tuple[int, int]:
        """Return how many deliveries of `function` are due, and how many wait for a retry."""
        self._database.flush()
        now = self._clock.now().timestamp()
        query = "SELECT count(*) FILTER (WHERE due <= ?1), count(*) FILTER (WHERE due > ?1) FROM delivery"
        due, later = self._database.read(f"{query} WHERE function = ?2", (now, function))[0]
        return due, later

    def _accepted(self, events: list[dict[str, Any]], now: datetime) -> Accepted:
        """Match each event against every rule."""
        sent = now.timestamp()
        return Accepted(
            [stored_event(event, self._rules.matching(event), sent) for event in events], now, self.dispatcher
        )
