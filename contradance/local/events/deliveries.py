"""The pending deliveries in the laptop's database: each stays there until it is finished or dead-lettered."""

import json
import sqlite3
from collections import deque
from collections.abc import Callable, Sequence
from datetime import datetime
from threading import Lock
from typing import Final, NamedTuple

from contradance.local.dead_letter_queues import DeadLetterMessage, keep
from contradance.local.events.pending_delivery import PendingDelivery
from contradance.local.state.database import Database, Job
from contradance.local.state.stored import stored_time
from contradance.runtime.ports import Clock

_PENDING: Final = (
    "SELECT delivery.id, function, max(attempt, 1), sent, due, delivery.correlation_id, envelope FROM delivery "
    "JOIN event ON event.id = delivery.event WHERE"
)
_DUE: Final = f"{_PENDING} function = ? AND due <= ? ORDER BY due, event LIMIT ?"
_WITH_IDS: Final = f"{_PENDING} delivery.id IN (SELECT value FROM json_each(?)) ORDER BY sent, event"  # noqa: S608 - constant


class Backlog(NamedTuple):
    """How many deliveries of one function are pending."""

    due: int
    later: int


class Deliveries:
    """The pending deliveries of every function."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._finishing: deque[tuple[str, Job[object]]] = deque()
        """Ids of finished deliveries whose deletion waits for the next commit, in the order of their jobs."""
        self._finishing_lock = Lock()

    def due(self, function: str, now: datetime, limit: int) -> list[PendingDelivery]:
        """Return up to `limit` deliveries of `function` that are due, the earliest first."""
        self._database.flush()
        rows = self._database.read(_DUE, (function, now.timestamp(), limit))
        return [PendingDelivery(*row) for row in rows]

    def take_due(self, function: str, now: datetime, limit: int, take: Callable[[list[PendingDelivery]], None]) -> None:
        """Call `take`, in a write transaction, with up to `limit` due deliveries of a function, the earliest first.

        So no delivery is accepted, finished or postponed between query and choice.
        """
        self._database.write(
            lambda connection: take(
                [PendingDelivery(*row) for row in connection.execute(_DUE, (function, now.timestamp(), limit))]
            )
        )

    def with_ids(self, ids: Sequence[str]) -> list[PendingDelivery]:
        """Return the pending deliveries with these ids, the first sent first; an id of no pending one is skipped."""
        rows = self._database.read(_WITH_IDS, (json.dumps([*ids]),))
        return [PendingDelivery(*row) for row in rows]

    def next_due(self, function: str, after: datetime) -> float | None:
        """Return the first time after `after` at which a delivery is due, in seconds of the epoch; None without one."""
        rows = self._database.read(
            "SELECT min(due) FROM delivery WHERE function = ? AND due > ?", (function, after.timestamp())
        )
        return None if rows[0][0] is None else float(rows[0][0])

    def count(self) -> tuple[int, datetime | None]:
        """Return how many deliveries to any function are pending, and when the first is due; None without any."""
        count, due = self._database.read("SELECT count(*), min(due) FROM delivery")[0]
        return count, None if due is None else stored_time(due)

    def count_of_flow(self, correlation_id: str) -> int:
        """Return how many deliveries of one flow are pending, without finished ones whose deletion is not committed.

        It is asked after each delivery, and so must not cause a commit.
        """
        with self._finishing_lock:
            finishing = {identifier for identifier, _ in self._finishing}
        rows = self._database.read("SELECT id FROM delivery WHERE correlation_id = ?", (correlation_id,))
        return sum(identifier not in finishing for (identifier,) in rows)

    def backlog(self, function: str) -> Backlog:
        """Return how many deliveries of `function` are due, and how many are due later."""
        self._database.flush()
        now = self._clock.now().timestamp()
        query = "SELECT count(*) FILTER (WHERE due <= ?), count(*) FILTER (WHERE due > ?) FROM delivery"
        return Backlog(*self._database.read(f"{query} WHERE function = ?", (now, now, function))[0])

    def functions(self) -> list[str]:
        """Return the names of the functions to which deliveries are pending, each once."""
        return [name for (name,) in self._database.read("SELECT DISTINCT function FROM delivery")]

    def finish(self, pending: PendingDelivery) -> None:
        """Delete a delivery that succeeded, with the next commit.

        A crash may lose the deletion: the once-record then makes the repeated delivery a duplicate.
        """
        job = self._database.write_soon("DELETE FROM delivery WHERE id = ?", (pending.id,))
        with self._finishing_lock:
            self._finishing.append((pending.id, job))
            while self._finishing and self._finishing[0][1].done:
                self._finishing.popleft()

    def postpone(self, pending: PendingDelivery, due: datetime, *, counted: bool = True) -> None:
        """Schedule the next attempt for `due`; it has the next number, or, unless `counted`, the same number again."""
        self._database.write(
            lambda connection: connection.execute(
                "UPDATE delivery SET attempt = ?, due = ? WHERE id = ?",
                (pending.attempt + counted, due.timestamp(), pending.id),
            )
        )

    def dead_letter(self, pending: PendingDelivery, message: DeadLetterMessage) -> None:
        """Replace a delivery by `message` on its function's dead letter queue; do nothing if it is not pending."""

        def change(connection: sqlite3.Connection) -> None:
            """Delete the delivery, and keep the message if there was one."""
            found = connection.execute("DELETE FROM delivery WHERE id = ? RETURNING id", (pending.id,)).fetchone()
            if found:
                keep(connection, pending.function, message)

        self._database.write(change)

    def flush(self) -> None:
        """Commit the changes that wait for the next commit."""
        self._database.flush()
