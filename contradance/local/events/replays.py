"""Replays of the laptop's archive: minute by minute, shuffled inside a minute, as EventBridge does.

A replay's position is on disk and moves in the transaction that stores its deliveries: after a crash the replay
continues there, and delivers no minute twice. EventBridge user guide, eb-archive; API reference, StartReplay.
"""

import json
import logging
import sqlite3
import threading
from collections.abc import Collection
from datetime import datetime, timedelta
from random import Random
from typing import Any, Final

from contradance.local.events.bus import Bus
from contradance.local.events.replay import REPLAY_COLUMNS, Replay, ReplayState, find_replay
from contradance.local.refusal import Refused
from contradance.local.state.database import Database
from contradance.local.state.schema import OWN_BUS
from contradance.local.state.stored import envelope_in
from contradance.quantity import counted
from contradance.runtime.ports import Clock

_LOG = logging.getLogger("contradance.replays")
_OPEN: Final = "state IN ('STARTING', 'RUNNING', 'CANCELLING')"
MOST: Final = 10
"""Maximum number of open replays per account and region. EventBridge quotas."""
_TOGETHER: Final = 1_000
"""Most events of one minute that are shuffled and stored together."""
_MINUTE: Final = 60.0
_REMEMBERED: Final = timedelta(days=90)
"""How long an ended replay stays listed. EventBridge API reference, StartReplay."""
_PAUSE_SECONDS: Final = 5.0
"""Pause after an unexpected failure, before the replays continue."""


