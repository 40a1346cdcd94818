"""JSON Schema's keywords, by the type of their values. Drafts 7 and 2020-12."""

from collections.abc import Callable, Mapping
from math import isfinite
from typing import Any, Final, TypeAlias

from contradance.errors import InvalidSchema

SchemaObject: TypeAlias = Mapping[str, Any]
"""A JSON Schema that is an object, as parsed JSON."""
JsonSchema: TypeAlias = SchemaObject | bool
"""A JSON Schema, as parsed JSON."""

CHECKS: Final = "x-checks"
"""Keyword under which a contract's schema names the checks that Python makes and JSON Schema cannot express."""
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


def _is_number(value: object) -> bool:
    """Whether `value` is a finite number, and not a boolean."""
    return isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value)


_FORMS: Final[Mapping[str, Callable[[Any], bool]]] = {
    "a list": lambda value: isinstance(value, list),
    "a list of texts": lambda value: isinstance(value, list) and all(isinstance(one, str) for one in value),
    "a number": _is_number,
    "a number above 0": lambda value: _is_number(value) and value > 0,
    "a number or, in draft 4, a boolean": lambda value: isinstance(value, bool) or _is_number(value),
    "a text": lambda value: isinstance(value, str),
    "a whole number": lambda value: _is_number(value) and value == int(value),
    "an object": lambda value: isinstance(value, Mapping),
}
"""Whether a keyword's value has a form, by the form in words."""
_FORM_OF: Final[Mapping[str, str]] = {
    **dict.fromkeys(("enum", "prefixItems"), "a list"),
    **dict.fromkeys(("exclusiveMaximum", "exclusiveMinimum"), "a number or, in draft 4, a boolean"),
    **dict.fromkeys(("format", "pattern"), "a text"),
    **dict.fromkeys(
        ("maxItems", "maxLength", "maxProperties", "minItems", "minLength", "minProperties"), "a whole number"
    ),
    **dict.fromkeys(("maximum", "minimum"), "a number"),
    **dict.fromkeys(("patternProperties", "properties"), "an object"),
    "multipleOf": "a number above 0",
    "required": "a list of texts",
}
"""The form of a value, by keyword."""


def check_forms(schema: SchemaObject) -> None:
    """Raise `InvalidSchema` for a keyword of a schema whose value does not have the form that JSON Schema defines."""
    for keyword, form in _FORM_OF.items():
        if keyword in schema and not _FORMS[form](schema[keyword]):
            raise InvalidSchema(f"the schema's `{keyword}` is not {form}.\n  Write {form}.")


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
