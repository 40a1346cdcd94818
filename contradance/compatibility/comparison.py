"""The comparison itself: two schemas, walked side by side.

A pair of places that is met again inside itself, as in a tree of comments, is taken to be the same while it is looked
at: whatever differs is found at its first visit. What was concluded under such an assumption is not remembered.
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
"""Most pairs of places that one comparison looks at; contracts have hundreds."""
_SAID: Final[Mapping[JsonKind, str]] = {
    "null": "null",
    "boolean": "a boolean",
    "number": "a number",
    "string": "a text",
    "array": "a list",
    "object": "an object",
}

_Pair = tuple[SpotKey, SpotKey]


class TooLargeError(Exception):
    """The schemas have more places than a comparison looks at."""


class Comparison:
    """One comparison of two documents; `findings` is asked for every pair of places in turn."""

    def __init__(self) -> None:
        self._known: dict[_Pair, tuple[RelativeChange, ...]] = {}
        self._visited: dict[_Pair, int] = {}
        """Pairs that are being looked at, by how deep they lie."""
        self._places = 0
        self._made = Document(True)  # noqa: FBT003 - the schema that allows anything
        self._assumed = MAX_PLACES
        """Depth of the outermost pair that was assumed to be the same since the current one was begun."""

    def findings(self, old: Spot, new: Spot) -> tuple[RelativeChange, ...]:
        """Return how two places differ, with paths from there.

        Raises:
            TooLargeError: there is too much to compare.
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
        """Whether a consumer with the schema `reader` takes whatever a publisher with `writer` publishes."""
        return not any("backward" in finding.breaks for finding in self.findings(writer, reader))

    def made(self, schema: Mapping[str, object]) -> Spot:
        """Return a spot of a schema that is made up."""
        return (LocatedSchema(self._made.keep(schema), self._made),)

    def _walk(self, old: Spot, new: Spot) -> Iterator[RelativeChange]:
        if text_of(old) == text_of(new) and _as_written(old) == _as_written(new):
            return
        olds, news = branches(old), branches(new)
        was, now = ({branch.kind for branch in side} for side in (olds, news))
        if len(was) == len(now) == 1 and was != now:
            (before,), (after,) = was, now
            yield RelativeChange("", "type-changed", BOTH, f"is now {_SAID[after]}, was {_SAID[before]}")
            return
        for kind in KINDS:
            if kind in was and kind not in now:
                rule = "null-refused" if kind == "null" else "type-removed"
                yield RelativeChange("", rule, BACKWARD, f"may no longer be {_SAID[kind]}")
            elif kind in now and kind not in was:
                rule = "null-allowed" if kind == "null" else "type-added"
                yield RelativeChange("", rule, FORWARD, f"may now be {_SAID[kind]}")
            else:
                one, two = ([each for each in side if each.kind == kind] for side in (olds, news))
                yield from alternatives(one, two, self.pair)

    def pair(self, old: SchemaBranch, new: SchemaBranch) -> tuple[RelativeChange, ...]:
        """Return how two branches of one kind differ."""
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
        """Yield how branches differ of which one, or both, list their values."""
        refused = [value for value in old.values or () if not self._takes(new, value)]
        unheard = [value for value in new.values or () if not self._takes(old, value)]
        if old.values is None:
            told = f"is now one of {listed(new.values or ())}"
            yield RelativeChange("", "values-listed", breaking(backward=True, forward=bool(unheard)), told)
        elif new.values is None:
            told = f"is no longer one of {listed(old.values)}, but free"
            yield RelativeChange("", "values-unlisted", breaking(backward=bool(refused), forward=True), told)
        else:
            if refused:
                yield RelativeChange("", "values-removed", BACKWARD, f"may no longer be {listed(refused)}")
            if unheard:
                yield RelativeChange("", "values-added", FORWARD, f"may now also be {listed(unheard)}")

    def _takes(self, reader: SchemaBranch, value: Any) -> bool:
        """Whether it is certain that a consumer takes a value."""
        if reader.values is not None and same(value) not in map(same, reader.values):
            return False
        if not isinstance(reader, Arrays | Objects) or reader.values is not None:
            return permits(reader, value)
        return not any("backward" in finding.breaks for finding in self._keywords(self._literal(value), reader))

    def _literal(self, value: Any) -> SchemaBranch:
        """Return the branch of one list or object."""
        if kind_of(value) == "object":
            inner = {name: self.made({"const": value[name]}) for name in value}
            return Objects(fields=inner, required=frozenset(value), closed=True)
        return Arrays(first=tuple(self.made({"const": one}) for one in value), least=len(value), most=len(value))

    def _excludes(self, writer: SchemaBranch, reader: SchemaBranch) -> bool:
        """Whether nothing of `writer` satisfies what a value of `reader` must not satisfy as well."""
        known = {text_of(rival) for rival in writer.rivals}
        return all(
            text_of(rival) in known or all(disjoint(writer, branch) for branch in branches(rival))
            for rival in reader.rivals
        )


def _as_written(spot: Spot) -> set[bool]:
    return {place.as_written for place in spot}


def _opaque(old: SchemaBranch, new: SchemaBranch) -> Iterator[RelativeChange]:
    """Yield the keywords that nobody reasons about here and that are not the same."""
    for keyword in sorted({keyword for keyword, _ in old.opaque ^ new.opaque}):
        was, now = ({one for one in side.opaque if one[0] == keyword} for side in (old, new))
        yield unproven(keyword, breaking(backward=bool(now - was), forward=bool(was - now)))
