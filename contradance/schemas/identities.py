"""Contracts as people name them: `library.loans/BookLent v1`, `BookLent v1`, `BookLent`."""

import re
from collections.abc import Iterable
from typing import Final

from contradance.errors import DeclarationError
from contradance.identity import Identity

_NAMED: Final = re.compile(r"(?:(?P<source>[^/\s]+)/)?(?P<detail_type>[^/\s]+)(?:[\s/]+v(?P<version>\d+))?")


def find(name: str, known: Iterable[Identity]) -> Identity:
    """Return the identity that `name` means: the newest version where it says none.

    Raises:
        DeclarationError: it means none of those known, or several.
    """
    known = [*known]
    said = _NAMED.fullmatch(name.strip())
    source, detail_type, version = said.group("source", "detail_type", "version") if said else (None, None, None)
    found = [
        one
        for one in known
        if one.detail_type == detail_type and source in (None, one.source) and version in (None, str(one.version))
    ]
    if len({one.source for one in found}) != 1:
        asked = "is more than one contract" if found else "is no contract known here"
        listed = ", ".join(map(str, sorted(found or known)))
        raise DeclarationError(f"{name!r} {asked}.\n  Name one of: {listed or 'none is there'}.")
    return max(found, key=lambda one: one.version)
