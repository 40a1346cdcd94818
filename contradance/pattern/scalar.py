"""A leaf of an event: a string, a number, true, false or null, and when two of them are the same.

Numbers are the same when their values are, however they are written: 300, 300.0 and 3.0e2. Every number that a double
holds is compared as that double; an integer beyond is compared exactly, and is out of reach of `numeric` ranges, as it
is for EventBridge ("Cannot compare number").
"""

import math
from collections.abc import Hashable
from decimal import Decimal

LEAVES = frozenset([str, int, float, bool, Decimal, type(None)])
"""The types that a leaf of a parsed JSON document has. A subclass of one of them is a leaf too."""

_TRUE = ("true",)
_FALSE = ("false",)
_OPAQUE = ("not JSON",)
_EVERY_INTEGER_IS_A_DOUBLE = 2**53


class Inexact(float):
    """A number in a pattern's text with more digits than a double holds: it can be matched, but not ordered."""


def parse_number(literal: str) -> float:
    """Read a JSON number with a fraction or an exponent, marked as `Inexact` when digits were lost."""
    number = float(literal)
    try:
        exact = math.isfinite(number) and Decimal(repr(number)) == Decimal(literal)
    except ArithmeticError:  # an exponent beyond what a Decimal holds
        exact = False
    return number if exact else Inexact(number)


def comparable(value: object) -> float | None:
    """Find the double by which `numeric` compares a value; None when it is no number, or one that no double holds."""
    kind = type(value)
    if kind is float:
        return value if math.isfinite(value) else None  # type: ignore[arg-type, return-value]
    if kind is int and -_EVERY_INTEGER_IS_A_DOUBLE <= value <= _EVERY_INTEGER_IS_A_DOUBLE:  # type: ignore[operator]
        return float(value)  # type: ignore[arg-type]
    if isinstance(value, (bool, Inexact)) or not isinstance(value, (int, float, Decimal)):
        return None
    try:
        number = float(value)
    except (OverflowError, ValueError):
        return None
    return number if math.isfinite(number) and Decimal(repr(number)) == value else None


def key(value: object) -> Hashable:
    """Make what stands for a leaf in sets and dictionaries: two leaves are the same exactly when their keys are equal."""
    kind = type(value)
    if kind is str or value is None:
        return value
    if kind is bool:
        return _TRUE if value else _FALSE
    number = float(value) if kind is Inexact else comparable(value)  # type: ignore[arg-type]
    if number is not None:
        return number
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, int) or (isinstance(value, Decimal) and value.is_finite()):
        return ("number", value)
    return _OPAQUE
