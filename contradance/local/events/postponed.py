"""Deliveries that wait for their next attempt, and the next attempt now."""

import json
import sqlite3
from collections.abc import Iterable
from datetime import datetime
from typing import Final, NamedTuple

from contradance.local.events.pending_delivery import Dispatcher
from contradance.local.state.database import Database
from contradance.local.state.ids import id_range

_ALL_POSTPONED: Final = (
    "SELECT delivery.id, function, event_id, attempt FROM delivery JOIN event ON event.id = event "
    "WHERE due > :now AND function IN (SELECT value FROM json_each(:functions)) ORDER BY due"
)
_POSTPONED: Final = _ALL_POSTPONED.replace(
    "ORDER BY",
    "AND (function = :term OR event_id >= :term AND event_id < :above "
    "OR delivery.correlation_id >= :term AND delivery.correlation_id < :above "
    "OR delivery.correlation_id IN (SELECT correlation_id FROM journal WHERE subject = :term)) ORDER BY",
)


class Postponed(NamedTuple):
    """A delivery whose next attempt is due later."""

    id: str
    function: str
    event_id: str
    attempt: int
    """Number of that attempt; 1 is the first."""


def retry_now(
    database: Database, dispatcher: Dispatcher, functions: Iterable[str], now: datetime, term: str | None
) -> list[Postponed]:
    """Make postponed deliveries due now, those that `term` selects or all for None, and return them.

    Args:
        database: the state file.
        dispatcher: makes the deliveries.
        functions: those that it makes deliveries to; the state may also hold deliveries to removed functions.
        now: the time.
        term: a function, or what begins an event's or a flow's id, or a subject; None for every delivery.
    """
    at = now.timestamp()
    above = None if term is None else id_range(term)[1]
    query = _ALL_POSTPONED if term is None else _POSTPONED
    parameters = {"now": at, "functions": json.dumps([*functions]), "term": term, "above": above}

    def change(connection: sqlite3.Connection) -> list[Postponed]:
        """Make the selected deliveries due, and return them."""
        found = [Postponed(*row) for row in connection.execute(query, parameters)]
        connection.executemany("UPDATE delivery SET due = ? WHERE id = ?", [(at, one.id) for one in found])
        return found

    found = database.write(change)
    for function in {one.function for one in found}:
        dispatcher.refill(function)
    return found
