"""The laptop's EventBridge: it keeps what it accepts, matches it against every rule, and holds what is to be delivered.

Nothing is acknowledged before it is on disk; what was accepted and not yet finished is there again after a restart.
"""

import json
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple, Protocol
from uuid import uuid4

from contradance.choreography import Choreography
from contradance.envelope import SealedEvent, derived_id
from contradance.local.database import Database
from contradance.local.entry import ACCOUNT, REGION, RefusedEntry, envelope
from contradance.pattern import RuleIndex
from contradance.runtime.ports import Clock

_DUE: Final = (
    "SELECT delivery.id, function, attempt, sent, due, delivery.correlation_id, envelope FROM delivery "
    "JOIN event ON event.id = delivery.event WHERE function = ? AND due <= ? ORDER BY due, event LIMIT ?"
)


class Waiting(NamedTuple):
    """One delivery that is to be made: one event, for one function."""

    id: str
    """Lambda's request id, or SQS's message id: the same on every attempt."""
    function: str
    attempt: int
    """Attempts so far, the coming one included."""
    sent: float
    """When the event was accepted, in seconds of the epoch."""
    due: float
    correlation_id: str | None
    envelope: str


class Desks(Protocol):
    """Who makes deliveries; it is told of them twice, so that nobody takes from disk what it will be offered."""

    def hold(self, accepted: list[Waiting]) -> None:
        """Expect these deliveries: they are about to be on disk. Called while the disk is being written."""

    def offer(self, accepted: list[Waiting]) -> None:
        """Make these deliveries: they are on disk."""


class _Nobody:
    """Makes no deliveries; they wait on disk."""

    def hold(self, accepted: list[Waiting]) -> None:
        """Expect nothing."""

    def offer(self, accepted: list[Waiting]) -> None:
        """Do nothing."""


class _Kept(NamedTuple):
    """One event as it is kept, and the deliveries it makes."""

    event_id: str
    correlation_id: str
    envelope: str
    deliveries: list[Waiting]


class Accepted:
    """Events on their way to the disk, and who is to be told when they are there."""

    def __init__(self, events: list[_Kept], now: datetime, desks: Desks) -> None:
        self._events = events
        self._deliveries = [delivery for event in events for delivery in event.deliveries]
        self._time = now.timestamp()
        self._desks = desks

    def keep(self, connection: sqlite3.Connection) -> None:
        """Archive each event, and a delivery for each function whose rule it matched."""
        for event in self._events:
            row = connection.execute(
                "INSERT INTO event (event_id, time, correlation_id, envelope, archived) VALUES (?, ?, ?, ?, 1)",
                (event.event_id, self._time, event.correlation_id, event.envelope),
            )
            connection.executemany(
                "INSERT INTO delivery VALUES (?, ?, ?, ?, ?, ?, 1)",
                [
                    (one.id, one.function, row.lastrowid, one.correlation_id, one.sent, one.due)
                    for one in event.deliveries
                ],
            )
        self._desks.hold(self._deliveries)

    def announce(self) -> None:
        """Have the deliveries made; they are on disk."""
        self._desks.offer(self._deliveries)


