"""The operators of EventBridge's pattern grammar: each decides whether it accepts one leaf of an event.

Equality with a string, number, true, false or null is not an operator: `Alternatives` keeps those values in one set. The
exception is an IP address: EventBridge compares its value, not its spelling, so it is a block of one address.
"""

import math
from typing import Protocol

from contradance.pattern import wildcard
from contradance.pattern.caseless import Caseless
from contradance.pattern.ip_address import Block
from contradance.pattern.scalar import as_double, leaf_key


class Operator(Protocol):
    """One alternative of a field that is not a plain value."""

    def accepts(self, value: object) -> bool:
        """Return whether a leaf of an event matches."""
        ...


class Present:
    """`{"exists": true}`: any leaf, also null and the empty string."""

    __slots__ = ()

    def accepts(self, value: object) -> bool:  # noqa: ARG002 - every leaf is present
        """Return True."""
        return True


class Prefix:
    """`{"prefix": text}`; the empty text matches every string."""

    __slots__ = ("text",)

    def __init__(self, text: str) -> None:
        self.text = text

    def accepts(self, value: object) -> bool:
        """Return whether the leaf is a string that starts with the text."""
        return isinstance(value, str) and value.startswith(self.text)


class Suffix:
    """`{"suffix": text}`; the empty text matches every string."""

    __slots__ = ("text",)

    def __init__(self, text: str) -> None:
        self.text = text

    def accepts(self, value: object) -> bool:
        """Return whether the leaf is a string that ends with the text."""
        return isinstance(value, str) and value.endswith(self.text)


class EqualsIgnoreCase:
    """`{"equals-ignore-case": text}`."""

    __slots__ = ("text",)

    def __init__(self, text: str) -> None:
        self.text = Caseless(text)

    def accepts(self, value: object) -> bool:
        """Return whether the leaf is a string that equals the text, ignoring case."""
        return isinstance(value, str) and self.text.equals(value)


class PrefixIgnoreCase(EqualsIgnoreCase):
    """`{"prefix": {"equals-ignore-case": text}}`."""

    __slots__ = ()

    def accepts(self, value: object) -> bool:
        """Return whether the leaf is a string that starts with the text, ignoring case."""
        return isinstance(value, str) and self.text.starts(value)


class SuffixIgnoreCase(EqualsIgnoreCase):
    """`{"suffix": {"equals-ignore-case": text}}`."""

    __slots__ = ()

    def accepts(self, value: object) -> bool:
        """Return whether the leaf is a string that ends with the text, ignoring case."""
        return isinstance(value, str) and self.text.ends(value)


class Wildcard:
    """`{"wildcard": text}`; `literals` are the texts between its stars."""

    __slots__ = ("literals",)

    def __init__(self, literals: tuple[str, ...]) -> None:
        self.literals = literals

    def accepts(self, value: object) -> bool:
        """Return whether the leaf is a string that matches the wildcard."""
        return isinstance(value, str) and wildcard.matches(self.literals, value)


class Interval:
    """`{"numeric": [...]}`: the doubles from `low` to `high`, both included."""

    __slots__ = ("high", "low")

    def __init__(self, low: float, high: float, *, above: bool = False, below: bool = False) -> None:
        self.low = math.nextafter(low, math.inf) if above else low
        self.high = math.nextafter(high, -math.inf) if below else high

    def accepts(self, value: object) -> bool:
        """Return whether the leaf is a number in the interval."""
        number = as_double(value)
        return number is not None and self.low <= number <= self.high


class Within:
    """`{"cidr": block}`, or a string that spells one IP address."""

    __slots__ = ("block",)

    def __init__(self, block: Block) -> None:
        self.block = block

    def accepts(self, value: object) -> bool:
        """Return whether the leaf is a string that spells an address in the block."""
        return isinstance(value, str) and self.block.holds(value)


class AnythingBut:
    """`{"anything-but": ...}` with strings or numbers: any other leaf."""

    __slots__ = ("keys",)

    def __init__(self, values: list[object]) -> None:
        self.keys = frozenset(map(leaf_key, values))

    def accepts(self, value: object) -> bool:
        """Return whether the leaf equals none of the values; a leaf of another type equals none."""
        return leaf_key(value) not in self.keys


class AnythingButAny:
    """`{"anything-but": {operator: ...}}`: any leaf that none of the operators accepts."""

    __slots__ = ("operators",)

    def __init__(self, operators: list[Operator]) -> None:
        self.operators = tuple(operators)

    def accepts(self, value: object) -> bool:
        """Return whether no operator accepts the leaf; none accepts a leaf that is not a string."""
        return not any(operator.accepts(value) for operator in self.operators)
