"""The branches of rules that are filed under one field, to be found by its value in an event."""

from collections.abc import Hashable
from typing import NamedTuple

from contradance.pattern.branch import PatternBranch
from contradance.pattern.caseless import fold
from contradance.pattern.index_keys import (
    BLOCK,
    EXACT,
    FOLDED,
    FOLDED_PREFIX,
    FOLDED_SUFFIX,
    INTERVAL,
    LEAF,
    PART,
    PREFIX,
    SUFFIX,
    IndexKey,
)
from contradance.pattern.intervals import Intervals
from contradance.pattern.ip_address import BITS as ADDRESS_BITS
from contradance.pattern.ip_address import parse
from contradance.pattern.leaves import FieldCheck, reader
from contradance.pattern.scalar import comparable, key


class Filed(NamedTuple):
    """A branch of a rule in an index, and what is left to check once it is found there; None is nothing."""

    rule: str
    check: FieldCheck | None
    branch: PatternBranch


Bucket = dict[int, Filed]
Tables = dict[int, dict[Hashable, Bucket]]


class FieldIndex:
    """The branches that are filed under one field: a table for every kind and length of key."""

    __slots__ = ("_cuts", "_intervals", "_more", "_tables", "exact", "plain", "read")

    def __init__(self, path: str) -> None:
        self.read = reader(path)
        self.exact: dict[Hashable, Bucket] = {}
        self._tables: list[Tables] = [{} for _ in range(LEAF + 1)]
        self._tables[EXACT] = {0: self.exact}
        self._intervals: Intervals[Filed] = Intervals()
        self._survey()

    def _survey(self) -> None:
        """Note which kinds of key there are, so that a search need not ask."""
        tables = self._tables
        self._cuts = [(slice(size), table) for size, table in tables[PREFIX].items()]
        self._cuts += [(slice(-size, None), table) for size, table in tables[SUFFIX].items()]
        self._more = any(tables[PART:])
        self.plain = not (self._cuts or self._more or self._intervals)

    def candidate_count(self, place: IndexKey) -> int:
        """Count the branches that are about to be found with a value that this key finds."""
        if place.kind == INTERVAL:
            low, high = place.ends
            return self._intervals.candidate_count(low, high)
        return len(self._tables[place.kind].get(place.size, {}).get(place.value, ()))

    def only(self, place: IndexKey) -> str | None:
        """Name the rule of the one branch that is filed under a key; None when there are more or none, or under ranges."""
        if place.kind == INTERVAL:
            return None
        bucket = self._tables[place.kind].get(place.size, {}).get(place.value, {})
        return next(iter(bucket.values())).rule if len(bucket) == 1 else None

    def add(self, place: IndexKey, number: int, filed: Filed) -> None:
        """File a branch; `number` tells it from every other."""
        if place.kind == INTERVAL:
            low, high = place.ends
            self._intervals.add(low, high, number, filed)
            self.plain = False
            return
        tables = self._tables[place.kind]
        new = place.size not in tables
        tables.setdefault(place.size, {}).setdefault(place.value, {})[number] = filed
        if new:
            self._survey()

    def remove(self, place: IndexKey, number: int) -> None:
        """Take away the branch that was filed by this number, and what is empty without it."""
        if place.kind == INTERVAL:
            low, high = place.ends
            self._intervals.remove(low, high, number)
            return
        tables = self._tables[place.kind]
        bucket = tables[place.size][place.value]
        del bucket[number]
        if not bucket:
            del tables[place.size][place.value]
            if not tables[place.size] and place.kind != EXACT:
                del tables[place.size]
                self._survey()

    def __bool__(self) -> bool:
        return bool(self.exact or self._intervals or self._cuts or self._more)

    def find(self, leaf: object) -> list[Filed]:
        """Find the branches that are filed under what a leaf of an event is."""
        found: list[Filed] = []
        bucket = self.exact.get(leaf if type(leaf) is str else key(leaf))
        if bucket:
            found += bucket.values()
        if isinstance(leaf, str):
            for cut, table in self._cuts:
                bucket = table.get(leaf[cut])
                if bucket:
                    found += bucket.values()
            if self._more:
                self._find_more(leaf, found)
        elif self._intervals:
            number = comparable(leaf)
            if number is not None:
                found += self._intervals.find(number)
        for table in self._tables[LEAF].values():
            found += table[None].values()
        return found

    def _find_more(self, text: str, found: list[Filed]) -> None:
        """Find the branches under keys that take longer to make."""
        tables = self._tables
        for size, table in tables[PART].items():
            get = table.get
            for start in range(len(text) - size + 1):
                if bucket := get(text[start : start + size]):
                    found += bucket.values()
        if tables[FOLDED] or tables[FOLDED_PREFIX] or tables[FOLDED_SUFFIX]:
            folded = fold(text)
            lookups: list[tuple[dict[Hashable, Bucket], Hashable]] = [
                (table, folded) for table in tables[FOLDED].values()
            ]
            lookups += [(table, folded[:size]) for size, table in tables[FOLDED_PREFIX].items()]
            lookups += [(table, folded[-size:]) for size, table in tables[FOLDED_SUFFIX].items()]
            for table, part in lookups:
                if bucket := table.get(part):
                    found += bucket.values()
        if tables[BLOCK] and (address := parse(text)) is not None:
            for length, table in tables[BLOCK].items():
                if bucket := table.get(address.bits >> (ADDRESS_BITS - length)):
                    found += bucket.values()
