"""One problem that a lint rule found in a choreography."""

from typing import NamedTuple


class LintFinding(NamedTuple):
    """What was found, why it matters, and how to fix it."""

    kind: str
    """Name of the rule: `unconsumed`."""
    about: str
    """The event or the functions, as `contradance list` names them."""
    message: str
    reason: str
    fix: str

    @property
    def name(self) -> str:
        """The key that accepts the finding in pyproject.toml: `unconsumed library.loans/BookLent v1`."""
        return f"{self.kind} {self.about}"
