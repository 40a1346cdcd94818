"""Searches a regular expression in a text."""

import re
from functools import lru_cache

from contradance.compatibility.change import CannotProveError


def searches(pattern: str, text: str) -> bool:
    """Whether `pattern` is found in `text`.

    Raises:
        CannotProveError: Python cannot compile it; Pydantic uses the dialect of Rust.
    """
    return _compiled(pattern).search(text) is not None


@lru_cache(maxsize=512)
def _compiled(pattern: str) -> re.Pattern[str]:
    try:
        return re.compile(pattern)
    except re.error as error:
        raise CannotProveError(f"the pattern {pattern!r}") from error
