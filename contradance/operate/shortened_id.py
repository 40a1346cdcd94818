"""Ids that are shortened to their beginnings, as search terms."""

from typing import Final

SHORTEST: Final = 8
"""Fewest characters of a shortened id: a search term with fewer must equal the whole id."""


def selects(term: str, whole: str) -> bool:
    """Whether a search term equals an id or, from 8 characters on, is its beginning."""
    return whole == term or (len(term) >= SHORTEST and whole.startswith(term))
