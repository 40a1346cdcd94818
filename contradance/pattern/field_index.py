"""The index of one field: finds branches of rules by the value that an event has there."""

from collections.abc import Hashable, Iterator
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
from contradance.pattern.ip_address import parse_address
from contradance.pattern.leaves import FieldCheck, field_reader
from contradance.pattern.scalar import as_double, leaf_key


class IndexEntry(NamedTuple):
    """A branch of a rule in an index; `check` covers its other fields, and is None when there are none."""

    rule: str
    check: FieldCheck | None
    branch: PatternBranch


Bucket = dict[int, IndexEntry]
Tables = dict[int, dict[Hashable, Bucket]]


class FieldIndex:
    """The index of one field: a table for each kind and length of key."""

    __slots__ = ("_cuts", "_intervals", "_more", "_tables", "exact", "plain", "read")

    def __init__(self, path: str) -> None:
        self.read = field_reader(path)
        self.exact: dict[Hashable, Bucket] = {}
        self._tables: list[Tables] = [{} for _ in range(LEAF + 1)]
        self._tables[EXACT] = {0: self.exact}
        self._intervals: Intervals[IndexEntry] = Intervals()
        self._update_key_kinds()

    def _update_key_kinds(self) -> None:
        """Store which kinds of key are in use, so that `find` skips the others."""
        tables = self._tables
        self._cuts = [(slice(size), table) for size, table in tables[PREFIX].items()]
        self._cuts += [(slice(-size, None), table) for size, table in tables[SUFFIX].items()]
        self._more = any(tables[PART:])
        self.plain = not (self._cuts or self._more or self._intervals)

    def candidate_count(self, index_key: IndexKey) -> int:
        """Return about how many branches the index finds for a value that has this key."""
        if index_key.kind == INTERVAL:
            return self._intervals.candidate_count(*index_key.bounds)
        return len(self._bucket(index_key))

    def sole_rule(self, index_key: IndexKey) -> str | None:
        """Return the rule whose branch is the only one under a key; None for an interval, and for none or several."""
        bucket = {} if index_key.kind == INTERVAL else self._bucket(index_key)
        return next(iter(bucket.values())).rule if len(bucket) == 1 else None

    def _bucket(self, index_key: IndexKey) -> Bucket:
        """Return the entries under a key, by their numbers; the key is no interval."""
        return self._tables[index_key.kind].get(index_key.size, {}).get(index_key.value, {})

    def add(self, index_key: IndexKey, number: int, entry: IndexEntry) -> None:
        """Add an entry under a key; `number` identifies the entry."""
        if index_key.kind == INTERVAL:
            self._intervals.add(*index_key.bounds, number, entry)
            self.plain = False
            return
        tables = self._tables[index_key.kind]
        new = index_key.size not in tables
        tables.setdefault(index_key.size, {}).setdefault(index_key.value, {})[number] = entry
        if new:
            self._update_key_kinds()

    def remove(self, index_key: IndexKey, number: int) -> None:
        """Remove the entry with this number, and the tables that become empty."""
        if index_key.kind == INTERVAL:
            self._intervals.remove(*index_key.bounds, number)
            return
        tables = self._tables[index_key.kind]
        bucket = tables[index_key.size][index_key.value]
        del bucket[number]
        if not bucket:
            del tables[index_key.size][index_key.value]
            if not tables[index_key.size] and index_key.kind != EXACT:
                del tables[index_key.size]
                self._update_key_kinds()

    def __bool__(self) -> bool:
        return bool(self.exact or self._intervals or self._cuts or self._more)

    def find(self, leaf: object) -> list[IndexEntry]:
        """Return the entries whose key fits a leaf of an event."""
        found: list[IndexEntry] = []
        bucket = self.exact.get(leaf if type(leaf) is str else leaf_key(leaf))
        if bucket:
            found += bucket.values()
        if isinstance(leaf, str):
            for cut, table in self._cuts:
                bucket = table.get(leaf[cut])
                if bucket:
                    found += bucket.values()
            if self._more:
                self._find_by_costly_keys(leaf, found)
        elif self._intervals:
            number = as_double(leaf)
            if number is not None:
                found += self._intervals.find(number)
        for table in self._tables[LEAF].values():
            found += table[None].values()
        return found

    def _find_by_costly_keys(self, text: str, found: list[IndexEntry]) -> None:
        """Add the entries under keys that take longer to compute: parts, folded texts and address blocks."""
        tables = self._tables
        for size, table in tables[PART].items():
            get = table.get
            for start in range(len(text) - size + 1):
                if bucket := get(text[start : start + size]):
                    found += bucket.values()
        if tables[FOLDED] or tables[FOLDED_PREFIX] or tables[FOLDED_SUFFIX]:
            for table, part in self._folded_lookups(fold(text)):
                if bucket := table.get(part):
                    found += bucket.values()
        if tables[BLOCK] and (address := parse_address(text)) is not None:
            for length, table in tables[BLOCK].items():
                if bucket := table.get(address.bits >> (ADDRESS_BITS - length)):
                    found += bucket.values()

    def _folded_lookups(self, folded: str) -> Iterator[tuple[dict[Hashable, Bucket], Hashable]]:
        """Yield each table of keys that ignore case, and the key to look up in it for a folded text."""
        tables = self._tables
        yield from ((table, folded) for table in tables[FOLDED].values())
        yield from ((table, folded[:size]) for size, table in tables[FOLDED_PREFIX].items())
        yield from ((table, folded[-size:]) for size, table in tables[FOLDED_SUFFIX].items())
