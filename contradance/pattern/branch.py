"""One branch of a pattern, compiled: quick checks of its fields, and the complete matcher where those cannot know."""

from collections.abc import Mapping

from contradance.pattern.alternatives import Alternatives
from contradance.pattern.arrays import Consistent
from contradance.pattern.leaves import FieldCheck, check


class PatternBranch:
    """The fields that an event must have, all of them, to match."""

    __slots__ = ("_checks", "_consistent", "_fields")

    def __init__(self, fields: Mapping[str, Alternatives]) -> None:
        self._fields = fields
        self._checks: dict[str, FieldCheck] | None = None
        self._consistent: Consistent | None = None

    @property
    def fields(self) -> Mapping[str, Alternatives]:
        """What each field may be, by its dotted path."""
        return self._fields

    def matches(self, event: Mapping[str, object]) -> bool:
        """Whether an event has every field as it should be."""
        for passes in (self._checks or self._compile()).values():
            verdict = passes(event)
            if verdict is None:
                return self.matches_completely(event)
            if not verdict:
                return False
        return True

    def matches_completely(self, event: Mapping[str, object]) -> bool:
        """Do the same the slow way, which is right for every event."""
        if self._consistent is None:
            self._consistent = Consistent(self._fields)
        return self._consistent.matches(event)

    def check(self, settled: str | None) -> FieldCheck | None:
        """One check of all fields but `settled`, which the quick way knows already. None when nothing is left."""
        checks = [passes for path, passes in (self._checks or self._compile()).items() if path != settled]
        if len(checks) < 2:  # noqa: PLR2004 - one needs no loop around it
            return checks[0] if checks else None

        def check_all(event: Mapping[str, object]) -> bool | None:
            for passes in checks:
                verdict = passes(event)
                if not verdict:
                    return verdict
            return True

        return check_all

    def _compile(self) -> dict[str, FieldCheck]:
        self._checks = {path: check(path, alternatives) for path, alternatives in self._fields.items()}
        return self._checks
