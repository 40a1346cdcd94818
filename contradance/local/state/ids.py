"""The ids that a search term selects, as a range that SQLite reads from an index."""

from typing import Final

from contradance.operate.shortened_id import SHORTEST

_FIRST: Final = "\0"
_LAST: Final = "\U0010ffff"


def id_range(term: str) -> tuple[str, str]:
    """Return (first, end) of the half-open range of ids that equal a term or, from 8 characters on, begin with it."""
    return term, term + (_LAST if len(term) >= SHORTEST else _FIRST)
