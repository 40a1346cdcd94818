from collections.abc import Mapping

from contradance.pattern.branch import PatternBranch
from contradance.pattern.mismatch import Mismatch, closest_mismatch
from contradance.pattern.refusal import invalid
from contradance.pattern.syntax import Reading, load


class EventPattern:
    """An EventBridge event pattern, from its JSON text or from the mapping that the text spells.

    It is compiled once, and refused as AWS refuses it: `InvalidPattern` says why and where. An event is the parsed
    EventBridge envelope: a mapping of JSON values, numbers as int, float or Decimal.
    """

    __slots__ = ("_branches", "_canonical")

    def __init__(self, pattern: str | Mapping[str, object]) -> None:
        if isinstance(pattern, str):
            pattern = load(pattern)
        elif not isinstance(pattern, Mapping):
            raise invalid("Filter is not an object")
        reading = Reading(pattern)
        self._branches = [PatternBranch(fields) for fields in reading.branches]
        self._canonical = reading.canonical

    @property
    def branches(self) -> list[PatternBranch]:
        """The pattern with its `$or` multiplied out: it matches when one of these does."""
        return self._branches

    @property
    def canonical(self) -> str:
        """The pattern as JSON with sorted keys and no spaces: the same text for the same pattern.

        A pattern that sets one field twice (`$or` beside a field of its branches) keeps its own order, which counts.
        """
        return self._canonical

    def matches(self, event: Mapping[str, object]) -> bool:
        """Whether a rule with this pattern matches an event on AWS."""
        return any(branch.matches(event) for branch in self._branches)

    def explain(self, event: Mapping[str, object]) -> Mismatch | None:
        """Why an event does not match, without its values; None when it does match."""
        return None if self.matches(event) else closest_mismatch(self._branches, event)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, EventPattern) and other._canonical == self._canonical

    def __hash__(self) -> int:
        return hash(self._canonical)

    def __repr__(self) -> str:
        return f"EventPattern({self._canonical!r})"
