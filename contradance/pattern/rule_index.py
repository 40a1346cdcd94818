"""Many rules at once. Every branch of a rule is filed under one field of it, the one that will find the fewest others.

An event is then looked up field by field; only the branches found are tested for the rest. Which field finds the fewest
is judged when the rule is added, by what is filed already, so that rules which share a source or a prefix spread out
over their other fields.
"""

from collections.abc import Iterator, Mapping

from contradance.pattern.alternatives import Alternatives
from contradance.pattern.branch import Branch
from contradance.pattern.event_pattern import EventPattern
from contradance.pattern.leaves import ELSEWHERE, MISSING, are_leaves, leaves
from contradance.pattern.shelf import EXACT, FOLDED, INTERVAL, LEAF, Filed, Key, Shelf, keys

_FEW_FIELDS = 12
"""Up to so many fields, each is looked up in the event; beyond, the event's own fields are gone through."""

_LAST_RESORT = 1_000_000
_LONG_ENOUGH = 8

Place = tuple[str, Key, int]


class RuleIndex:
    """Rules by name, and which of them match an event.

    Patterns are `EventPattern`s, or what one is made from. Adding and removing a rule cost the same however many others
    there are.
    """

    def __init__(self, rules: Mapping[str, EventPattern | str | Mapping[str, object]] | None = None) -> None:
        self._patterns: dict[str, EventPattern] = {}
        self._places: dict[str, list[Place]] = {}
        self._shelves: dict[str, Shelf] = {}
        self._outer_paths: dict[str, int] = {}
        self._unfiled: dict[int, Filed] = {}
        self._numbers = 0
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
        """Add a rule, or replace the pattern of the rule of that name."""
        compiled = pattern if isinstance(pattern, EventPattern) else EventPattern(pattern)
        if name in self._patterns:
            self.remove(name)
        self._patterns[name] = compiled
        self._places[name] = [place for branch in compiled.branches for place in self._file(name, branch)]
        for alone in self._left_alone(compiled.branches, self._places[name]):
            self._refile(alone)

    def remove(self, name: str) -> None:
        """Remove a rule. KeyError when there is none of that name."""
        del self._patterns[name]
        for path, key, number in self._places.pop(name):
            if not path:
                del self._unfiled[number]
                continue
            shelf = self._shelves[path]
            shelf.remove(key, number)
            if not shelf:
                self._drop_shelf(path)

    def matching(self, event: Mapping[str, object]) -> set[str]:
        """The names of the rules that match an event."""
        found: set[str] = set()
        shelves = self._shelves
        for path, shelf in shelves.items() if len(shelves) <= _FEW_FIELDS else self._shelves_of(event):
            value = shelf.read(event)
            if type(value) is str and shelf.plain:
                bucket = shelf.exact.get(value)
                if bucket is not None:
                    for rule, test, _ in bucket.values():
                        if test is None or (rule not in found and test(event)):
                            found.add(rule)
            elif value is not MISSING:
                self._look_up(path, shelf, value, event, found)
        for rule, _, branch in self._unfiled.values():
            if rule not in found and branch.matches(event):
                found.add(rule)
        return found

    def _look_up(self, path: str, shelf: Shelf, value: object, event: Mapping[str, object], found: set[str]) -> None:
        if isinstance(value, Mapping):
            return
        if not isinstance(value, list | tuple) and value is not ELSEWHERE:
            values: list[object] | tuple[object, ...] = (value,)
        elif isinstance(value, list | tuple) and are_leaves(value):
            values = value
        else:
            tried: set[Branch] = set()
            for leaf in leaves(event, path):
                for rule, _, branch in shelf.find(leaf):
                    if rule not in found and branch not in tried:
                        tried.add(branch)
                        if branch.matches_completely(event):
                            found.add(rule)
            return
        for leaf in values:
            for rule, test, _ in shelf.find(leaf):
                if rule not in found and (test is None or test(event)):
                    found.add(rule)

    def _shelves_of(self, event: Mapping[str, object]) -> Iterator[tuple[str, Shelf]]:
        """The shelves of the fields that an event has."""
        paths: dict[str, None] = {}
        stack: list[tuple[str, object]] = [("", event)]
        while stack:
            prefix, value = stack.pop()
            if isinstance(value, Mapping):
                for name, inner in value.items():
                    path = f"{prefix}{name}"
                    if path in self._shelves:
                        paths[path] = None
                    if path in self._outer_paths:
                        stack.append((f"{path}.", inner))
            elif isinstance(value, list | tuple):
                stack.extend((prefix, inner) for inner in value if isinstance(inner, list | tuple | Mapping))
        for path in paths:
            yield path, self._shelves[path]

    def _file(self, rule: str, branch: Branch) -> list[Place]:
        choices = [
            self._choose(path, alternatives) for path, alternatives in branch.fields.items() if not alternatives.absent
        ]
        if not choices:
            self._numbers += 1
            self._unfiled[self._numbers] = Filed(rule, None, branch)
            return [("", Key(LEAF, 0, None, enough=False), self._numbers)]
        _, path, chosen = min(choices, key=lambda choice: choice[0])
        shelf = self._shelves.get(path) or self._new_shelf(path)
        places = []
        for key in chosen:
            self._numbers += 1
            shelf.add(key, self._numbers, Filed(rule, branch.test(path if key.enough else None), branch))
            places.append((path, key, self._numbers))
        return places

    def _choose(self, path: str, alternatives: Alternatives) -> tuple[tuple[int, bool, int], str, list[Key]]:
        """The best keys of a field, and their cost: branches found, whether it is a new field, how likely a value is."""
        shelf = self._shelves.get(path)
        chosen, crowd, likely = [], 0, 0
        for candidates in keys(alternatives):
            costs = [(shelf.crowd(key) if shelf else 0, _likely(key)) for key in candidates]
            best = min(range(len(candidates)), key=costs.__getitem__)
            chosen.append(candidates[best])
            crowd += costs[best][0]
            likely = max(likely, costs[best][1])
            if candidates[best].kind == LEAF:
                crowd += _LAST_RESORT
        return (crowd, shelf is None, likely), path, chosen

    def _left_alone(self, branches: list[Branch], places: list[Place]) -> set[str]:
        """Rules that were filed first under a key which this rule shares and did not choose.

        They would be found with every value that later rules no longer use to be found by.
        """
        used = {path for path, _, _ in places}
        alone = {
            shelf.only(candidates[0])
            for branch in branches
            for path, alternatives in branch.fields.items()
            if path not in used and (shelf := self._shelves.get(path)) is not None
            for candidates in keys(alternatives)
        }
        return {rule for rule in alone if rule is not None}

    def _refile(self, name: str) -> None:
        pattern = self._patterns[name]
        self.remove(name)
        self._patterns[name] = pattern
        self._places[name] = [place for branch in pattern.branches for place in self._file(name, branch)]

    def _new_shelf(self, path: str) -> Shelf:
        shelf = self._shelves[path] = Shelf(path)
        for outer in _outer_paths(path):
            self._outer_paths[outer] = self._outer_paths.get(outer, 0) + 1
        return shelf

    def _drop_shelf(self, path: str) -> None:
        del self._shelves[path]
        for outer in _outer_paths(path):
            self._outer_paths[outer] -= 1
            if not self._outer_paths[outer]:
                del self._outer_paths[outer]


def _likely(key: Key) -> int:
    """A rough order of keys by how many values they find."""
    if key.kind in (EXACT, FOLDED):
        return 0
    if key.kind in (INTERVAL, LEAF):
        return key.kind + _LONG_ENOUGH
    return 1 + max(0, _LONG_ENOUGH - key.size)


def _outer_paths(path: str) -> Iterator[str]:
    at = path.find(".")
    while at >= 0:
        yield path[:at]
        at = path.find(".", at + 1)
