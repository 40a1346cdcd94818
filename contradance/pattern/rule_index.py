"""An index of many rules: finds those that match an event without checking every rule.

Each branch of a rule is indexed under one of its fields: the one with the fewest other branches under the same key. An
event is looked up field by field, and only the branches found are checked for their other fields. `add` chooses the field
by the branches indexed so far. So rules that share a source or a prefix spread over their other fields. The first of such
rules cannot know what the second shares with it, so `add` indexes it again when the second arrives.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from contradance.pattern.alternatives import Alternatives
from contradance.pattern.event_pattern import EventPattern
from contradance.pattern.field_index import FieldIndex, IndexEntry
from contradance.pattern.field_indexes import FieldIndexes
from contradance.pattern.index_keys import LEAF, IndexKey, candidate_keys
from contradance.pattern.leaves import MISSING, leaves
from contradance.pattern.scalar import LEAVES, leaf_key

if TYPE_CHECKING:
    from contradance.pattern.branch import PatternBranch

_COST_OF_ANY_LEAF = 1_000_000

_Place = tuple[str, IndexKey | None, int]
"""Where an entry is: (path of the field index, key in it, number of the entry). The key is None in no index."""


class RuleIndex:
    """A collection of named rules that returns those that match an event.

    The cost of adding or removing a rule does not depend on the number of rules. Several threads may match at the same
    time, but not while another thread adds or removes.
    """

    def __init__(self, rules: Mapping[str, EventPattern | str | Mapping[str, object]] | None = None) -> None:
        self._patterns: dict[str, EventPattern] = {}
        self._places: dict[str, list[_Place]] = {}
        self._indexes = FieldIndexes()
        self._unindexed: dict[int, IndexEntry] = {}
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
        """Add a rule, or replace the pattern of the rule with this name, as PutRule does."""
        compiled = pattern if isinstance(pattern, EventPattern) else EventPattern(pattern)
        if name in self._patterns:
            self.remove(name)
        self._patterns[name] = compiled
        self._insert(name)
        for first in self._sole_rules_beside(name):
            self._delete(first)
            self._insert(first)

    def remove(self, name: str) -> None:
        """Remove a rule; raise KeyError when the index does not have it."""
        del self._patterns[name]
        self._delete(name)

    def matching(self, event: Mapping[str, object]) -> set[str]:
        """Return the names of the rules that match an event."""
        found: set[str] = set()
        for path, index in self._indexes.candidates_for(event):
            value = index.read(event)
            entries: Iterable[IndexEntry] = ()
            if type(value) is str and index.plain:
                bucket = index.exact.get(value)
                if bucket is not None:
                    entries = bucket.values()
            elif type(value) in LEAVES:
                entries = index.find(value)
            elif value is not MISSING:
                self._match_leaves(value, path, index, event, found)
            for rule, check, branch in entries:
                if rule not in found:
                    verdict = check is None or check(event)
                    if verdict or (verdict is None and branch.matches_completely(event)):
                        found.add(rule)
        if self._unindexed:
            found.update(rule for rule, _, branch in self._unindexed.values() if branch.matches(event))
        return found

    def _match_leaves(
        self, value: object, path: str, index: FieldIndex, event: Mapping[str, object], found: set[str]
    ) -> None:
        """Add to `found` the rules that match by a leaf of the array `value`; none for an object."""
        if isinstance(value, Mapping):
            return
        tried: set[PatternBranch] = set()
        for leaf in {leaf_key(leaf): leaf for leaf in leaves(event, path)}.values():
            for rule, check, branch in index.find(leaf):
                if rule not in found and branch not in tried:
                    tried.add(branch)
                    # Other fields may have to match in the same element as this leaf, so `check` is not sufficient.
                    if check is None or branch.matches(event):
                        found.add(rule)

    def _insert(self, rule: str) -> None:
        """Add each branch of a rule to the index of its best field, and store where it is."""
        places = self._places[rule] = []
        for branch in self._patterns[rule].branches:
            fields = {path: wanted for path, wanted in branch.fields.items() if not wanted.absent}
            if not fields:  # a field that may be absent has no value to look up
                self._last_number += 1
                self._unindexed[self._last_number] = IndexEntry(rule, None, branch)
                places.append(("", None, self._last_number))
                continue
            _, path, chosen = min(
                (self._choose(path, wanted) for path, wanted in fields.items()), key=lambda choice: choice[0]
            )
            index = self._indexes.get_or_create(path)
            for index_key in chosen:
                self._last_number += 1
                check = branch.check_except(path if index_key.conclusive else None)
                index.add(index_key, self._last_number, IndexEntry(rule, check, branch))
                places.append((path, index_key, self._last_number))

    def _delete(self, rule: str) -> None:
        """Remove a rule's branches from the indexes, and the indexes that become empty."""
        for path, index_key, number in self._places.pop(rule):
            if index_key is None:
                del self._unindexed[number]
                continue
            index = self._indexes.get_or_create(path)
            index.remove(index_key, number)
            if not index:
                self._indexes.drop(path)

    def _choose(self, path: str, wanted: Alternatives) -> tuple[tuple[int, bool, int], str, list[IndexKey]]:
        """Return (cost, path, a key for each alternative); cost: branches found, whether the field is new, breadth."""
        index = self._indexes.get(path)
        chosen, candidate_count = [], 0
        for candidates in candidate_keys(wanted):
            best = min(candidates, key=lambda one: (index.candidate_count(one) if index else 0, one.breadth))
            chosen.append(best)
            candidate_count += (index.candidate_count(best) if index else 0) + _COST_OF_ANY_LEAF * (best.kind == LEAF)
        return (candidate_count, index is None, max(one.breadth for one in chosen)), path, chosen

    def _sole_rules_beside(self, rule: str) -> set[str]:
        """Return the rules that are the only ones under a key which this rule shares but is not indexed under.

        The key is more common than it seemed: every event that has it would lead to a check of such a rule.
        """
        used = {path for path, _, _ in self._places[rule]}
        sole = {
            index.sole_rule(candidates[0])
            for branch in self._patterns[rule].branches
            for path, wanted in branch.fields.items()
            if path not in used and (index := self._indexes.get(path)) is not None
            for candidates in candidate_keys(wanted)
        }
        return {name for name in sole if name is not None and name != rule}
