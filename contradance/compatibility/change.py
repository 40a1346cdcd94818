"""What `compare` returns: one difference between two schemas, and whom it breaks."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Final, Literal, TypeAlias

Direction = Literal["backward", "forward"]
"""`backward`: new consumers and old events, the archive included. `forward`: old consumers and new events."""
Breaks: TypeAlias = frozenset[Direction]

NEITHER: Final[Breaks] = frozenset()
BACKWARD: Final[Breaks] = frozenset({"backward"})
FORWARD: Final[Breaks] = frozenset({"forward"})
BOTH: Final[Breaks] = BACKWARD | FORWARD

_HARM: Final = {
    NEITHER: "nobody minds",
    BACKWARD: "new consumers refuse events published before",
    FORWARD: "consumers of before refuse new events",
    BOTH: "new consumers refuse events published before, and consumers of before refuse new events",
}


class CannotProveError(Exception):
    """What a schema allows cannot be told; the text says which keyword is to blame. `compare` turns it into a change."""


@dataclass(frozen=True, slots=True)
class Change:
    """One difference between two schemas."""

    path: str
    """Where: `lines[].unit_price.amount`; empty for the whole."""
    rule: str
    """What kind of difference it is, by a name that stays."""
    breaks: Breaks
    """Which of the two ways of reading it breaks; empty where it breaks neither."""
    message: str
    """A sentence a person understands."""


@dataclass(frozen=True, slots=True)
class RelativeChange:
    """A change on its way up: its path is relative to where it is looked from."""

    path: str
    rule: str
    breaks: Breaks
    told: str
    """What is different, to stand behind the path: `is now required`."""

    def below(self, step: str) -> "RelativeChange":
        """Return it as seen from one step above."""
        joint = "." if step and self.path and not self.path.startswith("[") else ""
        return replace(self, path=f"{step}{joint}{self.path}")

    def only(self, breaks: Breaks) -> "RelativeChange":
        """Return it, with no other breaks than these."""
        return replace(self, breaks=self.breaks & breaks)

    def change(self) -> Change:
        """Return it as it is told to a person."""
        place = self.path or "the whole"
        return Change(self.path, self.rule, self.breaks, f"{place} {self.told}: {_HARM[self.breaks]}.")


def below(step: str, findings: Iterable[RelativeChange]) -> Iterator[RelativeChange]:
    """Yield findings as seen from one step above."""
    return (finding.below(step) for finding in findings)


def breaking(*, backward: bool, forward: bool) -> Breaks:
    """Return the directions that are broken."""
    return (BACKWARD if backward else NEITHER) | (FORWARD if forward else NEITHER)


def unproven(keyword: str, breaks: Breaks) -> RelativeChange:
    """Return the finding that says that nobody can tell."""
    return RelativeChange("", "cannot-prove", breaks, f"changes {keyword}, which cannot be proved safe")