class Replays:
    """Starts, advances, lists and cancels the replays of one bus's archive.

    Args:
        bus: matches the replayed events and delivers them.
        database: holds the archive and the replays.
        clock: gives the current time.
        archive_delay: how long an event takes to reach the archive; EventBridge advises to wait ten minutes.
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
        self,
        name: str,
        first: datetime,
        last: datetime,
        functions: Collection[str] | None,
        description: str | None,
        *,
        bus: str = OWN_BUS,
    ) -> Replay:
        """Store a new replay of a bus's events from `first` until before `last`, and return it, or raise `Refused`.

        Raises:
            Refused: the name is already used, or too many replays are open.
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
            bus=bus,
        )

        def change(connection: sqlite3.Connection) -> None:
            """Insert the replay; raise `Refused` if its name is used or too many are open."""
            connection.execute("DELETE FROM replay WHERE ended < ?", ((now - _REMEMBERED).timestamp(),))
            if connection.execute("SELECT 1 FROM replay WHERE name = ?", (name,)).fetchone():
                raise Refused("ResourceAlreadyExistsException", f"Replay {name} already exists.")
            if connection.execute(f"SELECT count(*) FROM replay WHERE {_OPEN}").fetchone()[0] >= MOST:  # noqa: S608 - constant
                raise Refused(
                    "LimitExceededException",
                    f"The requested resource exceeds the maximum number allowed: {MOST} replays.",
                )
            connection.execute("INSERT INTO replay VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", replay)

        self._database.write(change)
        self._wake.set()
        return replay

    def named(self, name: str) -> Replay:
        """Return the replay with this name; raise `Refused` when it does not exist."""
        replay = find_replay(self._database, name)
        if replay is None:
            raise Refused("ResourceNotFoundException", f"Replay {name} does not exist.")
        return replay

    def all(self) -> list[Replay]:
        """Return every stored replay, the latest first."""
        rows = self._database.read(f"SELECT {REPLAY_COLUMNS} FROM replay ORDER BY started DESC, name")  # noqa: S608 - constants
        return [Replay(*row) for row in rows]

    def cancel(self, name: str) -> Replay:
        """Request that a replay ends at its position, and return it; raise `Refused` unless it is open."""
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

    def archive_size(self, bus: str = OWN_BUS) -> tuple[int, int]:
        """Return (count, bytes) of the events that have reached a bus's archive."""
        query = "SELECT count(*), coalesce(sum(length(CAST(envelope AS BLOB))), 0) FROM event WHERE archived = 1"
        count, size = self._database.read(f"{query} AND accepted <= ? AND bus = ?", (self._horizon(), bus))[0]
        return count, size

    def step(self) -> bool:
        """Replay the next minute with events of each open replay, or end it; return False when no replay was open."""
        rows = self._database.read(f"SELECT {REPLAY_COLUMNS} FROM replay WHERE {_OPEN} ORDER BY started")  # noqa: S608 - constants
        for row in rows:
            self._advance(Replay(*row))
        return bool(rows)

    def start(self) -> None:
        """Replay in a thread until `stop`; replays that a killed process left open continue."""
        self._wake.set()
        self._thread = threading.Thread(target=self._run, name="contradance-replays", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the thread after the current minute; open replays continue after the next start."""
        self._stopping.set()
        self._wake.set()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        """Advance the open replays whenever one begins, until `stop`; after a failure, log it and try again."""
        pause: float | None = None
        while not self._stopping.is_set():
            self._wake.wait(pause)
            self._wake.clear()
            pause = None
            try:
                while not self._stopping.is_set() and self.step():
                    pass
            except Exception:  # noqa: BLE001 - the position is on disk: the replay continues there
                _LOG.exception("a replay failed, and continues after a pause")
                pause = _PAUSE_SECONDS

    def _horizon(self) -> float:
        """Return the time until which accepted events are archived, since the epoch; infinite without a delay."""
        return (self._clock.now() - self._delay).timestamp() if self._delay else float("inf")

    def _advance(self, replay: Replay) -> None:
        """Replay the next minute that holds events; end a replay that is cancelled or at its end."""
        if replay.state == "CANCELLING":
            self._end(replay, "CANCELLED")
            return
        found = self._database.read(
            "SELECT min(time) FROM event WHERE archived = 1 AND time >= ? AND time < ? AND accepted <= ? AND bus = ?",
            (replay.minute, replay.last, self._horizon(), replay.bus),
        )[0][0]
        if found is None:
            self._end(replay, "COMPLETED")
        else:
            self._replay_minute(replay, found // _MINUTE * _MINUTE)

    def _replay_minute(self, replay: Replay, minute: float) -> None:
        """Deliver one minute's events again, up to `_TOGETHER` at once; nothing if the replay has changed since."""
        begun = replay.after if replay.minute == max(minute, replay.first) else 0
        start, end = max(minute, replay.first), min(minute + _MINUTE, replay.last)
        rows = self._database.read(
            "SELECT id, time, envelope FROM event "
            "WHERE archived = 1 AND time >= ? AND time < ? AND accepted <= ? AND id > ? AND bus = ? "
            "ORDER BY id LIMIT ?",
            (start, end, self._horizon(), begun, replay.bus, _TOGETHER),
        )
        position = (start, rows[-1][0]) if len(rows) == _TOGETHER else (end, 0)
        latest = max((row[1] for row in rows), default=replay.replayed)
        found = [event for _, _, text in rows if (event := envelope_in(text)) is not None]
        if len(found) < len(rows):
            _LOG.warning("%s of replay %s cannot be read", counted(len(rows) - len(found), "event"), replay.name)
        events = [_with_replay_name(event, replay.name) for event in found]
        self._random.shuffle(events)
        accepted = self._bus.accept_replayed(events, replay.functions, replay.bus)

        def change(connection: sqlite3.Connection) -> bool:
            """Move the replay's position and store its deliveries; return whether it was as it was read."""
            # A replay that was cancelled or advanced since it was read does not match: nothing is stored for it.
            moved = connection.execute(
                "UPDATE replay SET state = 'RUNNING', minute = ?, after = ?, replayed = ? "
                "WHERE name = ? AND state = ? AND minute = ? AND after = ?",
                (*position, latest, replay.name, replay.state, replay.minute, replay.after),
            ).rowcount
            if moved:
                accepted.store(connection)
            return bool(moved)

        if self._database.write(change):
            accepted.dispatch()

    def _end(self, replay: Replay, state: ReplayState) -> None:
        """Store a replay's last state and its end, unless its state has changed since it was read."""
        now = self._clock.now().timestamp()
        self._database.write(
            lambda connection: connection.execute(
                "UPDATE replay SET state = ?, ended = ? WHERE name = ? AND state = ?",
                (state, now, replay.name, replay.state),
            )
        )


def _with_replay_name(event: dict[str, Any], replay: str) -> dict[str, Any]:
    """Return an envelope with `replay-name` at EventBridge's position, behind the region; `event` is changed."""
    behind: dict[str, Any] = {name: event.pop(name) for name in ("resources", "detail") if name in event}
    return {**event, "replay-name": replay, **behind}
