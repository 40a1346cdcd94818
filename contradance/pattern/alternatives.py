"""The array that a pattern gives a field: the leaves that will do, the operators, and whether absence will."""

import math
from collections.abc import Callable, Hashable, Mapping

from contradance.errors import InvalidPattern
from contradance.pattern import wildcard
from contradance.pattern.address import Block, parse, parse_block
from contradance.pattern.operators import (
    AnythingBut,
    AnythingButAny,
    EqualsIgnoreCase,
    Interval,
    Operator,
    Prefix,
    PrefixIgnoreCase,
    Present,
    Suffix,
    SuffixIgnoreCase,
    Wildcard,
    Within,
)
from contradance.pattern.scalar import comparable, key

_PRESENT = Present()


class Alternatives:
    """What one field may be: any of `keys`, what any of `operators` accepts, or, when `absent`, nothing at all."""

    __slots__ = ("absent", "keys", "operators", "written")

    def __init__(self, written: list[object] | tuple[object, ...], path: str) -> None:
        self.written = written
        self.absent = False
        self.operators: list[Operator] = []
        keys: list[Hashable] = []
        for position, alternative in enumerate(written):
            if isinstance(alternative, str):
                address = parse(alternative) if "." in alternative or ":" in alternative else None
                if address is None:
                    keys.append(alternative)
                else:
                    self.operators.append(Within(Block(address, address.width)))
            elif isinstance(alternative, Mapping):
                self._read(alternative, f"{path}[{position}]", keys)
            else:
                _demand_leaf(alternative, f"{path}[{position}]")
                keys.append(key(alternative))
        if not written:
            raise invalid("Empty arrays are not allowed", path)
        self.keys = frozenset(keys)

    def accepts(self, value: object) -> bool:
        """Whether a leaf of an event is one of the alternatives."""
        keys = self.keys
        if keys and (value if type(value) is str else key(value)) in keys:
            return True
        for operator in self.operators:  # noqa: SIM110 - a loop is twice as fast as any()
            if operator.accepts(value):
                return True
        return False

    @property
    def optional(self) -> bool:
        """Whether absence is one alternative among others."""
        return self.absent and bool(self.keys or self.operators)

    def _read(self, written: Mapping[object, object], path: str, keys: list[Hashable]) -> None:
        if len(written) != 1:
            raise invalid("Only one key allowed in match expression", path)
        ((name, argument),) = written.items()
        if name == "exists":
            if argument is False:
                self.absent = True
                return
            if argument is not True:
                raise invalid("exists match pattern must be either true or false", path)
            self.operators.append(_PRESENT)
        elif name == "exactly":
            keys.append(_text(argument, "exactly", path))
        elif isinstance(name, str) and name in _READERS:
            operator = _READERS[name](argument, f"{path}.{name}")
            if isinstance(operator, float):
                keys.append(operator)
            else:
                self.operators.append(operator)
        else:
            raise invalid(f"Unrecognized match type {name}", path)


def invalid(reason: str, path: str) -> InvalidPattern:
    """The error for the part of a pattern at `path`, in AWS's words."""
    where = f" (at {path})" if path else ""
    return InvalidPattern(f"Event pattern is not valid. Reason: {reason}{where}")


def _demand_leaf(value: object, path: str) -> None:
    if value is not None and not isinstance(value, bool | int | float):
        raise invalid("Match value must be String, number, true, false, or null", path)
    if isinstance(value, float) and not math.isfinite(value):
        raise invalid("A number is too large, or is no number", path)


def _text(value: object, name: str, path: str) -> str:
    if not isinstance(value, str):
        raise invalid(f"{name} match pattern must be a string", path)
    return value


def _ignoring_case(argument: object, path: str) -> str | None:
    """The text of the `{"equals-ignore-case": text}` inside a prefix or suffix; None when there is none."""
    if not isinstance(argument, Mapping):
        return None
    if list(argument) != ["equals-ignore-case"]:
        raise invalid(f"Unsupported pattern: {', '.join(map(str, argument)) or 'an empty object'}", path)
    return _text(argument["equals-ignore-case"], "equals-ignore-case", path)


