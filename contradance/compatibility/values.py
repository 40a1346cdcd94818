"""Compares JSON values by the rules of JSON Schema: 1 equals 1.0, and true does not equal 1."""

import json
from collections.abc import Iterable, Mapping
from fractions import Fraction
from math import isfinite
from typing import Any, Final, Literal

from contradance.errors import InvalidSchema

JsonKind = Literal["null", "boolean", "number", "string", "array", "object"]
"""The kind of a JSON value; an integer is a number."""
KINDS: Final[tuple[JsonKind, ...]] = ("null", "boolean", "number", "string", "array", "object")
_LISTED: Final = 4
"""Most values that a message lists before it gives the number of the others."""


def kind_of(value: object) -> JsonKind:
    """Return the kind of a JSON value: `number` for an integer, `array` for anything that is no other kind."""
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


def to_fraction(number: float) -> Fraction:
    """Return the exact value of a JSON number as it is written: 0.1 is a tenth; raise `InvalidSchema` if not finite.

    Raises:
        InvalidSchema: it is NaN or infinite, which Python writes and JSON does not have.
    """
    if not isfinite(number):
        raise InvalidSchema(f"the schema has the number {number}, which JSON does not have.\n  Write another number.")
    return Fraction(str(number))


def equality_key(value: Any) -> str:
    """Return a text that is the same for equal JSON values only: `1` for 1 and for 1.0."""
    if isinstance(value, Mapping):
        return "{" + ",".join(f"{json.dumps(key)}:{equality_key(value[key])}" for key in sorted(value)) + "}"
    if isinstance(value, list | tuple):
        return "[" + ",".join(map(equality_key, value)) + "]"
    return str(to_fraction(value)) if kind_of(value) == "number" else json.dumps(value)


def format_values(values: Iterable[object]) -> str:
    """Return values as a list for a message: `1, 2, 3, 4 and 2 more`."""
    texts = [json.dumps(value, ensure_ascii=False) for value in values]
    more = f" and {len(texts) - _LISTED} more" if len(texts) > _LISTED else ""
    return ", ".join(texts[:_LISTED]) + more
