"""Compares lists, tuples and sets."""

from collections.abc import Callable, Iterator

from contradance.compatibility.branch import Arrays
from contradance.compatibility.change import BACKWARD, FORWARD, RelativeChange, breaking
from contradance.compatibility.document import Spot
from contradance.compatibility.scalars import compare_lower_limits, compare_upper_limits


def compare_arrays(
    old: Arrays, new: Arrays, findings: Callable[[Spot, Spot], tuple[RelativeChange, ...]]
) -> Iterator[RelativeChange]:
    """Yield the differences between the constraints on two lists; `findings` compares their items."""
    yield from compare_lower_limits("min-items", "items", old.least, new.least)
    yield from compare_upper_limits("max-items", "items", old.longest, new.longest)
    if new.unique and not old.unique:
        yield RelativeChange("", "unique-items", BACKWARD, "must now have unique items")
    if old.unique and not new.unique:
        yield RelativeChange("", "unique-items", FORWARD, "may now have duplicate items")
    length = max(len(old.first), len(new.first))
    for index in range(length + 1):
        may_have = breaking(backward=_may_reach(old, index), forward=_may_reach(new, index))
        step = f"[{index}]" if index < length else "[]"
        for finding in findings(old.schemas_at(index), new.schemas_at(index)) if may_have else ():
            yield finding.only_breaking(may_have).below(step)


def _may_reach(branch: Arrays, index: int) -> bool:
    """Whether a list may have an item at `index`."""
    return branch.longest is None or index < branch.longest
