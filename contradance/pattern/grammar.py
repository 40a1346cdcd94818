"""Reads the operators of a pattern: checks the argument of each, and refuses it in AWS's words."""

import math
from collections.abc import Callable, Mapping

from contradance.errors import InvalidPattern
from contradance.pattern import wildcard
from contradance.pattern.ip_address import parse_block
from contradance.pattern.operators import (
    AnythingBut,
    AnythingButAny,
    EqualsIgnoreCase,
    Interval,
    Operator,
    Prefix,
    PrefixIgnoreCase,
    Suffix,
    SuffixIgnoreCase,
    Wildcard,
    Within,
)
from contradance.pattern.scalar import as_double


def invalid(reason: str, path: str = "") -> InvalidPattern:
    """Return the error for the part of a pattern at `path`, in AWS's words."""
    where = f" (at {path})" if path else ""
    return InvalidPattern(f"Event pattern is not valid. Reason: {reason}{where}")


def require_text(value: object, name: str, path: str) -> str:
    """Return `value`, the argument of the operator `name`; raise `InvalidPattern` when it is not a string."""
    if not isinstance(value, str):
        raise invalid(f"{name} match pattern must be a string", path)
    return value


def _read_caseless(argument: object, path: str) -> str | None:
    """Return the text in `{"equals-ignore-case": text}`; None if not an object; `InvalidPattern` for another object."""
    if not isinstance(argument, Mapping):
        return None
    if list(argument) != ["equals-ignore-case"]:
        raise invalid(f"Unsupported pattern: {', '.join(map(str, argument)) or 'an empty object'}", path)
    return require_text(argument["equals-ignore-case"], "equals-ignore-case", path)


def _read_prefix(argument: object, path: str) -> Operator:
    """Return the operator of `prefix`: a text, or an `equals-ignore-case`; raise `InvalidPattern` for others."""
    caseless = _read_caseless(argument, path)
    return Prefix(require_text(argument, "prefix", path)) if caseless is None else PrefixIgnoreCase(caseless)


def _read_suffix(argument: object, path: str) -> Operator:
    """Return the operator of `suffix`: a text, or an `equals-ignore-case`; raise `InvalidPattern` for others."""
    caseless = _read_caseless(argument, path)
    return Suffix(require_text(argument, "suffix", path)) if caseless is None else SuffixIgnoreCase(caseless)


def _read_equals_ignore_case(argument: object, path: str) -> Operator:
    """Return the operator of `equals-ignore-case`; raise `InvalidPattern` when its argument is not a text."""
    return EqualsIgnoreCase(require_text(argument, "equals-ignore-case", path))


def _read_wildcard(argument: object, path: str) -> Operator:
    """Return the operator of `wildcard`; raise `InvalidPattern` if it is not a text, invalid or too complex for AWS."""
    try:
        literals = wildcard.read(require_text(argument, "wildcard", path))
    except ValueError as error:
        raise invalid(str(error), path) from error
    if wildcard.is_too_complex(literals):
        raise invalid(
            "Rule is too complex - try using fewer wildcard characters or fewer repeating character sequences "
            "after a wildcard character",
            path,
        )
    return Wildcard(literals)


def _read_cidr(argument: object, path: str) -> Operator:
    """Return the operator of `cidr`, a block of IP addresses; raise `InvalidPattern`, in AWS's words, for another."""
    try:
        return Within(parse_block(require_text(argument, "prefix", path)))
    except ValueError as error:
        raise invalid(str(error), path) from error


def _require_number(value: object, path: str) -> float:
    """Return `value` as the double to compare with; `InvalidPattern` if it is no number, or no double holds it."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise invalid("Value of a numeric comparison must be numeric", path)
    number = as_double(value)
    if number is None:
        raise invalid("Cannot compare number", path)
    return number


def _read_numeric(argument: object, path: str) -> Operator | float:
    """Return the interval of `numeric`, or the one number of `=`; raise `InvalidPattern` for another argument."""
    match argument:
        case ["=", value]:
            return _require_number(value, path)
        case [("<" | "<=") as upper, value]:
            return Interval(-math.inf, _require_number(value, path), below=upper == "<")
        case [(">" | ">=") as lower, value]:
            return Interval(_require_number(value, path), math.inf, above=lower == ">")
        case [(">" | ">=") as lower, bottom, ("<" | "<=") as upper, top]:
            low, high = _require_number(bottom, path), _require_number(top, path)
            if low >= high:
                raise invalid("Bottom must be less than top", path)
            return Interval(low, high, above=lower == ">", below=upper == "<")
        case list() | tuple():
            raise invalid("A numeric comparison is an operator and a number, or a lower bound and an upper one", path)
        case _:
            raise invalid("Value of numeric must be an array", path)


def _read_anything_but(argument: object, path: str) -> Operator:
    """Return the operator of `anything-but`: texts, numbers, or one operator; raise `InvalidPattern` for others."""
    if isinstance(argument, Mapping):
        return _read_anything_but_operator(argument, path)
    values = argument if isinstance(argument, list | tuple) else [argument]
    if values and all(isinstance(value, str) for value in values):
        return AnythingBut(list(values))
    if not values or any(isinstance(value, bool) or not isinstance(value, str | int | float) for value in values):
        raise invalid("Value of anything-but must be a string, a number, or an array of either", path)
    if any(isinstance(value, str) for value in values):
        raise invalid(
            "Inside anything but list, either all values are number or string, mixed type is not supported", path
        )
    return AnythingBut([_require_number(value, path) for value in values])


def _read_anything_but_operator(argument: Mapping[object, object], path: str) -> Operator:
    """Return the `anything-but` of one operator and its text or texts; raise `InvalidPattern` for another object."""
    if len(argument) != 1:
        raise invalid("Only one key allowed in match expression", path)
    ((name, nested),) = argument.items()
    reader = _NESTED_IN_ANYTHING_BUT.get(name) if isinstance(name, str) else None
    if reader is None:
        raise invalid(f"Unsupported anything-but pattern: {name}", path)
    texts, inner = nested if isinstance(nested, list | tuple) else [nested], f"{path}.{name}"
    if not texts:
        raise invalid("Empty arrays are not allowed", inner)
    if name in ("prefix", "suffix") and "" in texts:
        raise invalid("Null prefix/suffix not allowed", inner)
    return AnythingButAny([reader(require_text(each, str(name), inner), inner) for each in texts])


_NESTED_IN_ANYTHING_BUT: dict[str, Callable[[object, str], Operator]] = {
    "equals-ignore-case": _read_equals_ignore_case,
    "prefix": _read_prefix,
    "suffix": _read_suffix,
    "wildcard": _read_wildcard,
}
READERS: dict[str, Callable[[object, str], Operator | float]] = {
    **_NESTED_IN_ANYTHING_BUT,
    "anything-but": _read_anything_but,
    "cidr": _read_cidr,
    "numeric": _read_numeric,
}
"""Functions by operator name: each takes the argument and returns an operator, or the one number that matches."""
