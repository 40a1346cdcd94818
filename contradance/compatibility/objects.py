"""Compares models and maps: named fields, required fields, other fields, keys and sizes.

A publisher publishes the fields that its schema names and no others, unless the schema allows others. A consumer reads
the fields that its schema names and ignores the others.
"""

from collections.abc import Iterator, Mapping
from typing import NamedTuple, Protocol

from contradance.compatibility.branch import Objects
from contradance.compatibility.change import BACKWARD, FORWARD, NEITHER, Breaks, RelativeChange, breaking
from contradance.compatibility.document import Spot, text_of


class Compare(Protocol):
    """The part of `Comparison` that this module uses."""

    def spot_with(self, schema: Mapping[str, object]) -> Spot:
        """Return a spot with a schema that is in neither document."""
        ...

    def findings(self, old: Spot, new: Spot) -> tuple[RelativeChange, ...]:
        """Return the differences between two spots."""
        ...

    def reads(self, writer: Spot, reader: Spot) -> bool:
        """Whether a consumer with `reader` accepts everything that a publisher with `writer` publishes."""
        ...


class _Lone(NamedTuple):
    """A field that one side names and the other does not."""

    name: str
    schemas: str
    """Canonical text of its schemas."""
    finding: RelativeChange


def compare_objects(old: Objects, new: Objects, compare: Compare) -> Iterator[RelativeChange]:
    """Yield the differences between the constraints on two objects, field by field."""
    removed: list[_Lone] = []
    added: list[_Lone] = []
    for name in sorted({*old.fields, *new.fields, *old.required, *new.required}):
        harmed = breaking(
            backward=_field_may_break(old, new, name, compare), forward=_field_may_break(new, old, name, compare)
        )
        was, now = (name in side.fields or name in side.required for side in (old, new))
        if was and now:
            yield from _compare_field(old, new, name, compare)
        elif was:
            removed.append(_Lone(name, text_of(old.schemas_of(name)), _removed_field(old, name, harmed)))
        else:
            added.append(_Lone(name, text_of(new.schemas_of(name)), _added_field(new, name, harmed)))
    yield from _removed_added_renamed(removed, added)
    yield from _compare_unnamed(old, new, compare)
    yield from _compare_names(old, new, compare)
    yield from _compare_counts(old, new)


def _field_may_break(writer: Objects, reader: Objects, name: str, compare: Compare) -> bool:
    """Whether a consumer may refuse an event because of a field that a publisher writes or omits."""
    if name in reader.required and name not in writer.required:
        return True
    if not writer.may_have(name):
        return False
    if reader.refuses_unnamed and (not reader.is_named(name) or name in reader.barred):
        return True
    return not compare.reads(writer.schemas_of(name), reader.schemas_of(name))


def _compare_field(old: Objects, new: Objects, name: str, compare: Compare) -> Iterator[RelativeChange]:
    """Yield the differences of a field that both sides name: required or not, its value, forbidden or not."""
    if name in new.required and name not in old.required:
        yield RelativeChange(name, "field-required", BACKWARD, "is now required, but was optional")
    if name in old.required and name not in new.required:
        yield RelativeChange(name, "field-optional", FORWARD, "is now optional, but was required")
    may_have = breaking(backward=old.may_have(name), forward=new.may_have(name))
    inner = compare.findings(old.schemas_of(name), new.schemas_of(name))
    yield from (finding.only_breaking(may_have).below(name) for finding in inner)
    refused = breaking(
        backward=old.may_have(name) and new.refuses_unnamed and name in new.barred,
        forward=new.may_have(name) and old.refuses_unnamed and name in old.barred,
    )
    if refused:
        yield RelativeChange(name, "unknown-fields", refused, "is forbidden by another part of the schema")


def _removed_field(old: Objects, name: str, harmed: Breaks) -> RelativeChange:
    """Return the change of a field that only the old side names, which breaks `harmed`."""
    kind = "required" if name in old.required else "optional"
    return RelativeChange(name, f"{kind}-field-removed", harmed, f"was {kind}, and is removed")


def _added_field(new: Objects, name: str, harmed: Breaks) -> RelativeChange:
    """Return the change of a field that only the new side names, which breaks `harmed`."""
    kind = "required" if name in new.required else "optional"
    return RelativeChange(name, f"{kind}-field-added", harmed, f"is new, and {kind}")