def _prefix(argument: object, path: str) -> Operator:
    caseless = _ignoring_case(argument, path)
    return Prefix(_text(argument, "prefix", path)) if caseless is None else PrefixIgnoreCase(caseless)


def _suffix(argument: object, path: str) -> Operator:
    caseless = _ignoring_case(argument, path)
    return Suffix(_text(argument, "suffix", path)) if caseless is None else SuffixIgnoreCase(caseless)


def _equals_ignore_case(argument: object, path: str) -> Operator:
    return EqualsIgnoreCase(_text(argument, "equals-ignore-case", path))


def _wildcard(argument: object, path: str) -> Operator:
    try:
        literals = wildcard.read(_text(argument, "wildcard", path))
    except ValueError as error:
        raise invalid(str(error), path) from error
    if len(literals) > 2 and wildcard.complexity(literals) >= wildcard.MAX_COMPLEXITY:  # noqa: PLR2004 - one star
        raise invalid(
            "Rule is too complex - try using fewer wildcard characters or fewer repeating character sequences "
            "after a wildcard character",
            path,
        )
    return Wildcard(literals)


def _cidr(argument: object, path: str) -> Operator:
    try:
        return Within(parse_block(_text(argument, "cidr", path)))
    except ValueError as error:
        raise invalid(str(error), path) from error


def _number(value: object, path: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise invalid("Value of a numeric comparison must be numeric", path)
    number = comparable(value)
    if number is None:
        raise invalid("Cannot compare number", path)
    return number


def _numeric(argument: object, path: str) -> Operator | float:
    match argument:
        case ["=", value]:
            return _number(value, path)
        case [("<" | "<=") as upper, value]:
            return Interval(-math.inf, _number(value, path), below=upper == "<")
        case [(">" | ">=") as lower, value]:
            return Interval(_number(value, path), math.inf, above=lower == ">")
        case [(">" | ">=") as lower, bottom, ("<" | "<=") as upper, top]:
            low, high = _number(bottom, path), _number(top, path)
            if low >= high:
                raise invalid("Bottom must be less than top", path)
            return Interval(low, high, above=lower == ">", below=upper == "<")
        case list() | tuple():
            raise invalid("A numeric comparison is an operator and a number, or a lower bound and an upper one", path)
        case _:
            raise invalid("Value of numeric must be an array", path)


def _anything_but(argument: object, path: str) -> Operator:
    if isinstance(argument, Mapping):
        if len(argument) != 1:
            raise invalid("Only one key allowed in match expression", path)
        ((name, nested),) = argument.items()
        reader = _NESTED_IN_ANYTHING_BUT.get(name) if isinstance(name, str) else None
        if reader is None:
            raise invalid(f"Unsupported anything-but pattern: {name}", path)
        texts = nested if isinstance(nested, list | tuple) else [nested]
        if not texts:
            raise invalid("Empty arrays are not allowed", f"{path}.{name}")
        if name in ("prefix", "suffix") and "" in texts:
            raise invalid("Null prefix/suffix not allowed", f"{path}.{name}")
        return AnythingButAny([reader(_text(text, name, f"{path}.{name}"), f"{path}.{name}") for text in texts])
    values = argument if isinstance(argument, list | tuple) else [argument]
    if values and all(isinstance(value, str) for value in values):
        return AnythingBut(list(values))
    if not values or any(isinstance(value, bool) or not isinstance(value, str | int | float) for value in values):
        raise invalid("Value of anything-but must be a string, a number, or an array of either", path)
    if any(isinstance(value, str) for value in values):
        raise invalid(
            "Inside anything but list, either all values are number or string, mixed type is not supported", path
        )
    return AnythingBut([_number(value, path) for value in values])


_NESTED_IN_ANYTHING_BUT: dict[str, Callable[[object, str], Operator]] = {
    "equals-ignore-case": _equals_ignore_case,
    "prefix": _prefix,
    "suffix": _suffix,
    "wildcard": _wildcard,
}
_READERS: dict[str, Callable[[object, str], Operator | float]] = {
    **_NESTED_IN_ANYTHING_BUT,
    "anything-but": _anything_but,
    "cidr": _cidr,
    "numeric": _numeric,
}
