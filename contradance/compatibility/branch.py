"""The constraints on one kind of JSON value: the normal form in which schemas are compared.

A schema is a choice between branches; each branch has one kind and all constraints on values of that kind.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Any, NamedTuple

from contradance.compatibility.document import Spot
from contradance.compatibility.patterns import search_pattern
from contradance.compatibility.values import JsonKind


@dataclass(frozen=True, kw_only=True)
class SchemaBranch:
    """Constraints that every kind has; null and booleans have no others."""

    kind: JsonKind
    title: str = ""
    values: tuple[Any, ...] | None = None
    """The only allowed values; None when the schema does not list them."""
    opaque: frozenset[tuple[str, str]] = frozenset()
    """Keywords that are compared as text: (keyword, canonical text of its value)."""
    rivals: tuple[Spot, ...] = ()
    """The other schemas of a `oneOf`, which a value must not satisfy."""

    @property
    def empty(self) -> bool:
        """Whether the branch certainly allows no value: no value is listed."""
        return self.values == ()


class Bound(NamedTuple):
    """One end of a range of numbers."""

    at: Fraction
    included: bool = True

    def __str__(self) -> str:
        return f"{float(self.at):g}" if self.at.denominator > 1 else str(self.at)

    def admits_from_below(self, number: Fraction) -> bool:
        """Whether `number` is above this lower bound, or equal to it when the bound is included."""
        return number > self.at or (number == self.at and self.included)

    def admits_from_above(self, number: Fraction) -> bool:
        """Whether `number` is below this upper bound, or equal to it when the bound is included."""
        return number < self.at or (number == self.at and self.included)


@dataclass(frozen=True, kw_only=True)
class Numbers(SchemaBranch):
    """Constraints on numbers."""

    kind: JsonKind = "number"
    least: Bound | None = None
    most: Bound | None = None
    multiples: frozenset[Fraction] = frozenset()
    """Each value is a multiple of all of these; whole numbers are multiples of 1."""

    @property
    def whole(self) -> bool:
        """Whether every value is a whole number."""
        return any(multiple.denominator == 1 for multiple in self.multiples)

    def with_whole_bounds(self) -> "Numbers":
        """Return an equal branch, with inclusive bounds if all is whole: `exclusiveMinimum` 0 is `minimum` 1."""
        if not self.whole:
            return self
        least, most = self.least, self.most
        if least:
            up = -(-least.at // 1)
            least = Bound(Fraction(up + (up == least.at and not least.included)))
        if most:
            down = most.at // 1
            most = Bound(Fraction(down - (down == most.at and not most.included)))
        return replace(self, least=least, most=most)

    @property
    def empty(self) -> bool:
        """Whether the branch certainly allows no value: none is listed, or the bounds exclude each other."""
        if self.values == ():
            return True
        if self.least is None or self.most is None or self.least.at < self.most.at:
            return False
        return not (self.least.at == self.most.at and self.least.included and self.most.included)


@dataclass(frozen=True, kw_only=True)
class Strings(SchemaBranch):
    """Constraints on strings."""

    kind: JsonKind = "string"
    least: int = 0
    most: int | None = None
    patterns: frozenset[str] = frozenset()
    formats: frozenset[str] = frozenset()

    @property
    def empty(self) -> bool:
        """Whether the branch certainly allows no value: none is listed, or the lengths exclude each other."""
        return self.values == () or (self.most is not None and self.most < self.least)


@dataclass(frozen=True, kw_only=True)
class Arrays(SchemaBranch):
    """Constraints on lists, tuples and sets."""

    kind: JsonKind = "array"
    first: tuple[Spot, ...] = ()
    """Schemas of the first items, one by one."""
    rest: Spot = ()
    """Schemas of every item after `first`."""
    least: int = 0
    most: int | None = None
    unique: bool = False

    def schemas_at(self, index: int) -> Spot:
        """Return the schemas of the item at `index`, which is one of `first` or any of `rest`."""
        return self.first[index] if index < len(self.first) else self.rest

    @property
    def longest(self) -> int | None:
        """Upper limit of the number of items, None if unlimited: a list ends before an item whose schema is `false`."""
        spots = (*self.first, self.rest)
        end = next((index for index, spot in enumerate(spots) if any(place.schema is False for place in spot)), None)
        return smaller_limit(self.most, end)

    @property
    def empty(self) -> bool:
        """Whether the branch certainly allows no value: none is listed, or the lengths exclude each other."""
        return self.values == () or (self.longest is not None and self.longest < self.least)


@dataclass(frozen=True, kw_only=True)
class Objects(SchemaBranch):
    """Constraints on models and maps."""

    kind: JsonKind = "object"
    fields: Mapping[str, Spot] = field(default_factory=dict)
    patterns: Mapping[str, Spot] = field(default_factory=dict)
    others: Spot | None = None
    """Schemas of fields that are not named; None when the schema has none for them."""
    closed: bool = False
    """Whether the schema forbids other fields."""
    barred: frozenset[str] = frozenset()
    """Fields that one part of the schema names and another, closed part forbids."""
    required: frozenset[str] = frozenset()
    names: Spot = ()
    """Schemas of the fields' names."""
    least: int = 0
    most: int | None = None
    as_written: bool = False

    @property
    def open(self) -> bool:
        """Whether a publisher may publish fields that are not named.

        Published schemas are closed, except that an object which names no field and is not closed is a map of anything.
        """
        if self.closed:
            return False
        return self.as_written or self.others is not None or not (self.fields or self.patterns)

    @property
    def refuses_unnamed(self) -> bool:
        """Whether a consumer refuses fields that are not named: when its closed schema must be taken as written."""
        return self.as_written and self.closed

    def schemas_of(self, name: str) -> Spot:
        """Return the schemas of a field's value: of its name and of the patterns that fit it, else of others."""
        matched = [spot for pattern, spot in self.patterns.items() if search_pattern(pattern, name)]
        named = [self.fields[name]] if name in self.fields else []
        return tuple(place for spot in [*named, *matched] or [self.others or ()] for place in spot)

    def is_named(self, name: str) -> bool:
        """Whether the schema names a field, by its name or by a pattern."""
        return name in self.fields or any(search_pattern(pattern, name) for pattern in self.patterns)

    def may_have(self, name: str) -> bool:
        """Whether a publisher may publish a field of this name: named or open, and not barred."""
        return name not in self.barred and (self.is_named(name) or self.open)

    @property
    def fewest_fields(self) -> int:
        """Fewest fields that a publisher may publish: `minProperties`, or the required ones if these are more."""
        return max(self.least, len(self.required))

    @property
    def most_fields(self) -> int | None:
        """Most fields that a publisher may publish: `maxProperties`, or the named if no others; None: unlimited."""
        return (
            self.most if self.open or self.patterns else smaller_limit(self.most, len(self.fields.keys() - self.barred))
        )


def smaller_limit(one: int | None, two: int | None) -> int | None:
    """Return the smaller of two limits; None means unlimited."""
    return min((limit for limit in (one, two) if limit is not None), default=None)
