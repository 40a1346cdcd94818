"""The laptop's EventBridge: it keeps what it accepts, matches it against every rule, and holds what is to be delivered.

Nothing is acknowledged before it is on disk; what was accepted and not yet finished is there again after a restart.
"""

import json
import sqlite3
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple
from uuid import uuid4

from contradance.choreography import Choreography
from contradance.envelope import derived_id
from contradance.local.database import Database
from contradance.runtime.ports import Clock

ACCOUNT: Final = "000000000000"
REGION: Final = "us-east-1"
MAX_ENTRIES: Final = 10
_REQUIRED: Final = ("Source", "DetailType", "Detail")


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


class Bus:
    """Events accepted and deliveries waiting, over the laptop's file."""

    def __init__(self, choreography: Choreography, database: Database, clock: Clock) -> None:
        self.name = choreography.name
        self._database = database
        self._clock = clock
        self._rules = [(one.function.name, one.subscription.pattern) for one in choreography.subscriptions]
        self._accepted: Callable[[Iterable[str]], None] = lambda _: None

    def when_accepted(self, call: Callable[[Iterable[str]], None]) -> None:
        """Have `call` told the functions for which events were accepted."""
        self._accepted = call

    def put_events(self, *, Entries: Sequence[Mapping[str, Any]]) -> dict[str, Any]:  # noqa: N803 - boto3's name
        """Accept entries as EventBridge's PutEvents does: each for itself, with its result in the same place."""
        now = self._clock.now()
        results: list[dict[str, str]] = []
        accepted: list[tuple[dict[str, Any], list[str]]] = []
        for entry in Entries:
            refusal = _refusal(entry)
            if refusal is None:
                event = _envelope(entry, now)
                accepted.append((event, [name for name, pattern in self._rules if pattern.matches(event)]))
                results.append({"EventId": event["id"]})
            else:
                results.append({"ErrorCode": refusal[0], "ErrorMessage": refusal[1]})
        if accepted:
            self._database.write(lambda connection: _keep(connection, accepted, now))
            self._accepted({function for _, functions in accepted for function in functions})
        return {"FailedEntryCount": len(Entries) - len(accepted), "Entries": results}

    def put_moment(self, function: str, expression: str, moment: datetime) -> None:
        """Accept one run of a scheduled function, as EventBridge Scheduler would invoke it; once per moment."""
        run = {
            "schedule": f"arn:aws:scheduler:{REGION}:{ACCOUNT}:schedule/default/{function.replace('.', '-')}",
            "scheduled_time": moment.strftime("%Y-%m-%dT%H:%M:%SZ"),
        }
        run_id = derived_id(function, expression, run["scheduled_time"])

        def change(connection: sqlite3.Connection) -> None:
            if connection.execute("SELECT 1 FROM event WHERE event_id = ?", (run_id,)).fetchone():
                return
            row = connection.execute(
                "INSERT INTO event (event_id, time, envelope, archived) VALUES (?, ?, ?, 0) RETURNING id",
                (run_id, moment.timestamp(), json.dumps(run)),
            ).fetchone()
            connection.execute(
                "INSERT INTO delivery VALUES (?, ?, ?, NULL, ?, ?, 1)",
                (run_id, function, row[0], moment.timestamp(), moment.timestamp()),
            )

        self._database.write(change)
        self._accepted([function])

    def due(self, function: str, now: datetime, limit: int, running: Iterable[str]) -> list[Waiting]:
        """Return up to `limit` deliveries of `function` whose time has come, but none of those `running`."""
        rows = self._database.read(
            "SELECT delivery.id, function, attempt, sent, due, delivery.correlation_id, envelope FROM delivery "
            "JOIN event ON event.id = delivery.event WHERE function = ? AND due <= ? "
            "AND delivery.id NOT IN (SELECT value FROM json_each(?)) ORDER BY due LIMIT ?",
            (function, now.timestamp(), json.dumps([*running]), limit),
        )
        return [Waiting(*row) for row in rows]

    def next_due(self, function: str, running: Iterable[str]) -> float | None:
        """Return when the earliest waiting delivery of `function` is due; None where nothing waits."""
        rows = self._database.read(
            "SELECT min(due) FROM delivery WHERE function = ? AND id NOT IN (SELECT value FROM json_each(?))",
            (function, json.dumps([*running])),
        )
        return None if rows[0][0] is None else float(rows[0][0])

    def finish(self, waiting: Waiting) -> None:
        """Forget a delivery that was made."""
        self._database.write(lambda connection: connection.execute("DELETE FROM delivery WHERE id = ?", (waiting.id,)))

    def postpone(self, waiting: Waiting, due: datetime) -> None:
        """Count the failed attempt, and make the next one at `due`."""
        self._database.write(
            lambda connection: connection.execute(
                "UPDATE delivery SET attempt = attempt + 1, due = ? WHERE id = ?", (due.timestamp(), waiting.id)
            )
        )

    def bury(self, waiting: Waiting, body: str, attributes: Mapping[str, str]) -> None:
        """Move a delivery that was given up to its function's dead letter queue, in one step."""

        def change(connection: sqlite3.Connection) -> None:
            connection.execute("DELETE FROM delivery WHERE id = ?", (waiting.id,))
            send_dead_letter(connection, waiting.function, self._clock.now(), body, attributes)

        self._database.write(change)

    def open_deliveries(self, correlation_id: str) -> int:
        """Return how many deliveries of one flow still wait."""
        query = "SELECT count(*) FROM delivery WHERE correlation_id = ?"
        return int(self._database.read(query, (correlation_id,))[0][0])


