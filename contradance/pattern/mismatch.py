"""Why an event does not match a pattern: the field, the types that the event has there, and the wanted values."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from contradance.pattern.alternatives import Alternatives
from contradance.pattern.branch import PatternBranch
from contradance.pattern.leaves import leaves

_LONGEST_WANTED = 200
_NOT_PERSONAL = ("source", "detail-type")
"""Fields whose values are shown; all other values may be personal data."""


@dataclass(frozen=True, slots=True)
class Mismatch:
    """A field that does not match; with `$or`, a field of the branch with the fewest mismatches."""

    path: str
    """The field, with dots between the names."""

    held: str
    """The types of the event's leaves there ("a string", "nothing", "a number or null"); a value only of source and
    detail-type."""

    wanted: str
    """The alternatives of the pattern there, as JSON."""

    def __str__(self) -> str:
        return f"{self.path}: the event has {self.held}, the pattern requires {self.wanted}"


def closest_mismatch(branches: list[PatternBranch], event: Mapping[str, object]) -> Mismatch:
    """Return the first mismatch of an event with the branch that has the fewest; no branch may match the event."""
    failures = [_failing_fields(branch, event) for branch in branches]
    closest = min(range(len(branches)), key=lambda position: len(failures[position]))
    fields = branches[closest].fields
    if failures[closest]:
        path = failures[closest][0]
        return Mismatch(path, _types_held(event, path), _wanted_json(fields[path]))
    through_arrays = [path for path in fields if len(list(leaves(event, path))) != 1] or list(fields)
    return Mismatch(
        through_arrays[-1],
        "each wanted value, but in different elements of an array",
        f"{', '.join(through_arrays)} to match in the same element",
    )


def _failing_fields(branch: PatternBranch, event: Mapping[str, object]) -> list[str]:
    """Return the paths of a branch's fields that do not match an event, each checked alone."""
    return [path for path, wanted in branch.fields.items() if not PatternBranch({path: wanted}).matches(event)]


def _types_held(event: Mapping[str, object], path: str) -> str:
    """Return the types of the leaves that an event has at a path, as `a number or null`; `nothing` for none."""
    if path in _NOT_PERSONAL and isinstance(event.get(path), str):
        return json.dumps(event[path], ensure_ascii=False)
    return " or ".join(sorted({_type_of_leaf(leaf) for leaf in leaves(event, path)})) or "nothing"


def _type_of_leaf(leaf: object) -> str:
    """Return the JSON type of a leaf: `null`, `a boolean`, `a string` or `a number`."""
    if leaf is None:
        return "null"
    if isinstance(leaf, bool):
        return "a boolean"
    return "a string" if isinstance(leaf, str) else "a number"


def _wanted_json(alternatives: Alternatives) -> str:
    """Return a field's alternatives as JSON, cut at 200 characters."""
    text = json.dumps(alternatives.written, ensure_ascii=False, default=dict)
    return text if len(text) <= _LONGEST_WANTED else f"{text[: _LONGEST_WANTED - 3]}..."
