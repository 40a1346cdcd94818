"""JSON values, compared as JSON Schema compares them: 1 is 1.0, and true is not 1."""

import json
from collections.abc import Iterable, Mapping
from fractions import Fraction
from typing import Any, Final, Literal

JsonKind = Literal["null", "boolean", "number", "string", "array", "object"]
"""What a JSON value is; an integer is a number."""
KINDS: Final[tuple[JsonKind, ...]] = ("null", "boolean", "number", "string", "array", "object")
_LISTED: Final = 4
"""Values that a sentence names before it says how many more there are."""


def kind_of(value: object) -> JsonKind:
    """Return what a JSON value is."""
    match value:
        case None:
            return "null"
        case bool():
            return "boolean"
        case int() | float():
            return "number"
        case str():
            return "string"
        case Mapping():
            return "object"
        case _:
            return "array"


def exact(number: float) -> Fraction:
    """Return a JSON number as it is written: 0.1 is a tenth."""
    return Fraction(str(number))


def same(value: Any) -> str:
    """Return text that equal values have in common."""
    if isinstance(value, Mapping):
        return "{" + ",".join(f"{json.dumps(key)}:{same(value[key])}" for key in sorted(value)) + "}"
    if isinstance(value, list | tuple):
        return "[" + ",".join(map(same, value)) + "]"
    return str(exact(value)) if kind_of(value) == "number" else json.dumps(value)


def listed(values: Iterable[object]) -> str:
    """Say values of a schema in a sentence."""
    said = [json.dumps(value, ensure_ascii=False) for value in values]
    more = f" and {len(said) - _LISTED} more" if len(said) > _LISTED else ""
    return ", ".join(said[:_LISTED]) + more
