"""Compares choices between alternatives of one kind: mostly unions of models."""

from collections.abc import Callable, Iterator, Mapping, Sequence

from contradance.compatibility.branch import Objects, SchemaBranch
from contradance.compatibility.change import BACKWARD, FORWARD, NEITHER, RelativeChange, breaking
from contradance.compatibility.values import format_values

CompareBranches = Callable[[SchemaBranch, SchemaBranch], tuple[RelativeChange, ...]]


def compare_alternatives(
    olds: Sequence[SchemaBranch], news: Sequence[SchemaBranch], compare: CompareBranches
) -> Iterator[RelativeChange]:
    """Yield the differences between two choices of branches of one kind; alternatives may be removed and added.

    One of the consumer's alternatives must accept everything that a publisher's alternative publishes. Alternatives are
    paired only to make the messages readable.
    """
    if len(olds) == len(news) == 1:
        yield from compare(olds[0], news[0])
        return
    taken = [any(_accepts(old, new, compare) for new in news) for old in olds]
    known = [any(_accepts(new, old, compare) for old in olds) for new in news]
    pairs = _pair_alternatives(olds, news, compare)
    for old, new in pairs:
        harmed = breaking(backward=not taken[old], forward=not known[new])
        yield from (finding.only_breaking(harmed) for finding in compare(olds[old], news[new]))
    for index, branch in enumerate(olds):
        if index not in {old for old, _ in pairs}:
            breaks = NEITHER if taken[index] else BACKWARD
            yield RelativeChange(
                "", "alternative-removed", breaks, f"no longer has the alternative {_describe_alternative(branch)}"
            )
    for index, branch in enumerate(news):
        if index not in {new for _, new in pairs}:
            breaks = NEITHER if known[index] else FORWARD
            yield RelativeChange(
                "", "alternative-added", breaks, f"has a new alternative, {_describe_alternative(branch)}"
            )


def _accepts(writer: SchemaBranch, reader: SchemaBranch, compare: CompareBranches) -> bool:
    """Whether a consumer with the branch `reader` accepts everything that a publisher with `writer` publishes."""
    return not any("backward" in finding.breaks for finding in compare(writer, reader))


def _pair_alternatives(
    olds: Sequence[SchemaBranch], news: Sequence[SchemaBranch], compare: CompareBranches
) -> list[tuple[int, int]]:
    """Return pairs of indexes of alternatives: equal ones first, then of equal names, then similar unnamed ones."""
    left, right = list(range(len(olds))), list(range(len(news)))
    pairs: list[tuple[int, int]] = []

    def take(old: int, new: int) -> None:
        """Pair two alternatives, by their indexes."""
        pairs.append((old, new))
        left.remove(old)
        right.remove(new)

    def take_all(belong: Callable[[SchemaBranch, SchemaBranch], bool]) -> None:
        """Pair each old alternative with the first new one, both not yet paired, that belongs to it."""
        for old in [*left]:
            new = next((one for one in right if belong(olds[old], news[one])), None)
            if new is not None:
                take(old, new)

    take_all(lambda old, new: not compare(old, new))
    take_all(lambda old, new: bool(_tag_or_title(old)) and _tag_or_title(old) == _tag_or_title(new))
    while near := [
        (sum(len(finding.breaks) for finding in compare(olds[old], news[new])), old, new)
        for old in left
        for new in right
        if not (_tag_or_title(olds[old]) and _tag_or_title(news[new]))
    ]:
        take(*min(near)[1:])
    return sorted(pairs)


def _tag_or_title(branch: SchemaBranch) -> str:
    """Return the tag of an alternative as `kind = "card"`, else its title, else an empty text."""
    if isinstance(branch, Objects):
        for field in sorted(branch.required & branch.fields.keys()):
            for place in branch.fields[field]:
                if isinstance(place.schema, Mapping) and "const" in place.schema:
                    return f"{field} = {format_values([place.schema['const']])}"
    return branch.title


def _describe_alternative(branch: SchemaBranch) -> str:
    """Return the tag of an alternative as `kind = "card"`, else its title, else `of kind string`."""
    return _tag_or_title(branch) or f"of kind {branch.kind}"
