"""Compares two schemas by walking them side by side.

A pair of places that occurs again inside itself, as in a tree of comments, is assumed to be equal during its own visit:
the first visit finds every difference. A result that depends on such an assumption is not cached.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from contradance.compatibility.arrays import compare_arrays
from contradance.compatibility.branch import Arrays, Numbers, Objects, SchemaBranch, Strings
from contradance.compatibility.change import (
    BACKWARD,
    BOTH,
    FORWARD,
    CannotProveError,
    RelativeChange,
    breaking,
    unproven_change,
)
from contradance.compatibility.document import Document, LocatedSchema, Spot, SpotKey, key_of, text_of
from contradance.compatibility.normal_form import branches, disjoint
from contradance.compatibility.objects import compare_objects
from contradance.compatibility.scalars import compare_numbers, compare_strings, permits
from contradance.compatibility.unions import compare_alternatives
from contradance.compatibility.values import KINDS, JsonKind, equality_key, format_values, kind_of

MAX_PLACES: Final = 20_000
"""Most pairs of places that one comparison visits; contracts have hundreds."""
MAX_DEPTH: Final = 100
"""Most places inside each other that one comparison visits, whatever recursion limit the process has."""
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


class TooDeepError(Exception):
    """The schemas have more places inside each other than `MAX_DEPTH`."""


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
        """Return the differences between two spots, each once; the paths begin at the spots.

        Raises:
            TooLargeError: the schemas have more than `MAX_PLACES` pairs of places.
            TooDeepError: more than `MAX_DEPTH` of them are inside each other.
        """
        old, new = (tuple(place.dereferenced() for place in spot) for spot in (old, new))
        pair = (key_of(old), key_of(new))
        if pair in self._known:
            return self._known[pair]
        if pair in self._visited:
            self._assumed = min(self._assumed, self._visited[pair])
            return ()
        self._places += 1
        if self._places > MAX_PLACES:
            raise TooLargeError
        if len(self._visited) > MAX_DEPTH:
            raise TooDeepError
        depth = self._visited[pair] = len(self._visited)
        outer, self._assumed = self._assumed, MAX_PLACES
        try:
            found = tuple(dict.fromkeys(self._compare_spots(old, new)))
        except CannotProveError as blame:
            found = (unproven_change(str(blame), BOTH),)
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

    def spot_with(self, schema: Mapping[str, object]) -> Spot:
        """Return a spot with a schema that is in neither document."""
        return (LocatedSchema(self._made.keep(schema), self._made),)

    def _compare_spots(self, old: Spot, new: Spot) -> Iterator[RelativeChange]:
        """Yield the differences between two spots: the kinds of values, and the branches of each kind."""
        if text_of(old) == text_of(new) and _as_written_flags(old) == _as_written_flags(new):
            return
        olds, news = branches(old), branches(new)
        was, now = _kinds_in(olds), _kinds_in(news)
        if len(was) == len(now) == 1 and was != now:
            (before,), (after,) = was, now
            yield RelativeChange("", "type-changed", BOTH, f"is now {_KIND_NAMES[after]}, was {_KIND_NAMES[before]}")
            return
        for kind in KINDS:
            if (kind in was) == (kind in now):
                one, two = ([each for each in side if each.kind == kind] for side in (olds, news))
                yield from compare_alternatives(one, two, self.compare_branches)
            else:
                yield _kind_added(kind) if kind in now else _kind_removed(kind)

    def compare_branches(self, old: SchemaBranch, new: SchemaBranch) -> tuple[RelativeChange, ...]:
        """Return the differences between two branches of one kind, of all their constraints."""
        return tuple(self._compare_constraints(old, new))

    def _compare_constraints(self, old: SchemaBranch, new: SchemaBranch) -> Iterator[RelativeChange]:
        """Yield the differences of two branches of one kind; a `oneOf` that may fit twice is unproven."""
        yield from _compare_opaque(old, new)
        if not self._excludes_rivals(old, new):
            yield unproven_change("`oneOf`: more than one alternative may fit", BACKWARD)
        if not self._excludes_rivals(new, old):
            yield unproven_change("`oneOf`: more than one alternative may fit", FORWARD)
        if old.values is None and new.values is None:
            yield from self._compare_keywords(old, new)
        else:
            yield from self._compare_values(old, new)

    def _compare_keywords(self, old: SchemaBranch, new: SchemaBranch) -> Iterator[RelativeChange]:
        """Yield the differences in the keywords of a kind; none for null and booleans."""
        match old, new:
            case Numbers(), Numbers():
                yield from compare_numbers(old, new)
            case Strings(), Strings():
                yield from compare_strings(old, new)
            case Arrays(), Arrays():
                yield from compare_arrays(old, new, self.findings)
            case Objects(), Objects():
                yield from compare_objects(old, new, self)
            case _:
                pass

    def _compare_values(self, old: SchemaBranch, new: SchemaBranch) -> Iterator[RelativeChange]:
        """Yield the differences between two branches when at least one of them lists its values."""
        refused = [value for value in old.values or () if not self._accepts_value(new, value)]
        added = [value for value in new.values or () if not self._accepts_value(old, value)]
        if old.values is None:
            text = f"is now one of {format_values(new.values or ())}"
            yield RelativeChange("", "values-listed", breaking(backward=True, forward=bool(added)), text)
        elif new.values is None:
            text = f"is no longer one of {format_values(old.values)}, but any value"
            yield RelativeChange("", "values-unlisted", breaking(backward=bool(refused), forward=True), text)
        else:
            if refused:
                yield RelativeChange("", "values-removed", BACKWARD, f"may no longer be {format_values(refused)}")
            if added:
                yield RelativeChange("", "values-added", FORWARD, f"may now also be {format_values(added)}")

    def _accepts_value(self, reader: SchemaBranch, value: Any) -> bool:
        """Whether a consumer with the branch `reader` certainly accepts a value."""
        if reader.values is not None and equality_key(value) not in map(equality_key, reader.values):
            return False
        if not isinstance(reader, Arrays | Objects) or reader.values is not None:
            return permits(reader, value)
        return not any(
            "backward" in finding.breaks for finding in self._compare_keywords(self._branch_of_literal(value), reader)
        )

    def _branch_of_literal(self, value: Any) -> SchemaBranch:
        """Return the branch that allows exactly one list or object."""
        if kind_of(value) == "object":
            inner = {name: self.spot_with({"const": value[name]}) for name in value}
            return Objects(fields=inner, required=frozenset(value), closed=True)
        return Arrays(first=tuple(self.spot_with({"const": one}) for one in value), least=len(value), most=len(value))

    def _excludes_rivals(self, writer: SchemaBranch, reader: SchemaBranch) -> bool:
        """Whether certainly no value of `writer` satisfies a rival of `reader` that `writer` lacks."""
        known = {text_of(rival) for rival in writer.rivals}
        return all(
            text_of(rival) in known or all(disjoint(writer, branch) for branch in branches(rival))
            for rival in reader.rivals
        )


def _kinds_in(side: Iterable[SchemaBranch]) -> set[JsonKind]:
    """Return the kinds of these branches."""
    return {branch.kind for branch in side}


def _as_written_flags(spot: Spot) -> set[bool]:
    """Return the values of `as_written` in a spot."""
    return {place.as_written for place in spot}


def _compare_opaque(old: SchemaBranch, new: SchemaBranch) -> Iterator[RelativeChange]:
    """Yield an unproven change per differing text keyword: added breaks backward, removed forward, changed both."""
    for keyword in sorted({keyword for keyword, _ in old.opaque ^ new.opaque}):
        was, now = ({one for one in side.opaque if one[0] == keyword} for side in (old, new))
        yield unproven_change(keyword, breaking(backward=bool(now - was), forward=bool(was - now)))


def _kind_removed(kind: JsonKind) -> RelativeChange:
    """Return the change when values may no longer be of a kind."""
    rule = "null-refused" if kind == "null" else "type-removed"
    return RelativeChange("", rule, BACKWARD, f"may no longer be {_KIND_NAMES[kind]}")


def _kind_added(kind: JsonKind) -> RelativeChange:
    """Return the change when values may now be of a kind."""
    rule = "null-allowed" if kind == "null" else "type-added"
    return RelativeChange("", rule, FORWARD, f"may now be {_KIND_NAMES[kind]}")
