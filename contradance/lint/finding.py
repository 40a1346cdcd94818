"""One thing that a choreography leaves unfinished."""

from typing import NamedTuple


class Finding(NamedTuple):
    """What was found, why it matters, and what to do."""

    kind: str
    """Name of the rule: `unheard`."""
    about: str
    """What it is about: an event or functions, as `contradance list` names them."""
    says: str
    reason: str
    fix: str

    @property
    def name(self) -> str:
        """What it is accepted by: the rule, and what it is about."""
        return f"{self.kind} {self.about}"
