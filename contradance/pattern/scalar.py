"""Leaves of an event (string, number, true, false or null), and when two of them are equal.

Numbers are equal when their values are, in any spelling: 300, 300.0 and 3.0e2. A number that a double holds is compared as
that double. A larger integer is compared exactly, and no `numeric` range can contain it: EventBridge refuses such a bound
("Cannot compare number").
"""

import math
from collections.abc import Hashable
from decimal import Decimal

LEAVES = frozenset([str, int, float, bool, Decimal, type(None)])
"""The types of a leaf in a parsed JSON document. An instance of a subclass is also a leaf."""

_TRUE = ("true",)
_FALSE = ("false",)
_OPAQUE = ("not JSON",)
_EVERY_INTEGER_IS_A_DOUBLE = 2**53


class Inexact(float):
    """A number in a pattern's text with more digits than a double holds: it can be equal, but has no order."""


def parse_number(literal: str) -> float:
    """Parse a JSON number with a fraction or an exponent; return an `Inexact` when digits are lost."""
    number = float(literal)
    try:
        exact = math.isfinite(number) and Decimal(repr(number)) == Decimal(literal)
    except ArithmeticError:  # an exponent beyond what a Decimal holds
        exact = False
    return number if exact else Inexact(number)


def as_double(value: object) -> float | None:
    """Return the double by which `numeric` compares a value; None when it is not a number, or no double holds it."""
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


def leaf_key(value: object) -> Hashable:
    """Return a hashable key of a leaf: two leaves are equal exactly when their keys are equal."""
    kind = type(value)
    if kind is str or value is None:
        return value
    if kind is bool:
        return _TRUE if value else _FALSE
    number = float(value) if kind is Inexact else as_double(value)  # type: ignore[arg-type]
    if number is not None:
        return number
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, int) or (isinstance(value, Decimal) and value.is_finite()):
        return ("number", value)
    return _OPAQUE
