"""Searches a regular expression in a text."""

import re
from functools import lru_cache

from contradance.compatibility.change import CannotProveError


def search_pattern(pattern: str, text: str) -> bool:
    """Whether `pattern` is found in `text`; raise `CannotProveError` when Python cannot compile it.

    Raises:
        CannotProveError: Python cannot compile it; Pydantic uses the dialect of Rust.
    """
    return _compile(pattern).search(text) is not None


@lru_cache(maxsize=512)
def _compile(pattern: str) -> re.Pattern[str]:
    """Return the compiled pattern, from a cache; raise `CannotProveError` when Python cannot compile it."""
    try:
        return re.compile(pattern)
    except (re.error, OverflowError) as error:
        raise CannotProveError(f"the pattern {pattern!r}") from error
