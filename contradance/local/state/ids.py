"""The ids that a term selects: as a range that SQLite reads from an index, and the one that an action takes."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from contradance.operate.shortened_id import CANDIDATES, SHORTEST, whole_id

Query = Callable[[str, Mapping[str, object]], Iterable[Any]]
"""Returns the rows of a query with named parameters."""
SELECTED: Final = (
    "(function = :term OR event_id = :term OR delivery.correlation_id = :term "
    "OR delivery.correlation_id IN (SELECT correlation_id FROM journal WHERE subject = :term))"
)
"""A condition on `delivery` and its `event`: the term is the function, an id or the subject of the flow."""
_FIRST: Final = "\0"
_LAST: Final = "\U0010ffff"
_IDS: Final = (
    ("event", "event_id"),
    ("journal", "event_id"),
    ("journal", "correlation_id"),
    ("delivery", "correlation_id"),
)
_NAMES: Final = (("journal", "subject"), ("journal", "function"), ("delivery", "function"))
"""Columns that a term must equal, so that it names them whole or not at all."""
_KNOWN: Final = " UNION ".join(
    [
        *(
            f"SELECT * FROM (SELECT DISTINCT {column} FROM {table} WHERE {column} >= :term AND {column} < :above "  # noqa: S608 - constants
            f"ORDER BY {column} LIMIT :most)"
            for table, column in _IDS
        ),
        *(f"SELECT * FROM (SELECT {column} FROM {table} WHERE {column} = :term LIMIT 1)" for table, column in _NAMES),  # noqa: S608 - constants
    ]
)


def id_range(term: str) -> tuple[str, str]:
    """Return (first, end) of the half-open range of ids that equal a term or, from 8 characters on, begin with it."""
    return term, term + (_LAST if len(term) >= SHORTEST else _FIRST)


def known_ids(query: Query, term: str) -> list[str]:
    """Return the ids of events and flows that a term selects, the first 11 of each table; and a name that it equals."""
    rows = query(_KNOWN, {"term": term, "above": id_range(term)[1], "most": CANDIDATES + 1})
    return [known for (known,) in rows]


def acting_term(query: Query, term: str) -> str:
    """Return the id, subject or function that an action's term names: whole, or by a beginning that one id has.

    Raises:
        OperateError: several ids begin with it.
    """
    return whole_id(term, known_ids(query, term))
