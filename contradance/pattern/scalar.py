"""A leaf of an event: a string, a number, true, false or null, and when two of them are the same.

Numbers are the same when their values are, however they are written: 300, 300.0 and 3.0e2. Every number that a double
holds is compared as that double; an integer beyond is compared exactly, and is out of reach of `numeric` ranges, as it
is for EventBridge ("Cannot compare number").
"""

import math
from collections.abc import Hashable
from decimal import Decimal

Leaf = str | int | float | bool | Decimal | None
"""What the leaf of a parsed JSON document can be."""

_TRUE = ("true",)
_FALSE = ("false",)
_OPAQUE = ("not JSON",)
_EVERY_INTEGER_IS_A_DOUBLE = 2**53


class Inexact(float):
    """A number in a pattern's text with more digits than a double holds: it can be matched, but not ordered."""


def parse_number(literal: str) -> float:
    """The float of a JSON number with a fraction or an exponent, marked when digits were lost."""
    number = float(literal)
    if math.isinf(number) or Decimal(repr(number)) != Decimal(literal):
        return Inexact(number)
    return number


def comparable(value: object) -> float | None:
    """The double by which `numeric` compares a value; None when it is no number, or one that no double holds."""
    kind = type(value)
    if kind is float:
        return value if math.isfinite(value) else None  # type: ignore[arg-type, return-value]
    if kind is int and -_EVERY_INTEGER_IS_A_DOUBLE <= value <= _EVERY_INTEGER_IS_A_DOUBLE:  # type: ignore[operator]
        return float(value)  # type: ignore[arg-type]
    if isinstance(value, bool | Inexact) or not isinstance(value, int | float | Decimal):
        return None
    try:
        number = float(value)
    except (OverflowError, ValueError):
        return None
    return number if math.isfinite(number) and Decimal(repr(number)) == value else None


def key(value: object) -> Hashable:
    """What stands for a leaf in sets and dictionaries: two leaves are the same exactly when their keys are equal."""
    kind = type(value)
    if kind is str or value is None:
        return value
    if kind is bool:
        return _TRUE if value else _FALSE
    number = comparable(value)
    if number is not None:
        return number
    if isinstance(value, Inexact):
        return float(value)
    if isinstance(value, str):
        return str.__str__(value)
    return ("number", value) if isinstance(value, int | Decimal) and value == value else _OPAQUE  # noqa: PLR0124 - a NaN is no JSON
