"""Converts a schema to a choice between branches: resolves `$ref`, `allOf`, `anyOf`, `oneOf`, `enum` and `type`.

Other keywords are kept as text. A `oneOf` whose alternatives exclude each other, as in a tagged union, is an `anyOf`.
Any other `oneOf` is taken as written, with objects neither closed nor open: a value may match two alternatives because
a tolerant consumer ignores fields.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from fractions import Fraction
from itertools import combinations
from typing import Any, Final

from contradance.compatibility.branch import Numbers, Objects, SchemaBranch
from contradance.compatibility.change import CannotProveError
from contradance.compatibility.constraints import any_value, constraints_on
from contradance.compatibility.document import LocatedSchema, Spot
from contradance.compatibility.intersection import intersect, intersect_all
from contradance.compatibility.keywords import CHECKS, JsonSchema, check_forms, is_schema
from contradance.compatibility.values import KINDS, JsonKind, equality_key, kind_of
from contradance.errors import InvalidSchema

_OPAQUE: Final[Mapping[JsonKind | None, tuple[tuple[str, ...], ...]]] = {
    None: (("not",), ("if", "then", "else"), ("$dynamicRef",), ("$recursiveRef",)),
    "string": (("contentEncoding",), ("contentMediaType",), ("contentSchema",)),
    "array": (("contains", "minContains", "maxContains"),),
    "object": (("dependentRequired",), ("dependentSchemas",), ("dependencies",)),
}
"""Keywords that are compared as text, by kind; keywords that depend on each other form one group."""
_UNEVALUATED: Final[Mapping[JsonKind, str]] = {"array": "unevaluatedItems", "object": "unevaluatedProperties"}
"""Keywords whose meaning depends on all other keywords of their schema."""


def branches(spot: Spot) -> tuple[SchemaBranch, ...]:
    """Return the branches of the values that all schemas of a spot allow; none if there are no such values.

    Raises:
        CannotProveError: a keyword makes that undecidable.
        InvalidSchema: a keyword has a value that JSON Schema does not allow.
    """
    found = any_value(as_written=False)
    for place in spot:
        found = intersect_all(found, _branches_of(place, frozenset()))
    return found


def disjoint(one: SchemaBranch, two: SchemaBranch) -> bool:
    """Whether certainly no value satisfies both branches; False when that cannot be proved."""
    if one.kind != two.kind or _intersection_is_empty(one, two):
        return True
    if not (isinstance(one, Objects) and isinstance(two, Objects)):
        return False
    tags = one.required & two.required & one.fields.keys() & two.fields.keys()
    return any(_list_disjoint_values(one.fields[tag], two.fields[tag]) for tag in tags)


def _intersection_is_empty(one: SchemaBranch, two: SchemaBranch) -> bool:
    """Whether the intersection of two branches of one kind is certainly empty."""
    try:
        return intersect(one, two).empty
    except CannotProveError:
        return False


def _list_disjoint_values(one: Spot, two: Spot) -> bool:
    """Whether two spots list their values and certainly have none in common, as tags do."""
    ones, twos = branches(one), branches(two)
    return all(each.values is not None for each in (*ones, *twos)) and all(
        disjoint(this, other) for this in ones for other in twos
    )


def _branches_of(place: LocatedSchema, seen: frozenset[int]) -> tuple[SchemaBranch, ...]:
    """Return the branches of one schema; raise `CannotProveError` when `seen` has it: it refers to itself."""
    schema = place.schema
    if isinstance(schema, bool):
        return any_value(as_written=place.as_written) if schema else ()
    if id(schema) in seen:
        raise CannotProveError("a `$ref` that leads back to itself")
    seen |= {id(schema)}
    target = place.document.resolve(schema["$ref"]) if "$ref" in schema else None
    if target is not None and place.document.draft_7:
        return _branches_of(place.of(target), seen)
    found = _own_branches(place, schema)
    if target is not None:
        found = intersect_all(found, _branches_of(place.of(target), seen))
    for inner in _schemas_in(schema, "allOf"):
        found = intersect_all(found, _branches_of(place.of(inner), seen))
    if "anyOf" in schema:
        found = intersect_all(
            found, [one for inner in _schemas_in(schema, "anyOf") for one in _branches_of(place.of(inner), seen)]
        )
    if "oneOf" in schema:
        found = intersect_all(found, _branches_of_one_of(place, schema, seen))
    return found


def _branches_of_one_of(place: LocatedSchema, schema: Mapping[str, Any], seen: frozenset[int]) -> list[SchemaBranch]:
    """Return the branches of all alternatives; each has the others as rivals unless none overlap."""
    tag = schema["discriminator"].get("propertyName") if isinstance(schema.get("discriminator"), Mapping) else None
    inner = _schemas_in(schema, "oneOf")
    alternatives = [[_with_tag(one, tag) for one in _branches_of(place.of(each), seen)] for each in inner]
    pairs = combinations(alternatives, 2)
    if all(disjoint(one, two) for ones, twos in pairs for one in ones for two in twos):
        return [branch for alternative in alternatives for branch in alternative]
    written = [place._replace(schema=each, as_written=True) for each in inner]
    return [
        replace(branch, rivals=(*branch.rivals, *((rival,) for rival in written if rival is not each)))
        for each in written
        for branch in _branches_of(each, seen)
    ]


def _with_tag(branch: SchemaBranch, tag: str | None) -> SchemaBranch:
    """Return an object's branch with its tag required: a publisher also writes fields that have their default."""
    if tag is None or not isinstance(branch, Objects):
        return branch
    return replace(branch, required=branch.required | {tag})


