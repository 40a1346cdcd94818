"""Ids that are shortened to their beginnings: a search may find several, an action takes one."""

from collections.abc import Iterable
from itertools import islice
from typing import Final

from contradance.errors import OperateError

SHORTEST: Final = 8
"""Fewest characters of a shortened id: a search term with fewer must equal the whole id."""
CANDIDATES: Final = 10
"""Most ids that the refusal of an ambiguous beginning lists."""


def selects(term: str, whole: str) -> bool:
    """Whether a search term equals an id or, from 8 characters on, is its beginning."""
    return whole == term or (len(term) >= SHORTEST and whole.startswith(term))


def whole_id(term: str, known: Iterable[str]) -> str:
    """Return the id that `term` is, else the only one that it begins; `term` itself if it selects none.

    Raises:
        OperateError: several of the `known` ids begin with it; the message lists them.
    """
    selected = sorted({one for one in known if selects(term, one)})
    if term in selected or not selected:
        return term
    if len(selected) > 1:
        listed = ", ".join(islice(selected, CANDIDATES)) + (", ..." if len(selected) > CANDIDATES else "")
        raise OperateError(f"{term!r} is the beginning of several ids.\n  Name one of them whole: {listed}")
    return selected[0]