def send_dead_letter(
    connection: sqlite3.Connection, function: str, now: datetime, body: str, attributes: Mapping[str, str]
) -> None:
    """Put one message on a function's dead letter queue."""
    row = (str(uuid4()), function, now.timestamp(), body, json.dumps(attributes))
    connection.execute("INSERT INTO dead_letter VALUES (?, ?, ?, ?, ?)", row)


def _refusal(entry: Mapping[str, Any]) -> tuple[str, str] | None:
    """Return (ErrorCode, ErrorMessage) of an entry that EventBridge would not take, in its words."""
    for name in _REQUIRED:
        if not entry.get(name):
            return "InvalidArgument", f"Parameter {name} is not valid. Reason: {name} is a required argument."
    try:
        detail = json.loads(entry["Detail"])
    except (ValueError, TypeError, RecursionError):
        detail = None
    return None if isinstance(detail, dict) else ("MalformedDetail", "Detail is malformed.")


def _envelope(entry: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    """Wrap an entry as EventBridge delivers it: these fields, in this order."""
    return {
        "version": "0",
        "id": str(uuid4()),
        "detail-type": entry["DetailType"],
        "source": entry["Source"],
        "account": ACCOUNT,
        "time": now.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "region": REGION,
        "resources": list(entry.get("Resources") or ()),
        "detail": json.loads(entry["Detail"]),
    }


def _keep(connection: sqlite3.Connection, accepted: list[tuple[dict[str, Any], list[str]]], now: datetime) -> None:
    """Archive each event, and a delivery for each function whose rule it matched."""
    for event, functions in accepted:
        metadata = event["detail"].get("metadata")
        said = metadata if isinstance(metadata, dict) else {}
        correlation_id = str(said.get("correlation_id", event["id"]))
        row = connection.execute(
            "INSERT INTO event (event_id, time, correlation_id, envelope, archived) VALUES (?, ?, ?, ?, 1) RETURNING id",
            (
                str(said.get("event_id", event["id"])),
                now.timestamp(),
                correlation_id,
                json.dumps(event, separators=(",", ":"), ensure_ascii=False),
            ),
        ).fetchone()
        connection.executemany(
            "INSERT INTO delivery VALUES (?, ?, ?, ?, ?, ?, 1)",
            [
                (str(uuid4()), function, row[0], correlation_id, now.timestamp(), now.timestamp())
                for function in functions
            ],
        )