def _own_branches(place: LocatedSchema, schema: Mapping[str, Any]) -> tuple[SchemaBranch, ...]:
    """Return the branches that a schema's own keywords allow, without `$ref`, `allOf`, `anyOf` and `oneOf`."""
    check_forms(schema)
    kinds, whole = _kinds_of(schema)
    listed = _listed_values(schema)
    found: list[SchemaBranch] = []
    for kind in kinds:
        branch = constraints_on(kind, place, schema)
        common: dict[str, Any] = {
            "title": str(schema.get("title", "")),
            "opaque": frozenset(_opaque_keywords(place, schema, kind)),
        }
        branch = replace(branch, **common)
        if isinstance(branch, Numbers):
            branch = replace(
                branch, multiples=branch.multiples | ({Fraction(1)} if whole else frozenset())
            ).with_whole_bounds()
        if listed is not None:
            branch = intersect(
                branch, replace(branch, values=tuple(value for value in listed if kind_of(value) == kind))
            )
        found.append(branch)
    return tuple(branch for branch in found if not branch.empty)


def _kinds_of(schema: Mapping[str, Any]) -> tuple[tuple[JsonKind, ...], bool]:
    """Return (kinds that `type` allows, whether numbers are whole); raise `InvalidSchema` for an unknown type."""
    types = schema.get("type")
    if types is None:
        return KINDS, False
    names = types if isinstance(types, list) else [types]
    unknown = [name for name in names if name not in (*KINDS, "integer")]
    if unknown:
        raise InvalidSchema(
            f"the schema has the type {unknown[0]!r}, which JSON Schema does not define.\n"
            f"  Write one of: {', '.join(sorted([*KINDS, 'integer']))}."
        )
    whole = "integer" in names and "number" not in names
    return tuple(kind for kind in KINDS if kind in names or (kind == "number" and whole)), whole


def _listed_values(schema: Mapping[str, Any]) -> list[Any] | None:
    """Return the values that `enum` and `const` allow; None when the schema has neither."""
    values = schema.get("enum")
    if "const" in schema:
        constant = schema["const"]
        allowed = values is None or any(equality_key(value) == equality_key(constant) for value in values)
        return [constant] if allowed else []
    return None if values is None else [*values]


def _opaque_keywords(place: LocatedSchema, schema: Mapping[str, Any], kind: JsonKind) -> Iterator[tuple[str, str]]:
    """Yield the name and canonical text of each keyword of a kind that is only compared as text."""
    for group in (*_OPAQUE[None], *_OPAQUE.get(kind, ())):
        if group[0] in schema:
            kept = place.document.keep({keyword: schema[keyword] for keyword in group if keyword in schema})
            yield f"`{group[0]}`", place.document.text(kept)
    if _UNEVALUATED.get(kind) in schema:
        yield f"`{_UNEVALUATED[kind]}`", place.text
    if "$ref" in schema and place.document.resolve(schema["$ref"]) is None:
        yield "a `$ref` out of the document", place.text
    for bound in ("exclusiveMinimum", "exclusiveMaximum"):
        if kind == "number" and isinstance(schema.get(bound), bool):
            yield f"draft 4's `{bound}`", place.text
    checks = schema.get(CHECKS)
    for name, check in (checks if isinstance(checks, Mapping) else {}).items():
        yield f"what Python checks ({name})", equality_key(check)


def _schemas_in(schema: Mapping[str, Any], keyword: str) -> Iterable[JsonSchema]:
    """Return the schemas that a keyword lists, none without it; raise `InvalidSchema` if it is not a list of these."""
    inner = schema.get(keyword, [])
    if not isinstance(inner, list) or not all(is_schema(one) for one in inner):
        raise InvalidSchema(
            f"the schema's `{keyword}` is not a list of schemas.\n  Write it like {keyword}: [{{...}}, {{...}}]."
        )
    return inner
