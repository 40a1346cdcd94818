"""The keys under which a field index can hold an alternative: every value that the alternative accepts has the key."""

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
"""The kinds of key: how to compute one from a value. PART: a few consecutive characters. LEAF: the key of every leaf."""

_LONGEST_PART = 8
_LONG_ENOUGH = 8


class IndexKey(NamedTuple):
    """A key under which a field index can hold one alternative of a field."""

    kind: int
    """One of the constants above."""

    size: int
    """Length of the key in characters, or in bits for a block; 0 when the kind has no length."""

    value: Hashable
    """The key itself."""

    conclusive: bool
    """Whether the alternative accepts every value that has the key."""

    @property
    def bounds(self) -> tuple[float, float]:
        """The two ends of an INTERVAL."""
        return cast("tuple[float, float]", self.value)

    @property
    def breadth(self) -> int:
        """A rough rank by how many values have the key; 0 is the fewest."""
        if self.kind in (EXACT, FOLDED):
            return 0
        if self.kind in (INTERVAL, LEAF):
            return self.kind + _LONG_ENOUGH
        return 1 + max(0, _LONG_ENOUGH - self.size)


ANY_LEAF = IndexKey(LEAF, 0, None, conclusive=False)
"""The key for an alternative that has no other key."""


def candidate_keys(alternatives: Alternatives) -> Iterator[list[IndexKey]]:
    """Yield, for each alternative of a field, the keys that can hold it."""
    for value in alternatives.keys:
        yield [IndexKey(EXACT, 0, value, conclusive=True)]
    for operator in alternatives.operators:
        yield list(_operator_keys(operator)) or [ANY_LEAF]


def _operator_keys(operator: Operator) -> Iterator[IndexKey]:
    """Yield the keys of which any one can hold an operator; none when it accepts leaves that share no key."""
    match operator:
        case Prefix(text=text) if text:
            yield IndexKey(PREFIX, len(text), text, conclusive=True)
        case Suffix(text=text) if text:
            yield IndexKey(SUFFIX, len(text), text, conclusive=True)
        case Interval():
            yield IndexKey(INTERVAL, 0, (operator.low, operator.high), conclusive=True)
        case Within(block=block):
            yield IndexKey(BLOCK, block.length, block.prefix, conclusive=False)
        case Wildcard(literals=literals):
            yield from _wildcard_keys(literals)
        case EqualsIgnoreCase(text=caseless):
            folded = caseless.folded
            if not isinstance(operator, (PrefixIgnoreCase, SuffixIgnoreCase)):
                yield IndexKey(FOLDED, 0, folded, conclusive=False)
            elif folded:
                kind = FOLDED_PREFIX if isinstance(operator, PrefixIgnoreCase) else FOLDED_SUFFIX
                yield IndexKey(kind, len(folded), folded, conclusive=False)


def _wildcard_keys(literals: tuple[str, ...]) -> Iterator[IndexKey]:
    """Yield keys for the first literal, the last literal, and the parts of each literal between them."""
    if len(literals) == 1:
        yield IndexKey(EXACT, 0, literals[0], conclusive=True)
        return
    if literals[0]:
        yield IndexKey(PREFIX, len(literals[0]), literals[0], conclusive=False)
    if literals[-1]:
        yield IndexKey(SUFFIX, len(literals[-1]), literals[-1], conclusive=False)
    for literal in literals[1:-1]:
        size = min(len(literal), _LONGEST_PART)
        for start in range(len(literal) - size + 1):
            yield IndexKey(PART, size, literal[start : start + size], conclusive=False)
