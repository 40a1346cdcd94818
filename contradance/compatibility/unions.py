"""Compares choices between alternatives of one kind: mostly unions of models."""

from collections.abc import Callable, Iterator, Mapping, Sequence

from contradance.compatibility.branch import Objects, SchemaBranch
from contradance.compatibility.change import BACKWARD, FORWARD, NEITHER, RelativeChange, breaking
from contradance.compatibility.values import listed

CompareBranches = Callable[[SchemaBranch, SchemaBranch], tuple[RelativeChange, ...]]


def alternatives(
    olds: Sequence[SchemaBranch], news: Sequence[SchemaBranch], compare: CompareBranches
) -> Iterator[RelativeChange]:
    """Yield the differences between two choices.

    One of the consumer's alternatives must accept everything that a publisher's alternative publishes. Alternatives are
    paired only to make the messages readable.
    """
    if len(olds) == len(news) == 1:
        yield from compare(olds[0], news[0])
        return
    taken = [any(_reads(old, new, compare) for new in news) for old in olds]
    known = [any(_reads(new, old, compare) for old in olds) for new in news]
    pairs = _pairs(olds, news, compare)
    for old, new in pairs:
        harmed = breaking(backward=not taken[old], forward=not known[new])
        yield from (finding.only(harmed) for finding in compare(olds[old], news[new]))
    for index, branch in enumerate(olds):
        if index not in {old for old, _ in pairs}:
            breaks = NEITHER if taken[index] else BACKWARD
            yield RelativeChange(
                "", "alternative-removed", breaks, f"no longer has the alternative {_describe(branch)}"
            )
    for index, branch in enumerate(news):
        if index not in {new for _, new in pairs}:
            breaks = NEITHER if known[index] else FORWARD
            yield RelativeChange("", "alternative-added", breaks, f"has a new alternative, {_describe(branch)}")


def _reads(writer: SchemaBranch, reader: SchemaBranch, compare: CompareBranches) -> bool:
    return not any("backward" in finding.breaks for finding in compare(writer, reader))


def _pairs(
    olds: Sequence[SchemaBranch], news: Sequence[SchemaBranch], compare: CompareBranches
) -> list[tuple[int, int]]:
    """Return pairs of indexes of alternatives: equal ones first, then equal names, then the most similar unnamed ones."""
    left, right = list(range(len(olds))), list(range(len(news)))
    pairs: list[tuple[int, int]] = []

    def take(old: int, new: int) -> None:
        pairs.append((old, new))
        left.remove(old)
        right.remove(new)

    def take_all(belong: Callable[[SchemaBranch, SchemaBranch], bool]) -> None:
        for old in [*left]:
            new = next((one for one in right if belong(olds[old], news[one])), None)
            if new is not None:
                take(old, new)

    take_all(lambda old, new: not compare(old, new))
    take_all(lambda old, new: bool(_name(old)) and _name(old) == _name(new))
    while near := [
        (_distance(compare(olds[old], news[new])), old, new)
        for old in left
        for new in right
        if not (_name(olds[old]) and _name(news[new]))
    ]:
        take(*min(near)[1:])
    return sorted(pairs)


def _distance(findings: tuple[RelativeChange, ...]) -> int:
    return sum(len(finding.breaks) for finding in findings)


def _name(branch: SchemaBranch) -> str:
    """Return the name of an alternative: its tag, else its title."""
    if isinstance(branch, Objects):
        for field in sorted(branch.required & branch.fields.keys()):
            for place in branch.fields[field]:
                if isinstance(place.schema, Mapping) and "const" in place.schema:
                    return f"{field} = {listed([place.schema['const']])}"
    return branch.title


def _describe(branch: SchemaBranch) -> str:
    return _name(branch) or f"of kind {branch.kind}"
