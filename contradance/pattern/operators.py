"""What one alternative of a field asks of one leaf: the operators of EventBridge's grammar.

Equality with a string, number, true, false or null is not here: `Alternatives` keeps those in one set. An IP address is
the exception: EventBridge compares a string that spells one with every other spelling of it, so it is a `Block` of one.
"""

import math
from typing import Protocol

from contradance.pattern import wildcard
from contradance.pattern.caseless import Caseless
from contradance.pattern.ip_address import Block
from contradance.pattern.scalar import comparable, key


class Operator(Protocol):
    """One alternative of a field."""

    def accepts(self, value: object) -> bool:
        """Whether a leaf of an event is what this alternative asks for."""


class Present:
    """`{"exists": true}`: any leaf, null and the empty string too."""

    __slots__ = ()

    def accepts(self, value: object) -> bool:  # noqa: ARG002 - a leaf is present, whatever it is
        """Say yes."""
        return True


class Prefix:
    """`{"prefix": text}`; the empty text is the beginning of every string."""

    __slots__ = ("text",)

    def __init__(self, text: str) -> None:
        self.text = text

    def accepts(self, value: object) -> bool:
        """Whether the leaf is a string that starts so."""
        return isinstance(value, str) and value.startswith(self.text)


class Suffix:
    """`{"suffix": text}`; the empty text is the end of every string."""

    __slots__ = ("text",)

    def __init__(self, text: str) -> None:
        self.text = text

    def accepts(self, value: object) -> bool:
        """Whether the leaf is a string that ends so."""
        return isinstance(value, str) and value.endswith(self.text)


class EqualsIgnoreCase:
    """`{"equals-ignore-case": text}`."""

    __slots__ = ("text",)

    def __init__(self, text: str) -> None:
        self.text = Caseless(text)

    def accepts(self, value: object) -> bool:
        """Whether the leaf is this string, but for case."""
        return isinstance(value, str) and self.text.equals(value)


class PrefixIgnoreCase(EqualsIgnoreCase):
    """`{"prefix": {"equals-ignore-case": text}}`."""

    __slots__ = ()

    def accepts(self, value: object) -> bool:
        """Whether the leaf is a string that starts so, but for case."""
        return isinstance(value, str) and self.text.starts(value)


class SuffixIgnoreCase(EqualsIgnoreCase):
    """`{"suffix": {"equals-ignore-case": text}}`."""

    __slots__ = ()

    def accepts(self, value: object) -> bool:
        """Whether the leaf is a string that ends so, but for case."""
        return isinstance(value, str) and self.text.ends(value)


class Wildcard:
    """`{"wildcard": text}`: the literals between its stars."""

    __slots__ = ("literals",)

    def __init__(self, literals: tuple[str, ...]) -> None:
        self.literals = literals

    def accepts(self, value: object) -> bool:
        """Whether the leaf is a string of this form."""
        return isinstance(value, str) and wildcard.matches(self.literals, value)


class Interval:
    """`{"numeric": [...]}`: the doubles from `low` to `high`, both included."""

    __slots__ = ("high", "low")

    def __init__(self, low: float, high: float, *, above: bool = False, below: bool = False) -> None:
        self.low = math.nextafter(low, math.inf) if above else low
        self.high = math.nextafter(high, -math.inf) if below else high

    def accepts(self, value: object) -> bool:
        """Whether the leaf is a number in the interval."""
        number = comparable(value)
        return number is not None and self.low <= number <= self.high


class Within:
    """`{"cidr": block}`, or a string that spells one IP address."""

    __slots__ = ("block",)

    def __init__(self, block: Block) -> None:
        self.block = block

    def accepts(self, value: object) -> bool:
        """Whether the leaf is a string that spells an address in the block."""
        return isinstance(value, str) and self.block.holds(value)


class AnythingBut:
    """`{"anything-but": ...}` of strings or numbers: any leaf but these."""

    __slots__ = ("keys",)

    def __init__(self, values: list[object]) -> None:
        self.keys = frozenset(map(key, values))

    def accepts(self, value: object) -> bool:
        """Whether the leaf is none of the values; a leaf of another type is not."""
        return key(value) not in self.keys


class AnythingButAny:
    """`{"anything-but": {operator: ...}}`: any leaf that none of the operators accepts."""

    __slots__ = ("operators",)

    def __init__(self, operators: list[Operator]) -> None:
        self.operators = tuple(operators)

    def accepts(self, value: object) -> bool:
        """Whether no operator accepts the leaf; none accepts a leaf that is no string."""
        return not any(operator.accepts(value) for operator in self.operators)
