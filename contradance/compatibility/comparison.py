"""Compares two schemas by walking them side by side.

A pair of places that occurs again inside itself, as in a tree of comments, is assumed to be equal during its own visit:
the first visit finds every difference. A result that depends on such an assumption is not cached.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from contradance.compatibility.arrays import items
from contradance.compatibility.branch import Arrays, Numbers, Objects, SchemaBranch, Strings
from contradance.compatibility.change import (
    BACKWARD,
    BOTH,
    FORWARD,
    CannotProveError,
    RelativeChange,
    breaking,
    unproven,
)
from contradance.compatibility.document import Document, LocatedSchema, Spot, SpotKey, key_of, text_of
from contradance.compatibility.normal_form import branches, disjoint
from contradance.compatibility.objects import fields
from contradance.compatibility.scalars import numbers, permits, texts
from contradance.compatibility.unions import alternatives
from contradance.compatibility.values import KINDS, JsonKind, kind_of, listed, same

MAX_PLACES: Final = 20_000
"""Most pairs of places that one comparison visits; contracts have hundreds."""
_KIND_NAMES: Final[Mapping[JsonKind, str]] = {
    "null": "null",
    "boolean": "a boolean",
    "number": "a number",
    "string": "a text",
    "array": "a list",
    "object": "an object",
}

_Pair = tuple[SpotKey, SpotKey]


class TooLargeError(Exception):
    """The schemas have more places than `MAX_PLACES`."""


class Comparison:
    """One comparison of two documents; it caches the findings of each pair of places."""

    def __init__(self) -> None:
        self._known: dict[_Pair, tuple[RelativeChange, ...]] = {}
        self._visited: dict[_Pair, int] = {}
        """Depth of each pair that is being visited."""
        self._places = 0
        self._made = Document(True)  # noqa: FBT003 - the schema that allows anything
        self._assumed = MAX_PLACES
        """Depth of the outermost pair that was assumed to be equal since the visit of the current pair began."""

    def findings(self, old: Spot, new: Spot) -> tuple[RelativeChange, ...]:
        """Return the differences between two places, with paths relative to them.

        Raises:
            TooLargeError: the schemas have more than `MAX_PLACES` pairs of places.
        """
        old, new = (tuple(place.followed() for place in spot) for spot in (old, new))
        pair = (key_of(old), key_of(new))
        if pair in self._known:
            return self._known[pair]
        if pair in self._visited:
            self._assumed = min(self._assumed, self._visited[pair])
            return ()
        self._places += 1
        if self._places > MAX_PLACES:
            raise TooLargeError
        depth = self._visited[pair] = len(self._visited)
        outer, self._assumed = self._assumed, MAX_PLACES
        try:
            found = tuple(dict.fromkeys(self._walk(old, new)))
        except CannotProveError as blame:
            found = (unproven(str(blame), BOTH),)
        finally:
            del self._visited[pair]
        if self._assumed >= depth:
            self._known[pair] = found
            self._assumed = outer
        else:
            self._assumed = min(outer, self._assumed)
        return found

    def reads(self, writer: Spot, reader: Spot) -> bool:
        """Whether a consumer with the schema `reader` accepts everything that a publisher with `writer` publishes."""
        return not any("backward" in finding.breaks for finding in self.findings(writer, reader))

    def made(self, schema: Mapping[str, object]) -> Spot:
        """Return a spot with a schema that is in neither document."""
        return (LocatedSchema(self._made.keep(schema), self._made),)

    def _walk(self, old: Spot, new: Spot) -> Iterator[RelativeChange]:
        if text_of(old) == text_of(new) and _as_written(old) == _as_written(new):
            return
        olds, news = branches(old), branches(new)
        was, now = ({branch.kind for branch in side} for side in (olds, news))
        if len(was) == len(now) == 1 and was != now:
            (before,), (after,) = was, now
            yield RelativeChange("", "type-changed", BOTH, f"is now {_KIND_NAMES[after]}, was {_KIND_NAMES[before]}")
            return
        for kind in KINDS:
            if (kind in was) == (kind in now):
                one, two = ([each for each in side if each.kind == kind] for side in (olds, news))
                yield from alternatives(one, two, self.pair)
            else:
                yield _kind_added(kind) if kind in now else _kind_removed(kind)

    def pair(self, old: SchemaBranch, new: SchemaBranch) -> tuple[RelativeChange, ...]:
        """Return the differences between two branches of one kind."""
        return tuple(self._differences(old, new))

    def _differences(self, old: SchemaBranch, new: SchemaBranch) -> Iterator[RelativeChange]:
        yield from _opaque(old, new)
        if not self._excludes(old, new):
            yield unproven("`oneOf`: more than one alternative may fit", BACKWARD)
        if not self._excludes(new, old):
            yield unproven("`oneOf`: more than one alternative may fit", FORWARD)
        if old.values is None and new.values is None:
            yield from self._keywords(old, new)
        else:
            yield from self._values(old, new)

    def _keywords(self, old: SchemaBranch, new: SchemaBranch) -> Iterator[RelativeChange]:
        match old, new:
            case Numbers(), Numbers():
                yield from numbers(old, new)
            case Strings(), Strings():
                yield from texts(old, new)
            case Arrays(), Arrays():
                yield from items(old, new, self.findings)
            case Objects(), Objects():
                yield from fields(old, new, self)
            case _:
                pass

    def _values(self, old: SchemaBranch, new: SchemaBranch) -> Iterator[RelativeChange]:
        """Yield the differences between two branches when at least one of them lists its values."""
        refused = [value for value in old.values or () if not self._takes(new, value)]
        added = [value for value in new.values or () if not self._takes(old, value)]
        if old.values is None:
            text = f"is now one of {listed(new.values or ())}"
            yield RelativeChange("", "values-listed", breaking(backward=True, forward=bool(added)), text)
        elif new.values is None:
            text = f"is no longer one of {listed(old.values)}, but any value"
            yield RelativeChange("", "values-unlisted", breaking(backward=bool(refused), forward=True), text)
        else:
            if refused:
                yield RelativeChange("", "values-removed", BACKWARD, f"may no longer be {listed(refused)}")
            if added:
                yield RelativeChange("", "values-added", FORWARD, f"may now also be {listed(added)}")

    def _takes(self, reader: SchemaBranch, value: Any) -> bool:
        """Whether a consumer certainly accepts a value."""
        if reader.values is not None and same(value) not in map(same, reader.values):
            return False
        if not isinstance(reader, Arrays | Objects) or reader.values is not None:
            return permits(reader, value)
        return not any("backward" in finding.breaks for finding in self._keywords(self._literal(value), reader))

    def _literal(self, value: Any) -> SchemaBranch:
        """Return the branch that allows exactly one list or object."""
        if kind_of(value) == "object":
            inner = {name: self.made({"const": value[name]}) for name in value}
            return Objects(fields=inner, required=frozenset(value), closed=True)
        return Arrays(first=tuple(self.made({"const": one}) for one in value), least=len(value), most=len(value))

    def _excludes(self, writer: SchemaBranch, reader: SchemaBranch) -> bool:
        """Whether no value of `writer` satisfies a rival of `reader`."""
        known = {text_of(rival) for rival in writer.rivals}
        return all(
            text_of(rival) in known or all(disjoint(writer, branch) for branch in branches(rival))
            for rival in reader.rivals
        )


def _as_written(spot: Spot) -> set[bool]:
    return {place.as_written for place in spot}


def _opaque(old: SchemaBranch, new: SchemaBranch) -> Iterator[RelativeChange]:
    """Yield the keywords that are compared as text and differ."""
    for keyword in sorted({keyword for keyword, _ in old.opaque ^ new.opaque}):
        was, now = ({one for one in side.opaque if one[0] == keyword} for side in (old, new))
        yield unproven(keyword, breaking(backward=bool(now - was), forward=bool(was - now)))


def _kind_removed(kind: JsonKind) -> RelativeChange:
    rule = "null-refused" if kind == "null" else "type-removed"
    return RelativeChange("", rule, BACKWARD, f"may no longer be {_KIND_NAMES[kind]}")


def _kind_added(kind: JsonKind) -> RelativeChange:
    rule = "null-allowed" if kind == "null" else "type-added"
    return RelativeChange("", rule, FORWARD, f"may now be {_KIND_NAMES[kind]}")