class Bus:
    """Events accepted and deliveries waiting, over the laptop's file."""

    def __init__(self, choreography: Choreography, database: Database, clock: Clock) -> None:
        self.name = choreography.name
        self._database = database
        self._clock = clock
        self._rules = RuleIndex({one.function.name: one.subscription.pattern for one in choreography.subscriptions})
        self.desks: Desks = _Nobody()
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
        schedule = f"arn:aws:scheduler:{REGION}:{ACCOUNT}:schedule/default/{function.replace('.', '-')}"
        text = json.dumps({"schedule": schedule, "scheduled_time": scheduled})
        at = moment.timestamp()
        run = Waiting(derived_id(function, expression, scheduled), function, 1, at, at, None, text)

        def change(connection: sqlite3.Connection) -> bool:
            if connection.execute("SELECT 1 FROM event WHERE event_id = ?", (run.id,)).fetchone():
                return False
            row = connection.execute(
                "INSERT INTO event (event_id, time, envelope, archived) VALUES (?, ?, ?, 0)", (run.id, at, text)
            )
            connection.execute(
                "INSERT INTO delivery VALUES (?, ?, ?, NULL, ?, ?, 1)", (run.id, function, row.lastrowid, at, at)
            )
            self.desks.hold([run])
            return True

        if self._database.write(change):
            self.desks.offer([run])

    def due(self, function: str, now: datetime, limit: int) -> list[Waiting]:
        """Return up to `limit` deliveries of `function` whose time has come, the longest due first."""
        self._database.flush()
        rows = self._database.read(_DUE, (function, now.timestamp(), limit))
        return [Waiting(*row) for row in rows]

    def take_due(self, function: str, now: datetime, limit: int, take: Callable[[list[Waiting]], None]) -> None:
        """Have `take` choose among the deliveries that are due, at a moment when nobody else changes any."""
        self._database.write(
            lambda connection: take(
                [Waiting(*row) for row in connection.execute(_DUE, (function, now.timestamp(), limit))]
            )
        )

    def next_due(self, function: str, after: datetime) -> float | None:
        """Return when the next delivery of `function` is due; None where nothing waits for later."""
        rows = self._database.read(
            "SELECT min(due) FROM delivery WHERE function = ? AND due > ?", (function, after.timestamp())
        )
        return None if rows[0][0] is None else float(rows[0][0])

    def wake_the_future(self, now: datetime) -> None:
        """Make at once what was accepted by a clock that ran ahead of this one: its pauses would never end."""
        self._database.write(
            lambda connection: connection.execute(
                "UPDATE delivery SET due = ?1 WHERE sent > ?1 AND due > ?1", (now.timestamp(),)
            )
        )

    def waiting(self) -> tuple[int, datetime | None]:
        """Return how many deliveries wait, and when the first of them is due."""
        count, due = self._database.read("SELECT count(*), min(due) FROM delivery")[0]
        return count, None if due is None else datetime.fromtimestamp(due, UTC)

    def finish(self, waiting: Waiting) -> None:
        """Forget a delivery that was made; one that is remembered by mistake is found to be a duplicate."""
        self._database.write_soon("DELETE FROM delivery WHERE id = ?", (waiting.id,))

    def postpone(self, waiting: Waiting, due: datetime) -> None:
        """Count the failed attempt, and make the next one at `due`."""
        self._database.write(
            lambda connection: connection.execute(
                "UPDATE delivery SET attempt = ?, due = ? WHERE id = ?",
                (waiting.attempt + 1, due.timestamp(), waiting.id),
            )
        )

    def bury(self, waiting: Waiting, body: str, attributes: Mapping[str, str]) -> None:
        """Move a delivery that was given up to its function's dead letter queue, in one step."""

        def change(connection: sqlite3.Connection) -> None:
            found = connection.execute("DELETE FROM delivery WHERE id = ? RETURNING id", (waiting.id,)).fetchone()
            if found:
                send_dead_letter(connection, waiting.function, self._clock.now(), body, attributes)

        self._database.write(change)

    def flush(self) -> None:
        """Put on disk what may wait for the next commit."""
        self._database.flush()

    def open_deliveries(self, correlation_id: str) -> int:
        """Return how many deliveries of one flow still wait."""
        self._database.flush()
        query = "SELECT count(*) FROM delivery WHERE correlation_id = ?"
        return int(self._database.read(query, (correlation_id,))[0][0])

    def _accepted(self, events: list[dict[str, Any]], now: datetime) -> Accepted:
        return Accepted([self._kept(event, now.timestamp()) for event in events], now, self.desks)

    def _kept(self, event: dict[str, Any], sent: float) -> _Kept:
        """Match one event against every rule."""
        metadata = event["detail"].get("metadata")
        said = metadata if isinstance(metadata, dict) else {}
        flow = str(said.get("correlation_id", event["id"]))
        text = json.dumps(event, separators=(",", ":"), ensure_ascii=False)
        deliveries = [
            Waiting(str(uuid4()), function, 1, sent, sent, flow, text) for function in self._rules.matching(event)
        ]
        return _Kept(str(said.get("event_id", event["id"])), flow, text, deliveries)


def send_dead_letter(
    connection: sqlite3.Connection, function: str, now: datetime, body: str, attributes: Mapping[str, str]
) -> None:
    """Put one message on a function's dead letter queue."""
    row = (str(uuid4()), function, now.timestamp(), body, json.dumps(attributes))
    connection.execute("INSERT INTO dead_letter VALUES (?, ?, ?, ?, ?)", row)
