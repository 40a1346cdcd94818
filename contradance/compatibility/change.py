"""One difference between two schemas, and the directions of compatibility that it breaks."""

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
    NEITHER: "breaks nothing",
    BACKWARD: "new consumers refuse old events",
    FORWARD: "old consumers refuse new events",
    BOTH: "new consumers refuse old events, and old consumers refuse new events",
}


class CannotProveError(Exception):
    """A keyword, named by the text, makes it undecidable what a schema allows. `compare` returns it as a change."""


@dataclass(frozen=True, slots=True)
class Change:
    """One difference between two schemas."""

    path: str
    """Where: `lines[].unit_price.amount`; empty for the whole value."""
    rule: str
    """The kind of difference, by a stable name such as `field-required`."""
    breaks: Breaks
    """The directions that it breaks; empty when it breaks neither."""
    message: str
    """The difference and its consequence, in one sentence."""


@dataclass(frozen=True, slots=True)
class RelativeChange:
    """A change whose path is relative to the schema that is being compared."""

    path: str
    rule: str
    breaks: Breaks
    predicate: str
    """The difference as the end of a sentence that begins with the path: `is now required`."""

    def below(self, step: str) -> "RelativeChange":
        """Return the change with `step` in front of its path."""
        joint = "." if step and self.path and not self.path.startswith("[") else ""
        return replace(self, path=f"{step}{joint}{self.path}")

    def only_breaking(self, breaks: Breaks) -> "RelativeChange":
        """Return the change without the directions that are not in `breaks`."""
        return replace(self, breaks=self.breaks & breaks)

    def to_change(self) -> Change:
        """Return the change with its message: the path, the predicate and which consumers refuse which events."""
        place = self.path or "the value"
        return Change(self.path, self.rule, self.breaks, f"{place} {self.predicate}: {_HARM[self.breaks]}.")


def breaking(*, backward: bool, forward: bool) -> Breaks:
    """Return the directions whose argument is True."""
    return (BACKWARD if backward else NEITHER) | (FORWARD if forward else NEITHER)


def unproven_change(keyword: str, breaks: Breaks) -> RelativeChange:
    """Return the change of a keyword that cannot be proved safe, so that it counts as breaking `breaks`."""
    return RelativeChange("", "cannot-prove", breaks, f"changes {keyword}, which cannot be proved safe")
