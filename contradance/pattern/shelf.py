"""Where the rules are filed that a rule index looks for by the value of one field."""

from collections.abc import Hashable, Iterator
from typing import NamedTuple

from contradance.pattern import address
from contradance.pattern.alternatives import Alternatives
from contradance.pattern.branch import Branch, Test
from contradance.pattern.caseless import fold
from contradance.pattern.intervals import Intervals
from contradance.pattern.leaves import reader
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
from contradance.pattern.scalar import comparable, key

_LONGEST_PART = 8
_ADDRESS_BITS = 128

EXACT, PREFIX, SUFFIX, PART, FOLDED, FOLDED_PREFIX, FOLDED_SUFFIX, BLOCK, INTERVAL, LEAF = range(10)


class Filed(NamedTuple):
    """A branch of a rule on a shelf, and what is left to test once it is found there; None is nothing."""

    rule: str
    test: Test | None
    branch: Branch


class Key(NamedTuple):
    """Where one alternative of a field can be filed."""

    kind: int
    """How the key is made from a value: one of the constants above."""

    size: int
    """Length of the key, in characters or, of a block, in bits; 0 where it does not matter."""

    value: Hashable
    """What is looked up."""

    enough: bool
    """Whether the alternative accepts every value that is found under the key."""


Bucket = dict[int, Filed]
Tables = dict[int, dict[Hashable, Bucket]]


class Shelf:
    """The branches that are filed under one field: a table for every kind and length of key."""

    __slots__ = ("_intervals", "_tables", "exact", "plain", "read")

    def __init__(self, path: str) -> None:
        self.read = reader(path)
        self.exact: dict[Hashable, Bucket] = {}
        self.plain = True
        self._tables: list[Tables] = [{} for _ in range(LEAF + 1)]
        self._tables[EXACT] = {0: self.exact}
        self._intervals: Intervals[Filed] = Intervals()

    def crowd(self, key: Key) -> int:
        """How many branches are about to be found with a value that this key finds."""
        if key.kind == INTERVAL:
            return self._intervals.crowd(*key.value)  # type: ignore[misc]
        return len(self._tables[key.kind].get(key.size, {}).get(key.value, ()))

    def only(self, key: Key) -> str | None:
        """The rule of the one branch that is filed under a key; None when there are more or none, or under ranges."""
        if key.kind == INTERVAL:
            return None
        bucket = self._tables[key.kind].get(key.size, {}).get(key.value, {})
        return next(iter(bucket.values())).rule if len(bucket) == 1 else None

    def add(self, key: Key, number: int, filed: Filed) -> None:
        """File a branch; `number` tells it from every other."""
        if key.kind == INTERVAL:
            low, high = key.value  # type: ignore[misc]
            self._intervals.add(low, high, number, filed)
        else:
            self._tables[key.kind].setdefault(key.size, {}).setdefault(key.value, {})[number] = filed
        self.plain = self.plain and key.kind == EXACT

    def remove(self, key: Key, number: int) -> None:
        """Take away the branch that was filed by this number, and what is empty without it."""
        if key.kind == INTERVAL:
            low, high = key.value  # type: ignore[misc]
            self._intervals.remove(low, high, number)
            return
        tables = self._tables[key.kind]
        bucket = tables[key.size][key.value]
        del bucket[number]
        if not bucket:
            del tables[key.size][key.value]
            if not tables[key.size] and key.kind != EXACT:
                del tables[key.size]

    def __bool__(self) -> bool:
        return bool(self.exact or self._intervals or any(self._tables[EXACT + 1 :]))

    def find(self, leaf: object) -> Iterator[Filed]:
        """The branches that are filed under what a leaf of an event is."""
        filed = self.exact.get(leaf if type(leaf) is str else key(leaf))
        if filed:
            yield from filed.values()
        if self.plain:
            return
        tables = self._tables
        if isinstance(leaf, str):
            yield from self._find_text(leaf)
        elif self._intervals:
            number = comparable(leaf)
            if number is not None:
                yield from self._intervals.find(number)
        for table in tables[LEAF].values():
            yield from table[None].values()

    def _find_text(self, text: str) -> Iterator[Filed]:
        tables = self._tables
        for size, table in tables[PREFIX].items():
            if filed := table.get(text[:size]):
                yield from filed.values()
        for size, table in tables[SUFFIX].items():
            if filed := table.get(text[-size:]):
                yield from filed.values()
        for size, table in tables[PART].items():
            for start in range(len(text) - size + 1):
                if filed := table.get(text[start : start + size]):
                    yield from filed.values()
        if tables[FOLDED] or tables[FOLDED_PREFIX] or tables[FOLDED_SUFFIX]:
            yield from self._find_folded(fold(text))
        if tables[BLOCK] and (found := address.parse(text)) is not None:
            for length, table in tables[BLOCK].items():
                if filed := table.get(found.bits >> (_ADDRESS_BITS - length)):
                    yield from filed.values()

    def _find_folded(self, folded: str) -> Iterator[Filed]:
        tables = self._tables
        for table in tables[FOLDED].values():
            if filed := table.get(folded):
                yield from filed.values()
        for size, table in tables[FOLDED_PREFIX].items():
            if filed := table.get(folded[:size]):
                yield from filed.values()
        for size, table in tables[FOLDED_SUFFIX].items():
            if filed := table.get(folded[-size:]):
                yield from filed.values()


def keys(alternatives: Alternatives) -> Iterator[list[Key]]:
    """For every alternative of a field, the keys that it can be filed under."""
    for value in alternatives.keys:
        yield [Key(EXACT, 0, value, enough=True)]
    for operator in alternatives.operators:
        yield _operator_keys(operator) or [Key(LEAF, 0, None, enough=False)]


def _operator_keys(operator: Operator) -> list[Key]:
    match operator:
        case Prefix(text=text):
            return [Key(PREFIX, len(text), text, enough=True)] if text else []
        case Suffix(text=text):
            return [Key(SUFFIX, len(text), text, enough=True)] if text else []
        case Interval():
            return [Key(INTERVAL, 0, (operator.low, operator.high), enough=True)]
        case Within(block=block):
            return [Key(BLOCK, block.length, block.prefix, enough=False)]
        case Wildcard(literals=literals):
            return list(_wildcard_keys(literals))
        case PrefixIgnoreCase(text=caseless):
            kind = FOLDED_PREFIX
        case SuffixIgnoreCase(text=caseless):
            kind = FOLDED_SUFFIX
        case EqualsIgnoreCase(text=caseless):
            return [Key(FOLDED, 0, caseless.folded, enough=False)]
        case _:
            return []
    return [Key(kind, len(caseless.folded), caseless.folded, enough=False)] if caseless.folded else []


def _wildcard_keys(literals: tuple[str, ...]) -> Iterator[Key]:
    """Its beginning, its end, and the first few characters from every place inside it."""
    if len(literals) == 1:
        yield Key(EXACT, 0, literals[0], enough=True)
        return
    if literals[0]:
        yield Key(PREFIX, len(literals[0]), literals[0], enough=False)
    if literals[-1]:
        yield Key(SUFFIX, len(literals[-1]), literals[-1], enough=False)
    for literal in literals[1:-1]:
        size = min(len(literal), _LONGEST_PART)
        for start in range(len(literal) - size + 1):
            yield Key(PART, size, literal[start : start + size], enough=False)
