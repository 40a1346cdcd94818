"""Finds a contract by a full or short name: `library.loans/BookLent v1`, `BookLent v1`, `BookLent`."""

import re
from collections.abc import Iterable
from typing import Final

from contradance.errors import DeclarationError
from contradance.identity import Identity

_NAMED: Final = re.compile(r"(?:(?P<source>[^/\s]+)/)?(?P<detail_type>[^/\s]+)(?:[\s/]+v(?P<version>\d+))?")


def find_identity(name: str, known: Iterable[Identity]) -> Identity:
    """Return the identity that `name` matches, by default the newest; raise `DeclarationError` for none or two sources.

    Raises:
        DeclarationError: it matches none of `known`, or contracts of several sources.
    """
    known = [*known]
    found = matching_identities(name, known)
    if len({one.source for one in found}) != 1:
        problem = "matches more than one contract" if found else "is not a known contract"
        listed = ", ".join(map(str, sorted(found or known)))
        raise DeclarationError(f"{name!r} {problem}.\n  Name one of: {listed or 'there are none'}.")
    return max(found, key=lambda one: one.version)


def matching_identities(name: str, known: Iterable[Identity]) -> list[Identity]:
    """Return those of `known` that a full or short name matches, of any source and version that it does not name."""
    match = _NAMED.fullmatch(name.strip())
    source, detail_type, version = match.group("source", "detail_type", "version") if match else (None, None, None)
    return [
        one
        for one in known
        if one.detail_type == detail_type and source in (None, one.source) and version in (None, str(one.version))
    ]
