from collections.abc import Mapping

from contradance.pattern.branch import PatternBranch
from contradance.pattern.grammar import invalid
from contradance.pattern.mismatch import Mismatch, closest_mismatch
from contradance.pattern.syntax import Reading, load


class EventPattern:
    """A compiled event pattern of EventBridge, from its JSON text or from the equivalent mapping.

    An event is the parsed EventBridge envelope: a mapping of JSON values, with numbers as int, float or Decimal.

    Raises:
        InvalidPattern: AWS would refuse the pattern; the message has AWS's reason and the place.
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
        """The branches of the pattern, its `$or` multiplied out. The pattern matches when one branch matches."""
        return self._branches

    @property
    def canonical(self) -> str:
        """The pattern as JSON with sorted keys and no spaces: equal patterns have equal text.

        A pattern that sets one field twice (in `$or` and beside it) keeps its own order: on AWS the later one counts.
        """
        return self._canonical

    def matches(self, event: Mapping[str, object]) -> bool:
        """Return whether a rule with this pattern matches an event, as on AWS."""
        return any(branch.matches(event) for branch in self._branches)

    def explain(self, event: Mapping[str, object]) -> Mismatch | None:
        """Return why an event does not match, without values of the event; None when it matches."""
        return None if self.matches(event) else closest_mismatch(self._branches, event)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, EventPattern) and other._canonical == self._canonical

    def __hash__(self) -> int:
        return hash(self._canonical)

    def __repr__(self) -> str:
        return f"EventPattern({self._canonical!r})"
