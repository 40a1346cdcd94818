"""One branch of a pattern, compiled: quick checks of its fields, and the complete matcher for arrays of objects."""

from collections.abc import Mapping

from contradance.pattern.alternatives import Alternatives
from contradance.pattern.arrays import Consistent
from contradance.pattern.leaves import FieldCheck, field_check


class PatternBranch:
    """A set of fields with their alternatives; an event matches when every field does."""

    __slots__ = ("_checks", "_consistent", "_fields")

    def __init__(self, fields: Mapping[str, Alternatives]) -> None:
        self._fields = fields
        self._checks: dict[str, FieldCheck] | None = None
        self._consistent: Consistent | None = None

    @property
    def fields(self) -> Mapping[str, Alternatives]:
        """The alternatives of each field, by its dotted path."""
        return self._fields

    def matches(self, event: Mapping[str, object]) -> bool:
        """Return whether every field of the branch matches an event."""
        for passes in (self._checks or self._compile()).values():
            verdict = passes(event)
            if verdict is None:
                return self.matches_completely(event)
            if not verdict:
                return False
        return True

    def matches_completely(self, event: Mapping[str, object]) -> bool:
        """Return the same as `matches`, by the complete matcher: slower, but it can decide every event."""
        if self._consistent is None:
            self._consistent = Consistent(self._fields)
        return self._consistent.matches(event)

    def check_except(self, matched: str | None) -> FieldCheck | None:
        """Return a check of all fields except the one that has `matched` already; None when no field is left."""
        checks = [passes for path, passes in (self._checks or self._compile()).items() if path != matched]
        if len(checks) < 2:  # noqa: PLR2004 - one needs no loop around it
            return checks[0] if checks else None

        def check_all(event: Mapping[str, object]) -> bool | None:
            """Return the first result that is not True: False, or None for an undecided field; else True."""
            for passes in checks:
                verdict = passes(event)
                if not verdict:
                    return verdict
            return True

        return check_all

    def _compile(self) -> dict[str, FieldCheck]:
        """Compile, store and return the check of each field, by its path."""
        self._checks = {path: field_check(path, alternatives) for path, alternatives in self._fields.items()}
        return self._checks
