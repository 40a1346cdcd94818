"""The laptop's archive, replaying: minute by minute, shuffled inside a minute, as EventBridge replays one.

A replay's position is on disk, and moves in the transaction that puts its deliveries there: after a crash it goes on
where it was, and delivers no minute twice. EventBridge user guide, eb-archive; API reference, StartReplay.
"""

import json
import logging
import sqlite3
import threading
from collections.abc import Collection
from datetime import datetime, timedelta
from random import Random
from typing import Any, Final

from contradance.local.bus import Bus
from contradance.local.database import Database
from contradance.local.refusal import Refused
from contradance.local.replay import Replay, ReplayState
from contradance.runtime.ports import Clock

_LOG = logging.getLogger("contradance.replays")
_OPEN: Final = "state IN ('STARTING', 'RUNNING', 'CANCELLING')"
MOST: Final = 10
"""Replays at a time, per account and region. EventBridge quotas."""
_TOGETHER: Final = 1_000
"""Most events of one minute that are put on disk, and shuffled, together."""
_MINUTE: Final = 60.0
_REMEMBERED: Final = timedelta(days=90)
"""How long a replay that has ended is told of. EventBridge API reference, StartReplay."""
_PAUSE_SECONDS: Final = 5.0
"""Pause after a failure that is none of the replay's own."""
_COLUMNS: Final = "name, description, state, first, last, rules, started, minute, after, replayed, ended"