def _removed_added_renamed(removed: list[_Lone], added: list[_Lone]) -> Iterator[RelativeChange]:
    """Yield the removed and the added fields; a pair that alone has its schema is one renamed field."""
    for lone in [*removed]:
        twins = [[one for one in side if one.schemas == lone.schemas] for side in (removed, added)]
        if list(map(len, twins)) == [1, 1] and lone.schemas:
            (new,) = twins[1]
            removed.remove(lone)
            added.remove(new)
            breaks = lone.finding.breaks | new.finding.breaks
            text = f"is removed, and {new.name} of the same type is new, as when a field is renamed"
            yield RelativeChange(lone.name, "field-renamed", breaks, text)
    yield from (lone.finding for lone in (*removed, *added))


def _compare_unnamed(old: Objects, new: Objects, compare: Compare) -> Iterator[RelativeChange]:
    """Yield the differences of fields that are not named: mostly a map's values."""
    harmed = breaking(backward=_unnamed_may_break(old, new, compare), forward=_unnamed_may_break(new, old, compare))
    shared = [
        (f"/{pattern}/", spot, new.patterns[pattern])
        for pattern, spot in old.patterns.items()
        if pattern in new.patterns
    ]
    if old.others is not None and new.others is not None:
        shared.append(("*", old.others, new.others))
    explained = NEITHER
    for step, was, now in shared:
        for finding in compare.findings(was, now):
            explained |= finding.breaks & harmed
            yield finding.only_breaking(harmed).below(step)
    if harmed - explained:
        yield RelativeChange("", "unknown-fields", harmed - explained, "has changed which unnamed fields are allowed")
    elif old.open != new.open:
        text = "may now have fields that are not named" if new.open else "may no longer have fields that are not named"
        yield RelativeChange("", "unknown-fields", NEITHER, text)


def _unnamed_may_break(writer: Objects, reader: Objects, compare: Compare) -> bool:
    """Whether a consumer may refuse a field that neither side names: one of a publisher's pattern, or any other."""
    sorts: list[tuple[str | None, Spot]] = [*writer.patterns.items()]
    sorts += [(None, writer.others or ())] if writer.open else []
    for pattern, published in sorts:
        wanted = [
            spot for other, spot in reader.patterns.items() if pattern is not None or other not in writer.patterns
        ]
        if pattern is None or pattern not in reader.patterns:
            if reader.refuses_unnamed:
                return True
            wanted.append(reader.others or ())
        if not all(compare.reads(published, spot) for spot in wanted):
            return True
    return False


def _compare_names(old: Objects, new: Objects, compare: Compare) -> Iterator[RelativeChange]:
    """Yield the differences of the allowed field names: mostly a map's keys."""
    harmed = breaking(backward=_names_may_break(old, new, compare), forward=_names_may_break(new, old, compare))
    explained = NEITHER
    for finding in compare.findings(old.names, new.names) if old.names and new.names else ():
        explained |= finding.breaks & harmed
        yield finding.only_breaking(harmed).below("(key)")
    if harmed - explained:
        yield RelativeChange("(key)", "keys", harmed - explained, "may no longer be every key that was allowed")


def _names_may_break(writer: Objects, reader: Objects, compare: Compare) -> bool:
    """Whether a consumer may refuse the name of a field that a publisher publishes."""
    if not reader.names:
        return False
    published: list[Spot] = [compare.spot_with({"const": name}) for name in writer.fields if writer.may_have(name)]
    published += [
        compare.spot_with({"type": "string", "pattern": pattern}) + writer.names for pattern in writer.patterns
    ]
    published += [compare.spot_with({"type": "string"}) + writer.names] if writer.open else []
    return not all(compare.reads(spot, reader.names) for spot in published)


def _compare_counts(old: Objects, new: Objects) -> Iterator[RelativeChange]:
    """Yield the difference of the allowed number of fields; nothing when it is equal."""
    if (old.least, old.most) != (new.least, new.most):
        was, now = (f"{side.least} to {'any number of' if side.most is None else side.most}" for side in (old, new))
        breaks = breaking(backward=_count_may_break(old, new), forward=_count_may_break(new, old))
        yield RelativeChange("", "field-count", breaks, f"must now have {now} fields, was {was}")


def _count_may_break(writer: Objects, reader: Objects) -> bool:
    """Whether a publisher may publish fewer or more fields than a consumer allows."""
    most = writer.most_fields
    return reader.least > writer.fewest_fields or (reader.most is not None and (most is None or most > reader.most))
