"""The laptop's EventBridge bus: it stores events, matches them against every rule and holds the pending deliveries.

An event is on disk before it is acknowledged. Pending deliveries continue after a restart.
"""

import json
import sqlite3
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final
from uuid import uuid4

from contradance.choreography import Choreography
from contradance.envelope import SealedEvent, derived_id
from contradance.local.dead_letter_queues import DeadLetterMessage, keep
from contradance.local.events.accepted import Accepted, StoredEvent, event_ids, stored_event
from contradance.local.events.entry import RefusedEntry, envelope
from contradance.local.events.pending_delivery import Dispatcher, NullDispatcher, PendingDelivery
from contradance.local.names import ACCOUNT, REGION, aws_name
from contradance.local.state.database import Database
from contradance.pattern import RuleIndex
from contradance.runtime.ports import Clock

_DUE: Final = (
    "SELECT delivery.id, function, attempt, sent, due, delivery.correlation_id, envelope FROM delivery "
    "JOIN event ON event.id = delivery.event WHERE function = ? AND due <= ? ORDER BY due, event LIMIT ?"
)


class Bus:
    """Accepted events and pending deliveries, in the laptop's database."""

    def __init__(self, choreography: Choreography, database: Database, clock: Clock) -> None:
        self.name = choreography.name
        self._database = database
        self._clock = clock
        self._rules = RuleIndex({one.function.name: one.subscription.pattern for one in choreography.subscriptions})
        self.dispatcher: Dispatcher = NullDispatcher()
        """Makes the deliveries; set by `Runner.start`. Until then deliveries stay on disk."""

    def accept(self, sealed: Sequence[SealedEvent]) -> Accepted:
        """Match sealed events against the rules; return them ready to store in the transaction that commits them."""
        now = self._clock.now()
        return self._accepted([envelope(event.entry(self.name), now) for event in sealed], now)

    def put_events(self, *, Entries: Sequence[Mapping[str, Any]]) -> dict[str, Any]:  # noqa: N803 - boto3's name
        """Accept entries as EventBridge's PutEvents does: each succeeds or fails alone; results keep the entries' order."""
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
            self._database.write(accepted.store)
            accepted.dispatch()
        return {"FailedEntryCount": len(Entries) - len(events), "Entries": results}

    def enqueue_scheduled(self, function: str, expression: str, moment: datetime) -> None:
        """Accept one run of a scheduled function, with EventBridge Scheduler's input; a moment is accepted once.

        The run's id is derived from schedule and moment, so a restarted process does not run the same moment again.
        """
        scheduled = moment.strftime("%Y-%m-%dT%H:%M:%SZ")
        schedule = f"arn:aws:scheduler:{REGION}:{ACCOUNT}:schedule/default/{aws_name(function)}"
        text = json.dumps({"schedule": schedule, "scheduled_time": scheduled})
        at = moment.timestamp()
        run = PendingDelivery(derived_id(function, expression, scheduled), function, 1, at, at, None, text)
        accepted = Accepted([StoredEvent(run.id, at, None, text, [run])], moment, self.dispatcher, archived=False)

        def change(connection: sqlite3.Connection) -> bool:
            if connection.execute("SELECT 1 FROM event WHERE event_id = ?", (run.id,)).fetchone():
                return False
            accepted.store(connection)
            return True

        if self._database.write(change):
            accepted.dispatch()

    def enqueue_direct(self, function: str, text: str, delay_seconds: float = 0) -> str:
        """Accept a delivery to one function without matching rules (an invocation or a queue message); return its id."""
        (identifier,) = self.enqueue_from(function, lambda _: [text], delay_seconds)
        return identifier

    def enqueue_from(
        self, function: str, take: Callable[[sqlite3.Connection], list[str]], delay_seconds: float = 0
    ) -> list[str]:
        """Accept deliveries to one function of what `take` removes from another table, in one transaction; return the ids."""
        now = self._clock.now()

        def change(connection: sqlite3.Connection) -> Accepted:
            taken = [_direct(function, text, now.timestamp(), delay_seconds) for text in take(connection)]
            accepted = Accepted(taken, now, self.dispatcher, archived=False)
            accepted.store(connection)
            return accepted

        accepted = self._database.write(change)
        accepted.dispatch()
        return accepted.delivery_ids

    def replayed(self, events: Sequence[Mapping[str, Any]], functions: Collection[str] | None) -> Accepted:
        """Match archived events against the rules of `functions` (None: of all); return them ready to store."""
        now = self._clock.now()
        matched = []
        for event in events:
            reached = [name for name in self._rules.matching(event) if functions is None or name in functions]
            if reached:
                matched.append(stored_event(event, reached, now.timestamp()))
        return Accepted(matched, now, self.dispatcher, archived=False)

    def due(self, function: str, now: datetime, limit: int) -> list[PendingDelivery]:
        """Return up to `limit` deliveries of `function` that are due, the earliest first."""
        self._database.flush()
        rows = self._database.read(_DUE, (function, now.timestamp(), limit))
        return [PendingDelivery(*row) for row in rows]

    def take_due(self, function: str, now: datetime, limit: int, take: Callable[[list[PendingDelivery]], None]) -> None:
        """Call `take` with up to `limit` deliveries that are due.

        It runs inside a write transaction: no delivery is accepted, finished or postponed between query and choice.
        """
        self._database.write(
            lambda connection: take(
                [PendingDelivery(*row) for row in connection.execute(_DUE, (function, now.timestamp(), limit))]
            )
        )

    def next_due(self, function: str, after: datetime) -> float | None:
        """Return when the first delivery of `function` after `after` is due, in seconds of the epoch; None without one."""
        rows = self._database.read(
            "SELECT min(due) FROM delivery WHERE function = ? AND due > ?", (function, after.timestamp())
        )
        return None if rows[0][0] is None else float(rows[0][0])

    def reschedule_future(self, now: datetime) -> None:
        """Reschedule deliveries and dead letters that a faster clock put into the future.

        A run with a time scale stores times ahead of real time; a later run without one would wait for them for days.
        """

        def change(connection: sqlite3.Connection) -> None:
            at = now.timestamp()
            connection.execute("UPDATE delivery SET due = ? WHERE sent > ? AND due > ?", (at, at, at))
            connection.execute("UPDATE dead_letter SET visible = 0 WHERE sent > ? AND visible > ?", (at, at))

        self._database.write(change)

    def waiting(self) -> tuple[int, datetime | None]:
        """Return how many deliveries are pending, and when the first is due; None without any."""
        count, due = self._database.read("SELECT count(*), min(due) FROM delivery")[0]
        return count, None if due is None else datetime.fromtimestamp(due, UTC)

    def finish(self, waiting: PendingDelivery) -> None:
        """Delete a delivery that succeeded.

        A crash may lose the deletion: the once-record then makes the repeated delivery a duplicate.
        """
        self._database.write_soon("DELETE FROM delivery WHERE id = ?", (waiting.id,))

    def postpone(self, waiting: PendingDelivery, due: datetime) -> None:
        """Count a failed attempt, and schedule the next one for `due`."""
        self._database.write(
            lambda connection: connection.execute(
                "UPDATE delivery SET attempt = ?, due = ? WHERE id = ?",
                (waiting.attempt + 1, due.timestamp(), waiting.id),
            )
        )

    def dead_letter(self, waiting: PendingDelivery, message: DeadLetterMessage) -> None:
        """Move a delivery to its function's dead letter queue, in one transaction."""

        def change(connection: sqlite3.Connection) -> None:
            found = connection.execute("DELETE FROM delivery WHERE id = ? RETURNING id", (waiting.id,)).fetchone()
            if found:
                keep(connection, waiting.function, message)

        self._database.write(change)

    def flush(self) -> None:
        """Commit the changes that wait for the next commit."""
        self._database.flush()

    def open_deliveries(self, correlation_id: str) -> int:
        """Return how many deliveries of one flow are pending."""
        self._database.flush()
        query = "SELECT count(*) FROM delivery WHERE correlation_id = ?"
        return int(self._database.read(query, (correlation_id,))[0][0])

    def backlog(self, function: str) -> tuple[int, int]:
        """Return (due now, due later): how many deliveries of `function` are pending."""
        self._database.flush()
        now = self._clock.now().timestamp()
        query = "SELECT count(*) FILTER (WHERE due <= ?), count(*) FILTER (WHERE due > ?) FROM delivery"
        due, later = self._database.read(f"{query} WHERE function = ?", (now, now, function))[0]
        return due, later

    def _accepted(self, events: list[dict[str, Any]], now: datetime) -> Accepted:
        """Match each event against every rule; return the events ready to store."""
        sent = now.timestamp()
        return Accepted(
            [stored_event(event, self._rules.matching(event), sent) for event in events], now, self.dispatcher
        )


def _direct(function: str, text: str, at: float, delay_seconds: float) -> StoredEvent:
    """Return an event, or the input of a scheduled run, with a delivery to one function."""
    event_id, flow = event_ids(text)
    pending = PendingDelivery(str(uuid4()), function, 1, at, at + delay_seconds, flow, text)
    return StoredEvent(event_id or pending.id, at, flow, text, [pending])
