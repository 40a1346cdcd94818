"""Many rules at once. Every branch of a rule is filed under one field of it, the one that will find the fewest others.

An event is then looked up field by field; only the branches found are checked for the rest. Which field finds the
fewest is judged when a rule is added, by what is filed already: so rules that share a source or a prefix spread out over
their other fields, and the first of them is filed again when the second shows what they share.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from contradance.pattern.alternatives import Alternatives
from contradance.pattern.event_pattern import EventPattern
from contradance.pattern.field_index import FieldIndex, Filed
from contradance.pattern.field_indexes import FieldIndexes
from contradance.pattern.index_keys import LEAF, IndexKey, keys
from contradance.pattern.leaves import MISSING, leaves
from contradance.pattern.scalar import LEAVES, key

if TYPE_CHECKING:
    from contradance.pattern.branch import PatternBranch

_LAST_RESORT = 1_000_000

_Place = tuple[str, IndexKey | None, int]
"""The path of a field index, the key in it, and the number of what is filed there; no key where it is in no index."""


class RuleIndex:
    """Rules by name, and which of them match an event.

    Patterns are `EventPattern`s, or what one is made from. Adding and removing a rule cost the same however many others
    there are. Threads may match at the same time, but not while another adds or removes.
    """

    def __init__(self, rules: Mapping[str, EventPattern | str | Mapping[str, object]] | None = None) -> None:
        self._patterns: dict[str, EventPattern] = {}
        self._places: dict[str, list[_Place]] = {}
        self._indexes = FieldIndexes()
        self._unfiled: dict[int, Filed] = {}
        self._last_number = 0
        for name, pattern in (rules or {}).items():
            self.add(name, pattern)

    def __len__(self) -> int:
        return len(self._patterns)

    def __contains__(self, name: object) -> bool:
        return name in self._patterns

    def __iter__(self) -> Iterator[str]:
        return iter(self._patterns)

    def __getitem__(self, name: str) -> EventPattern:
        return self._patterns[name]

    def add(self, name: str, pattern: EventPattern | str | Mapping[str, object]) -> None:
        """Add a rule, or replace the pattern of the rule of that name, as PutRule does."""
        compiled = pattern if isinstance(pattern, EventPattern) else EventPattern(pattern)
        if name in self._patterns:
            self.remove(name)
        self._patterns[name] = compiled
        self._file(name)
        for first in self._left_alone_by(name):
            self._unfile(first)
            self._file(first)

    def remove(self, name: str) -> None:
        """Remove a rule. KeyError when there is none of that name."""
        del self._patterns[name]
        self._unfile(name)

    def matching(self, event: Mapping[str, object]) -> set[str]:
        """Return the names of the rules that match an event."""
        found: set[str] = set()
        for path, index in self._indexes.of(event):
            value = index.read(event)
            filed: Iterable[Filed] = ()
            if type(value) is str and index.plain:
                bucket = index.exact.get(value)
                if bucket is not None:
                    filed = bucket.values()
            elif type(value) in LEAVES:
                filed = index.find(value)
            elif value is not MISSING:
                self._look_into(value, path, index, event, found)
            for rule, check, branch in filed:
                if rule not in found:
                    verdict = check is None or check(event)
                    if verdict or (verdict is None and branch.matches_completely(event)):
                        found.add(rule)
        if self._unfiled:
            found.update(rule for rule, _, branch in self._unfiled.values() if branch.matches(event))
        return found

    def _look_into(
        self, value: object, path: str, index: FieldIndex, event: Mapping[str, object], found: set[str]
    ) -> None:
        """Look up every leaf of an array. That one is right does not settle its field beside others: see `arrays`."""
        if isinstance(value, Mapping):
            return
        tried: set[PatternBranch] = set()
        for leaf in {key(leaf): leaf for leaf in leaves(event, path)}.values():
            for rule, check, branch in index.find(leaf):
                if rule not in found and branch not in tried:
                    tried.add(branch)
                    if check is None or branch.matches(event):
                        found.add(rule)

    def _file(self, rule: str) -> None:
        places = self._places[rule] = []
        for branch in self._patterns[rule].branches:
            fields = {path: wanted for path, wanted in branch.fields.items() if not wanted.absent}
            if not fields:
                self._last_number += 1
                self._unfiled[self._last_number] = Filed(rule, None, branch)
                places.append(("", None, self._last_number))
                continue
            _, path, chosen = min(
                (self._choose(path, wanted) for path, wanted in fields.items()), key=lambda choice: choice[0]
            )
            index = self._indexes.make(path)
            for place in chosen:
                self._last_number += 1
                index.add(place, self._last_number, Filed(rule, branch.check(path if place.enough else None), branch))
                places.append((path, place, self._last_number))

    def _unfile(self, rule: str) -> None:
        for path, place, number in self._places.pop(rule):
            if place is None:
                del self._unfiled[number]
                continue
            index = self._indexes.make(path)
            index.remove(place, number)
            if not index:
                self._indexes.drop(path)

    def _choose(self, path: str, wanted: Alternatives) -> tuple[tuple[int, bool, int], str, list[IndexKey]]:
        """Choose the best keys of a field. Their cost: branches found, whether the field is new, how likely they are."""
        index = self._indexes.get(path)
        chosen, candidate_count = [], 0
        for candidates in keys(wanted):
            best = min(candidates, key=lambda place: (index.candidate_count(place) if index else 0, place.likely))
            chosen.append(best)
            candidate_count += (index.candidate_count(best) if index else 0) + _LAST_RESORT * (best.kind == LEAF)
        return (candidate_count, index is None, max(place.likely for place in chosen)), path, chosen

    def _left_alone_by(self, rule: str) -> set[str]:
        """Find the rules that are filed alone under a key which this rule shares and has not chosen.

        It is more common than it seemed, and they would be found, and checked, with every event that has it.
        """
        used = {path for path, _, _ in self._places[rule]}
        alone = {
            index.only(candidates[0])
            for branch in self._patterns[rule].branches
            for path, wanted in branch.fields.items()
            if path not in used and (index := self._indexes.get(path)) is not None
            for candidates in keys(wanted)
        }
        return {name for name in alone if name is not None and name != rule}
