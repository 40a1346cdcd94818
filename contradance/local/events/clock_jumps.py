"""Corrects the times in the laptop's database after its clock was ahead, so that what waits does not wait too long."""

import sqlite3
from datetime import datetime, timedelta

from contradance.local.state.database import Database
from contradance.retry import QUEUE_VISIBILITY


def end_long_pauses(database: Database, now: datetime, longest_pause: timedelta) -> None:
    """Make due now what is due later than any pause lasts, because an earlier process had a clock that was ahead.

    A run with a time scale stores times ahead of real time; a later run without one would wait for them for days.
    """
    at = now.timestamp()
    later = at + longest_pause.total_seconds()

    def change(connection: sqlite3.Connection) -> None:
        """End the pauses of deliveries, of hidden dead letters and of leases of committed once-records."""
        connection.execute("UPDATE delivery SET due = ? WHERE due > ? OR (sent > ? AND due > ?)", (at, later, at, at))
        connection.execute("UPDATE delivery SET sent = ? WHERE sent > ?", (at, at))
        connection.execute(
            "UPDATE dead_letter SET visible = 0 WHERE visible > ? OR (sent > ? AND visible > ?)",
            (at + QUEUE_VISIBILITY.total_seconds(), at, at),
        )
        # No process holds a lease at the start: what is committed and not published is for the sweeper.
        connection.execute("UPDATE once SET expires = ? WHERE state = 'done' AND expires > ?", (at, at))

    database.write(change)


def shift_pauses(database: Database, now: datetime, back: timedelta) -> None:
    """Make deliveries due, and dead letters visible, earlier by `back`, not before `now`: the clock was set back."""
    at, by = now.timestamp(), back.total_seconds()

    def change(connection: sqlite3.Connection) -> None:
        """Move the times of deliveries and of hidden dead letters."""
        connection.execute("UPDATE delivery SET due = max(?, due - ?) WHERE due > ?", (at, by, at))
        connection.execute("UPDATE delivery SET sent = max(?, sent - ?) WHERE sent > ?", (at - by, by, at))
        connection.execute("UPDATE dead_letter SET visible = max(?, visible - ?) WHERE visible > ?", (at, by, at))

    database.write(change)
