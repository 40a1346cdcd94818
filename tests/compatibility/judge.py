"""An opinion from elsewhere: the jsonschema library says what is valid, once a schema is written out for one side.

`published` closes objects as a publisher does, `consumed` opens them as a consumer does. They are written for what
`schemas.py` makes: a `oneOf` is of tagged objects or of scalars, an `allOf` of scalars or of objects.
"""

from collections.abc import Callable, Mapping
from typing import Any

from hypothesis import reject
from jsonschema import Draft202012Validator

from contradance.compatibility.keywords import JsonSchema, map_inner

AS_WRITTEN = frozenset({"contains", "dependentSchemas", "else", "if", "not", "then", "unevaluatedProperties"})


def takes(schema: JsonSchema, value: object) -> bool:
    """Whether `value` satisfies a schema, its formats included; a reference that leads back to itself is no example."""
    validator = Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER)
    try:
        return bool(validator.is_valid(value))
    except RecursionError:
        reject()


def published(schema: JsonSchema) -> JsonSchema:
    """Return what a publisher with this schema may publish: named fields, and others where it says so."""
    if isinstance(schema, bool):
        return schema
    if "allOf" in schema:
        parts = [part for part in (schema, *schema["allOf"]) if isinstance(part, Mapping)]
        names = any("properties" in part for part in parts)
        says = any(part.get("additionalProperties") not in (None, False) for part in parts)
        inner = dict(_walked(schema, lambda one: _inside(one, published)))
        return {**inner, "unevaluatedProperties": False} if names and not says else inner
    return _closed(_walked(schema, published))


def consumed(schema: JsonSchema) -> JsonSchema:
    """Return what a consumer with this schema takes: it ignores fields that it does not know."""
    if isinstance(schema, bool):
        return schema
    opened = _walked(schema, consumed)
    return {key: value for key, value in opened.items() if (key, value) != ("additionalProperties", False)}


def _inside(schema: JsonSchema, change: Callable[[JsonSchema], JsonSchema]) -> JsonSchema:
    """Change what is inside a part of an `allOf`, but leave the part itself: the whole is closed around it."""
    return schema if isinstance(schema, bool) else _walked(schema, change)


def _walked(schema: Mapping[str, Any], change: Callable[[JsonSchema], JsonSchema]) -> Mapping[str, Any]:
    changed = map_inner(schema, change)
    assert not isinstance(changed, bool)
    return {key: schema[key] if key in AS_WRITTEN else value for key, value in changed.items()}


def _closed(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    named = schema.get("properties") or schema.get("patternProperties")
    if named and "additionalProperties" not in schema:
        return {**schema, "additionalProperties": False}
    return schema
