"""Where an alternative of a field can be filed: the keys under which a value that it accepts will be found."""

from collections.abc import Hashable, Iterator
from typing import NamedTuple, cast

from contradance.pattern.alternatives import Alternatives
from contradance.pattern.operators import (
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

EXACT, PREFIX, SUFFIX, PART, FOLDED, FOLDED_PREFIX, FOLDED_SUFFIX, BLOCK, INTERVAL, LEAF = range(10)
"""The kinds of key: how one is made from a value. PART is any few characters of a text, LEAF is for every leaf."""

_LONGEST_PART = 8
_LONG_ENOUGH = 8


class IndexKey(NamedTuple):
    """Where one alternative of a field can be filed."""

    kind: int
    """How the key is made from a value: one of the constants above."""

    size: int
    """Length of the key, in characters or, of a block, in bits; 0 where it does not matter."""

    value: Hashable
    """What is looked up."""

    enough: bool
    """Whether the alternative accepts every value that is found under the key."""

    @property
    def ends(self) -> tuple[float, float]:
        """The value of an INTERVAL."""
        return cast("tuple[float, float]", self.value)

    @property
    def likely(self) -> int:
        """A rough order of keys by how many values they find."""
        if self.kind in (EXACT, FOLDED):
            return 0
        if self.kind in (INTERVAL, LEAF):
            return self.kind + _LONG_ENOUGH
        return 1 + max(0, _LONG_ENOUGH - self.size)


ANY_LEAF = IndexKey(LEAF, 0, None, enough=False)
"""The key of last resort."""


def keys(alternatives: Alternatives) -> Iterator[list[IndexKey]]:
    """Go through the alternatives of a field: for each, the keys that it can be filed under."""
    for value in alternatives.keys:
        yield [IndexKey(EXACT, 0, value, enough=True)]
    for operator in alternatives.operators:
        yield list(_operator_keys(operator)) or [ANY_LEAF]


def _operator_keys(operator: Operator) -> Iterator[IndexKey]:
    match operator:
        case Prefix(text=text) if text:
            yield IndexKey(PREFIX, len(text), text, enough=True)
        case Suffix(text=text) if text:
            yield IndexKey(SUFFIX, len(text), text, enough=True)
        case Interval():
            yield IndexKey(INTERVAL, 0, (operator.low, operator.high), enough=True)
        case Within(block=block):
            yield IndexKey(BLOCK, block.length, block.prefix, enough=False)
        case Wildcard(literals=literals):
            yield from _wildcard_keys(literals)
        case EqualsIgnoreCase(text=caseless):
            folded = caseless.folded
            if not isinstance(operator, (PrefixIgnoreCase, SuffixIgnoreCase)):
                yield IndexKey(FOLDED, 0, folded, enough=False)
            elif folded:
                kind = FOLDED_PREFIX if isinstance(operator, PrefixIgnoreCase) else FOLDED_SUFFIX
                yield IndexKey(kind, len(folded), folded, enough=False)


def _wildcard_keys(literals: tuple[str, ...]) -> Iterator[IndexKey]:
    """Its beginning, its end, and the first few characters from every place inside it."""
    if len(literals) == 1:
        yield IndexKey(EXACT, 0, literals[0], enough=True)
        return
    if literals[0]:
        yield IndexKey(PREFIX, len(literals[0]), literals[0], enough=False)
    if literals[-1]:
        yield IndexKey(SUFFIX, len(literals[-1]), literals[-1], enough=False)
    for literal in literals[1:-1]:
        size = min(len(literal), _LONGEST_PART)
        for start in range(len(literal) - size + 1):
            yield IndexKey(PART, size, literal[start : start + size], enough=False)
