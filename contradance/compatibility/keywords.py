"""JSON Schema's keywords, by the type of their values. Drafts 7 and 2020-12."""

from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias

SchemaObject: TypeAlias = Mapping[str, Any]
"""A JSON Schema that is an object, as parsed JSON."""
JsonSchema: TypeAlias = SchemaObject | bool
"""A JSON Schema, as parsed JSON."""

ANNOTATIONS: Final = frozenset(
    {"$comment", "default", "deprecated", "description", "examples", "readOnly", "title", "writeOnly"}
)
"""Keywords that do not affect which values are valid."""

ONE: Final = frozenset(
    {
        "additionalItems",
        "additionalProperties",
        "contains",
        "contentSchema",
        "else",
        "if",
        "items",
        "not",
        "propertyNames",
        "then",
        "unevaluatedItems",
        "unevaluatedProperties",
    }
)
"""Keywords whose value is a schema."""
MANY: Final = frozenset({"allOf", "anyOf", "items", "oneOf", "prefixItems"})
"""Keywords whose value is a list of schemas."""
NAMED: Final = frozenset(
    {"$defs", "definitions", "dependencies", "dependentSchemas", "patternProperties", "properties"}
)
"""Keywords whose value is a mapping of names to schemas."""


def map_inner(schema: JsonSchema, change: Callable[[JsonSchema], JsonSchema]) -> JsonSchema:
    """Return `schema` with `change` applied to each schema directly inside it."""
    if isinstance(schema, bool):
        return schema
    changed: dict[str, Any] = {}
    for keyword, value in schema.items():
        if keyword in MANY and isinstance(value, list):
            changed[keyword] = [change(inner) for inner in value]
        elif keyword in NAMED and isinstance(value, Mapping):
            changed[keyword] = {name: change(inner) if is_schema(inner) else inner for name, inner in value.items()}
        elif keyword in ONE and is_schema(value):
            changed[keyword] = change(value)
        else:
            changed[keyword] = value
    return changed


def without_annotations(schema: JsonSchema) -> JsonSchema:
    """Return `schema` without `ANNOTATIONS` at any depth; `x-pii` and `x-checks` stay."""
    inner = map_inner(schema, without_annotations)
    return inner if isinstance(inner, bool) else {key: inner[key] for key in inner if key not in ANNOTATIONS}


def is_schema(value: object) -> bool:
    """Whether `value` has the form of a schema: an object or a boolean."""
    return isinstance(value, bool | Mapping)
