"""Reads a pattern into branches: `$or` multiplied out, nested names joined with dots.

An event matches a pattern when it matches one branch, and a branch when every field of it matches. A field that one branch
spells twice (`a.b`, and `b` inside `a`) is set twice, and the later one counts, as on AWS.
"""

import json
from collections.abc import Iterator, Mapping

from contradance.pattern.alternatives import Alternatives
from contradance.pattern.grammar import invalid
from contradance.pattern.scalar import parse_number
from contradance.strictjson import refuse_nan_and_infinity

BranchFields = dict[str, Alternatives]
"""The fields of one branch, by dotted path."""

MAX_CHARACTERS = 4096
"""Longest event pattern, in characters. EventBridge API reference, PutRule; an account starts with a quota of 2,048."""

_MAX_READ = 4 * MAX_CHARACTERS
"""Longest text that is parsed. White space does not count towards MAX_CHARACTERS, but needs a limit too."""

MAX_DEPTH = 1000
"""Deepest nesting of objects in a pattern: the limit of Event Ruler's JSON reader."""

MAX_COMBINATIONS = 1000
"""Most branches of an event pattern: the lengths of all `$or` arrays, multiplied. EventBridge user guide, comparison operators."""

_OPERATORS = frozenset(
    ["anything-but", "cidr", "equals-ignore-case", "exactly", "exists", "numeric", "prefix", "suffix", "wildcard"]
)
_COMPARISONS = frozenset(["<", "<=", "=", ">", ">="])
_KEPT_FOR_DATES = frozenset(["date-after", "date-before", "date-on-or-after", "date-on-or-before", "in-date-range"])
_KEPT_FOR_TEXTS = frozenset(["not-equals-ignore-case", "not-wildcard", "regex"])
_KEPT_FOR_ADDRESSES = frozenset(["ip-address-in-range", "ip-address-not-in-range"])
RESERVED_INSIDE_OR = _OPERATORS | _COMPARISONS | _KEPT_FOR_DATES | _KEPT_FOR_TEXTS | _KEPT_FOR_ADDRESSES
"""Names that a field inside `$or` cannot have. An `$or` array whose objects have one of them is an ordinary field."""

_canonical = json.JSONEncoder(sort_keys=True, ensure_ascii=False, separators=(",", ":"), default=dict, allow_nan=False)
_as_written = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), default=dict, allow_nan=False)


_decoder = json.JSONDecoder(parse_float=parse_number, parse_constant=refuse_nan_and_infinity)


def load(text: str) -> Mapping[str, object]:
    """Parse the JSON object of a pattern, with the last of repeated names; raise `InvalidPattern` for another text."""
    if len(text) > _MAX_READ:
        raise invalid(f"The pattern is longer than {MAX_CHARACTERS} characters")
    try:
        pattern = _decoder.decode(text)
    except RecursionError as error:
        raise invalid("The pattern is nested too deeply") from error
    except ValueError as error:
        raise invalid(f"The pattern is not JSON: {error}") from error
    if not isinstance(pattern, dict):
        raise invalid("Filter is not an object")
    return pattern


class Reading:
    """One pattern, read: its branches and its canonical text."""

    def __init__(self, pattern: Mapping[str, object]) -> None:
        self._combinations = 1
        self._ordered = False
        self.branches = self._read(pattern, "", [{}], inside_or=False)
        self.canonical = self._encode(pattern)

    def _encode(self, pattern: Mapping[str, object]) -> str:
        """Return the pattern's canonical text; raise `InvalidPattern` if it is too long or nested too deeply."""
        encoder = _as_written if self._ordered else _canonical
        try:
            text = encoder.encode(pattern)
        except RecursionError as error:
            raise invalid("The pattern is nested too deeply") from error
        except ValueError as error:
            raise invalid("A number is too long") from error
        if len(text) > MAX_CHARACTERS:
            raise invalid(f"The pattern is longer than {MAX_CHARACTERS} characters")
        return text

    def _read(
        self, pattern: Mapping[str, object], prefix: str, branches: list[BranchFields], *, inside_or: bool
    ) -> list[BranchFields]:
        """Add the fields of an object to each branch, return the branches; raise `InvalidPattern` if it is invalid.

        Nested objects go on a stack, since a pattern may be 1,000 deep; `$or` recurses, but only ten deep at most.
        """
        stack = [(prefix, _fields_of(pattern, prefix))]
        while stack:
            prefix, items = stack[-1]
            for name, value in items:
                path = f"{prefix}{name}"
                if inside_or and name in RESERVED_INSIDE_OR:
                    raise invalid(f"{name} is a reserved field name which cannot be used inside $or", path)
                if isinstance(value, Mapping):
                    if inside_or and name == "$or":
                        raise invalid("It must be an Array followed with $or", path)
                    if len(stack) >= MAX_DEPTH:
                        raise invalid("The pattern is nested too deeply")
                    stack.append((f"{path}.", _fields_of(value, path)))
                    break
                branches = self._read_array(name, value, prefix, branches)
            else:
                stack.pop()
        return branches

    def _read_array(self, name: str, value: object, prefix: str, branches: list[BranchFields]) -> list[BranchFields]:
        """Add a field, or the members of an `$or`, to each branch, return the branches; `InvalidPattern` if invalid."""
        path = f"{prefix}{name}"
        if not isinstance(value, list | tuple):
            raise invalid(f'"{name}" must be an object or an array', path)
        if name == "$or":
            if _are_branches(value):
                return self._multiply(value, prefix, branches)
            if any(_is_branch(member) for member in value):
                raise invalid("There must have at least 2 Objects in $or relationship, no empty one, no operator", path)
        alternatives = Alternatives(value, path)
        for branch in branches:
            self._ordered |= path in branch
            branch[path] = alternatives
        return branches

    def _multiply(
        self,
        members: list[Mapping[str, object]] | tuple[Mapping[str, object], ...],
        prefix: str,
        base: list[BranchFields],
    ) -> list[BranchFields]:
        """Return each branch of `base` with each member of an `$or`; raise `InvalidPattern` for too many branches."""
        self._combinations *= len(members)
        if self._combinations > MAX_COMBINATIONS:
            raise invalid(f"$or makes more than {MAX_COMBINATIONS} rule combinations", f"{prefix}$or")
        return [
            branch
            for member in members
            for branch in self._read(member, prefix, [dict(branch) for branch in base], inside_or=True)
        ]


def _fields_of(pattern: Mapping[str, object], path: str) -> Iterator[tuple[str, object]]:
    """Return an iterator over (name, value) of an object; raise `InvalidPattern` if empty or a name is no string."""
    if not pattern:
        raise invalid("Empty objects are not allowed", path.removesuffix("."))
    for name in pattern:
        if not isinstance(name, str):
            raise invalid("Field names must be strings", path)
    return iter(pattern.items())


def _are_branches(members: list[object] | tuple[object, ...]) -> bool:
    """Return whether an `$or` array holds branches; with operators or leaves in it, `$or` is an ordinary field."""
    return len(members) > 1 and all(member and _is_branch(member) for member in members)


def _is_branch(member: object) -> bool:
    """Return whether a member of an `$or` array is an object of fields, not of operators."""
    return isinstance(member, Mapping) and RESERVED_INSIDE_OR.isdisjoint(member)
