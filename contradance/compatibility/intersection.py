"""Intersects branches: computes the values that two branches or schemas both allow."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any, Final

from contradance.compatibility.branch import Arrays, Bound, Numbers, Objects, SchemaBranch, Strings, smaller_limit
from contradance.compatibility.change import CannotProveError
from contradance.compatibility.document import Spot
from contradance.compatibility.values import equality_key

MAX_BRANCHES: Final = 64
"""Most branches of one schema."""


def intersect_all(ones: Iterable[SchemaBranch], twos: Iterable[SchemaBranch]) -> tuple[SchemaBranch, ...]:
    """Return the branches of the values that two schemas both allow: the intersections that are not empty.

    Raises:
        CannotProveError: there are more than `MAX_BRANCHES`.
    """
    twos = [*twos]
    found = [intersect(one, two) for one in ones for two in twos if one.kind == two.kind]
    allowed = tuple(branch for branch in found if not branch.empty)
    if len(allowed) > MAX_BRANCHES:
        raise CannotProveError(f"a choice between more than {MAX_BRANCHES} alternatives")
    return allowed


def intersect(one: SchemaBranch, two: SchemaBranch) -> SchemaBranch:
    """Return the branch of what two branches of one kind both allow; raise `CannotProveError` if it is undecidable."""
    common: dict[str, Any] = {
        "title": one.title or two.title,
        "values": _common_values(one.values, two.values),
        "opaque": one.opaque | two.opaque,
        "rivals": one.rivals + two.rivals,
    }
    match one, two:
        case Numbers(), Numbers():
            return _intersect_numbers(replace(one, **common), two)
        case Strings(), Strings():
            return replace(
                one,
                **common,
                least=max(one.least, two.least),
                most=smaller_limit(one.most, two.most),
                patterns=one.patterns | two.patterns,
                formats=one.formats | two.formats,
            )
        case Arrays(), Arrays():
            length = max(len(one.first), len(two.first))
            return replace(
                one,
                **common,
                first=tuple(one.schemas_at(index) + two.schemas_at(index) for index in range(length)),
                rest=one.rest + two.rest,
                least=max(one.least, two.least),
                most=smaller_limit(one.most, two.most),
                unique=one.unique or two.unique,
            )
        case Objects(), Objects():
            return _intersect_objects(replace(one, **common), two)
        case _:
            return replace(one, **common)


def _intersect_numbers(one: Numbers, two: Numbers) -> Numbers:
    """Return the constraints of both: the tighter bounds and all multiples."""
    lows: list[Bound] = [bound for bound in (one.least, two.least) if bound]
    tops: list[Bound] = [bound for bound in (one.most, two.most) if bound]
    return replace(
        one,
        least=max(lows, key=lambda bound: (bound.at, not bound.included), default=None),
        most=min(tops, key=lambda bound: (bound.at, bound.included), default=None),
        multiples=one.multiples | two.multiples,
    ).with_whole_bounds()


def _intersect_objects(one: Objects, two: Objects) -> Objects:
    """Return the constraints of both; raise `CannotProveError` for `patternProperties` beside other fields."""
    _refuse_patterns_beside(one, two)
    _refuse_patterns_beside(two, one)
    others = [each.others for each in (one, two) if each.others is not None]
    names = [*dict.fromkeys((*one.fields, *two.fields))]
    return replace(
        one,
        fields={name: _schemas_of(one, name) + _schemas_of(two, name) for name in names},
        patterns={**one.patterns, **two.patterns},
        others=tuple(place for spot in others for place in spot) if others else None,
        closed=one.closed or two.closed,
        barred=one.barred | two.barred | _undeclared(one, names) | _undeclared(two, names),
        required=one.required | two.required,
        names=one.names + two.names,
        least=max(one.least, two.least),
        most=smaller_limit(one.most, two.most),
        as_written=one.as_written or two.as_written,
    )


def _refuse_patterns_beside(one: Objects, two: Objects) -> None:
    """Raise `CannotProveError` if `one` has `patternProperties` and `two` constrains any fields."""
    if one.patterns and (two.patterns or two.closed or two.others is not None or two.fields):
        raise CannotProveError("`patternProperties` beside other fields in one `allOf`")


def _undeclared(branch: Objects, names: Iterable[str]) -> set[str]:
    """Return those of `names` that a closed branch does not declare."""
    return {name for name in names if name not in branch.fields} if branch.closed else set()


def _schemas_of(branch: Objects, name: str) -> Spot:
    """Return a branch's schemas for a field: those of its name, else those of other fields."""
    return branch.fields.get(name, branch.others or ())


def _common_values(one: tuple[Any, ...] | None, two: tuple[Any, ...] | None) -> tuple[Any, ...] | None:
    """Return the listed values that both allow; None, which lists none, allows all."""
    if one is None or two is None:
        return two if one is None else one
    allowed = {equality_key(value) for value in two}
    return tuple(value for value in one if equality_key(value) in allowed)
