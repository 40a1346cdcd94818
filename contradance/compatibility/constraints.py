"""The constraints that a schema's own keywords put on the values of one kind: `minimum` on numbers, `required` on objects."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from contradance.compatibility.branch import Arrays, Bound, Numbers, Objects, SchemaBranch, Strings
from contradance.compatibility.document import LocatedSchema, Spot
from contradance.compatibility.keywords import is_schema
from contradance.compatibility.values import JsonKind, to_fraction
from contradance.errors import InvalidSchema

_NULL: Final = SchemaBranch(kind="null", values=(None,))
_BOOLEAN: Final = SchemaBranch(kind="boolean", values=(False, True))


def any_value(*, as_written: bool) -> tuple[SchemaBranch, ...]:
    """Return one branch of each kind, together any value; `as_written`: objects are neither closed nor opened."""
    return (
        _NULL,
        _BOOLEAN,
        Numbers(),
        Strings(),
        Arrays(),
        Objects(as_written=as_written),
    )


def constraints_on(kind: JsonKind, place: LocatedSchema, schema: Mapping[str, Any]) -> SchemaBranch:
    """Return the constraints that the keywords of a schema put on the values of a kind.

    Raises:
        InvalidSchema: a keyword has a value that JSON Schema does not allow.
    """
    return _BUILDERS[kind](place, schema)


def _numbers_of(_: LocatedSchema, schema: Mapping[str, Any]) -> Numbers:
    """Return the constraints on numbers that a schema's own keywords have."""

    def bound(inclusive: str, exclusive: str, choose: Callable[..., Bound]) -> Bound | None:
        """Return the bound that `choose` takes of the inclusive and the exclusive one; None when there is neither."""
        found = [Bound(to_fraction(schema[inclusive]))] if inclusive in schema else []
        limit = schema.get(exclusive)
        found += [] if limit is None or isinstance(limit, bool) else [Bound(to_fraction(limit), included=False)]
        return choose(found) if found else None

    return Numbers(
        least=bound(
            "minimum", "exclusiveMinimum", lambda found: max(found, key=lambda one: (one.at, not one.included))
        ),
        most=bound("maximum", "exclusiveMaximum", lambda found: min(found, key=lambda one: (one.at, one.included))),
        multiples=frozenset({to_fraction(schema["multipleOf"])} if "multipleOf" in schema else ()),
    )


def _strings_of(_: LocatedSchema, schema: Mapping[str, Any]) -> Strings:
    """Return the constraints on strings that a schema's own keywords have."""
    return Strings(
        least=_whole_number(schema, "minLength") or 0,
        most=_whole_number(schema, "maxLength"),
        patterns=frozenset({schema["pattern"]} if "pattern" in schema else ()),
        formats=frozenset({schema["format"]} if "format" in schema else ()),
    )


def _arrays_of(place: LocatedSchema, schema: Mapping[str, Any]) -> Arrays:
    """Return a schema's own constraints on lists; raise `InvalidSchema` for an item that is not a schema."""
    items = schema.get("items", True)
    first, rest = schema.get("prefixItems", []), items
    if isinstance(items, list):  # tuples in draft 7
        first, rest = items, schema.get("additionalItems", True)
    return Arrays(
        first=tuple(_spot_of(place, inner) for inner in first),
        rest=_spot_of(place, rest),
        least=_whole_number(schema, "minItems") or 0,
        most=_whole_number(schema, "maxItems"),
        unique=schema.get("uniqueItems") is True,
    )


def _objects_of(place: LocatedSchema, schema: Mapping[str, Any]) -> Objects:
    """Return a schema's own constraints on objects; raise `InvalidSchema` for a field that is not a schema."""
    others = schema.get("additionalProperties")
    return Objects(
        fields={name: _spot_of(place, inner) for name, inner in schema.get("properties", {}).items()},
        patterns={pattern: _spot_of(place, inner) for pattern, inner in schema.get("patternProperties", {}).items()},
        others=None if others is None or others is False else _spot_of(place, others),
        closed=others is False,
        required=frozenset(schema.get("required", ())),
        names=_spot_of(place, schema.get("propertyNames", True)),
        least=_whole_number(schema, "minProperties") or 0,
        most=_whole_number(schema, "maxProperties"),
        as_written=place.as_written,
    )


_BUILDERS: Final[Mapping[JsonKind, Callable[[LocatedSchema, Mapping[str, Any]], SchemaBranch]]] = {
    "null": lambda _place, _schema: _NULL,
    "boolean": lambda _place, _schema: _BOOLEAN,
    "number": _numbers_of,
    "string": _strings_of,
    "array": _arrays_of,
    "object": _objects_of,
}


def _whole_number(schema: Mapping[str, Any], keyword: str) -> int | None:
    """Return the value of a keyword as a whole number; None when the schema does not have it."""
    return int(schema[keyword]) if keyword in schema else None


def _spot_of(place: LocatedSchema, inner: object) -> Spot:
    """Return the spot of a schema inside another, empty for `true`; raise `InvalidSchema` if it is not a schema."""
    if not is_schema(inner):
        raise InvalidSchema(
            f"the schema has a {type(inner).__name__} where a schema must be.\n  Write an object, true or false."
        )
    return () if inner is True and not place.as_written else (place.of(inner),)  # type: ignore[arg-type]  # it is one
