"""Deliveries that wait for their next attempt, and the next attempt now."""

import json
import sqlite3
from collections.abc import Iterable
from datetime import datetime
from typing import Final, Literal, NamedTuple

from contradance.local.events.pending_delivery import Dispatcher
from contradance.local.state.database import Database
from contradance.local.state.ids import SELECTED, acting_term

SelectBy = Literal["any", "function", "flow"]
"""What a term selects deliveries by; `any`: a function, a subject, or the id or its beginning of an event or a flow."""
_CONDITIONS: Final[dict[SelectBy, str]] = {
    "any": SELECTED,
    "function": "function = :term",
    "flow": "delivery.correlation_id = :term",
}
_POSTPONED: Final = (
    "SELECT delivery.id, function, event_id, attempt FROM delivery JOIN event ON event.id = event "
    "WHERE due > :now AND function IN (SELECT value FROM json_each(:functions))"
)


class Postponed(NamedTuple):
    """A delivery whose next attempt is due later."""

    id: str
    function: str
    event_id: str
    attempt: int
    """Number of that attempt; 1 is the first."""


def retry_now(
    database: Database,
    dispatcher: Dispatcher,
    functions: Iterable[str],
    now: datetime,
    term: str | None,
    *,
    by: SelectBy = "any",
) -> list[Postponed]:
    """Make postponed deliveries due now, those that `term` selects or all for None, and return them.

    Args:
        database: the state file.
        dispatcher: makes the deliveries.
        functions: those that it makes deliveries to; the state may also hold deliveries to removed functions.
        now: the time.
        term: what `by` names, exactly; with `any` also a beginning that only one id has. None for every delivery.
        by: what the term is compared with.

    Raises:
        OperateError: the term is the beginning of several ids.
    """
    at = now.timestamp()
    parameters = {"now": at, "functions": json.dumps([*functions])}

    def change(connection: sqlite3.Connection) -> list[Postponed]:
        """Make the selected deliveries due, and return them."""
        whole = acting_term(connection.execute, term) if term is not None and by == "any" else term
        query = f"{_POSTPONED} {'' if term is None else f'AND {_CONDITIONS[by]}'} ORDER BY due"
        found = [Postponed(*row) for row in connection.execute(query, {**parameters, "term": whole})]
        connection.executemany("UPDATE delivery SET due = ? WHERE id = ?", [(at, one.id) for one in found])
        return found

    found = database.write(change)
    for function in {one.function for one in found}:
        dispatcher.refill(function)
    return found