class Replays:
    """The archive of one bus, and its replays.

    Args:
        bus: what delivers the replayed events.
        database: where the archive is.
        clock: when.
        archive_delay: how long an event takes to reach the archive; EventBridge says to wait ten minutes.
        random: shuffles the events of a minute.
    """

    def __init__(self, bus: Bus, database: Database, clock: Clock, archive_delay: timedelta, random: Random) -> None:
        self._bus = bus
        self._database = database
        self._clock = clock
        self._delay = archive_delay
        self._random = random
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def begin(
        self, name: str, first: datetime, last: datetime, functions: Collection[str] | None, description: str | None
    ) -> Replay:
        """Start a replay, and return it; it goes on by itself.

        Raises:
            Refused: the name was used, or too many replays are running.
        """
        rules = None if functions is None else json.dumps(sorted(functions))
        now = self._clock.now()
        replay = Replay(
            name,
            description,
            "STARTING",
            first.timestamp(),
            last.timestamp(),
            rules,
            now.timestamp(),
            first.timestamp(),
        )

        def change(connection: sqlite3.Connection) -> None:
            connection.execute("DELETE FROM replay WHERE ended < ?", ((now - _REMEMBERED).timestamp(),))
            if connection.execute("SELECT 1 FROM replay WHERE name = ?", (name,)).fetchone():
                raise Refused("ResourceAlreadyExistsException", f"Replay {name} already exists.")
            if connection.execute(f"SELECT count(*) FROM replay WHERE {_OPEN}").fetchone()[0] >= MOST:  # noqa: S608 - constant
                raise Refused(
                    "LimitExceededException",
                    f"The requested resource exceeds the maximum number allowed: {MOST} replays.",
                )
            connection.execute("INSERT INTO replay VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", replay)

        self._database.write(change)
        self._wake.set()
        return replay

    def named(self, name: str) -> Replay:
        """Return one replay."""
        rows = self._database.read(f"SELECT {_COLUMNS} FROM replay WHERE name = ?", (name,))  # noqa: S608 - constants
        if not rows:
            raise Refused("ResourceNotFoundException", f"Replay {name} does not exist.")
        return Replay(*rows[0])

    def all(self) -> list[Replay]:
        """Return every replay that is remembered, the latest first."""
        rows = self._database.read(f"SELECT {_COLUMNS} FROM replay ORDER BY started DESC, name")  # noqa: S608 - constants
        return [Replay(*row) for row in rows]

    def cancel(self, name: str) -> Replay:
        """Have a replay end where it is."""
        replay = self.named(name)
        cancelled = self._database.write(
            lambda connection: (
                connection.execute(
                    "UPDATE replay SET state = 'CANCELLING' WHERE name = ? AND state IN ('STARTING', 'RUNNING')",
                    (name,),
                ).rowcount
            )
        )
        if not cancelled:
            raise Refused("IllegalStatusException", f"Replay {name} is not in a valid state for this operation.")
        self._wake.set()
        return replay._replace(state="CANCELLING")

    def archived(self) -> tuple[int, int]:
        """Return how many events the archive holds, and how many bytes they are."""
        query = "SELECT count(*), coalesce(sum(length(CAST(envelope AS BLOB))), 0) FROM event WHERE archived = 1"
        count, size = self._database.read(f"{query} AND accepted <= ?", (self._horizon(),))[0]
        return count, size

    def step(self) -> bool:
        """Replay the next minute of each replay that is not at its end; return whether there was one."""
        rows = self._database.read(f"SELECT {_COLUMNS} FROM replay WHERE {_OPEN} ORDER BY started")  # noqa: S608 - constants
        for row in rows:
            self._advance(Replay(*row))
        return bool(rows)

    def start(self) -> None:
        """Replay in a thread until `stop`; what a killed process left goes on."""
        self._wake.set()
        self._thread = threading.Thread(target=self._run, name="contradance-replays", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Replay no more minutes; the rest is replayed after the next start."""
        self._stopping.set()
        self._wake.set()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        pause: float | None = None
        while not self._stopping.is_set():
            self._wake.wait(pause)
            self._wake.clear()
            pause = None
            try:
                while not self._stopping.is_set() and self.step():
                    pass
            except Exception:  # noqa: BLE001 - the position is on disk, and it goes on from there
                _LOG.exception("a replay could not go on")
                pause = _PAUSE_SECONDS

    def _horizon(self) -> float:
        """Return the moment up to which what was accepted has reached the archive."""
        return (self._clock.now() - self._delay).timestamp() if self._delay else float("inf")

    def _advance(self, replay: Replay) -> None:
        if replay.state == "CANCELLING":
            self._end(replay, "CANCELLED")
            return
        found = self._database.read(
            "SELECT min(time) FROM event WHERE archived = 1 AND time >= ? AND time < ? AND accepted <= ?",
            (replay.minute, replay.last, self._horizon()),
        )[0][0]
        if found is None:
            self._end(replay, "COMPLETED")
        else:
            self._replay_minute(replay, found // _MINUTE * _MINUTE)

    def _replay_minute(self, replay: Replay, minute: float) -> None:
        """Deliver one minute's events again, or as many of them as go together."""
        begun = replay.after if replay.minute == max(minute, replay.first) else 0
        start, end = max(minute, replay.first), min(minute + _MINUTE, replay.last)
        rows = self._database.read(
            "SELECT id, time, envelope FROM event "
            "WHERE archived = 1 AND time >= ? AND time < ? AND accepted <= ? AND id > ? ORDER BY id LIMIT ?",
            (start, end, self._horizon(), begun, _TOGETHER),
        )
        position = (start, rows[-1][0]) if len(rows) == _TOGETHER else (end, 0)
        latest = max((row[1] for row in rows), default=replay.replayed)
        events = [_named(json.loads(envelope), replay.name) for _, _, envelope in rows]
        self._random.shuffle(events)
        accepted = self._bus.replayed(events, replay.functions)

        def change(connection: sqlite3.Connection) -> bool:
            moved = connection.execute(
                "UPDATE replay SET state = 'RUNNING', minute = ?, after = ?, replayed = ? "
                "WHERE name = ? AND state = ? AND minute = ? AND after = ?",
                (*position, latest, replay.name, replay.state, replay.minute, replay.after),
            ).rowcount
            if moved:
                accepted.keep(connection)
            return bool(moved)

        if self._database.write(change):
            accepted.announce()

    def _end(self, replay: Replay, state: ReplayState) -> None:
        now = self._clock.now().timestamp()
        self._database.write(
            lambda connection: connection.execute(
                "UPDATE replay SET state = ?, ended = ? WHERE name = ? AND state = ?",
                (state, now, replay.name, replay.state),
            )
        )


def _named(event: dict[str, Any], replay: str) -> dict[str, Any]:
    """Return an event as a replay delivers it: its name stands behind the region."""
    behind = {name: event.pop(name) for name in ("resources", "detail")}
    return {**event, "replay-name": replay, **behind}
