"""Converts JSON Schema 2020-12, as Pydantic writes it, to draft 7, which AsyncAPI 3 reads.

Constraints that draft 7 cannot express are left out, so that the result accepts everything that the original accepts.
Pydantic never writes them inside `not` or `oneOf`, where leaving them out would refuse more.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import unquote

from contradance.compatibility.keywords import JsonSchema, map_inner

_LEFT_OUT: Final = frozenset(
    {"$anchor", "$schema", "discriminator", "maxContains", "minContains", "unevaluatedItems", "unevaluatedProperties"}
)
Locate = Callable[[str], str]
"""A function from the name of a definition to a reference to it."""


def to_draft7(schema: JsonSchema, locate: Locate = lambda name: f"#/definitions/{name}") -> JsonSchema:
    """Return `schema` in draft 7 without its definitions; `locate` makes a reference from a definition's name."""
    if isinstance(schema, bool):
        return schema
    converted = map_inner(schema, lambda inner: to_draft7(inner, locate))
    assert not isinstance(converted, bool)  # noqa: S101 - map_inner returns the kind that it gets
    kept = {key: value for key, value in converted.items() if key not in {*_LEFT_OUT, "$defs", "definitions"}}
    if "$ref" in kept:
        return _referring(kept, locate)
    if "prefixItems" in kept:
        kept["additionalItems"] = kept.pop("items", True)
        kept["items"] = kept.pop("prefixItems")
    dependencies = {**kept.pop("dependentRequired", {}), **kept.pop("dependentSchemas", {})}
    return {**kept, "dependencies": dependencies} if dependencies else kept


def definitions(schema: JsonSchema, locate: Locate = lambda name: f"#/definitions/{name}") -> dict[str, JsonSchema]:
    """Return the definitions of `schema` in draft 7, by name; none for a schema without them."""
    if isinstance(schema, bool):
        return {}
    found = {**schema.get("definitions", {}), **schema.get("$defs", {})}
    return {name: to_draft7(inner, locate) for name, inner in found.items()}


def _referring(schema: Mapping[str, Any], locate: Locate) -> JsonSchema:
    """Return a schema with a `$ref`. Draft 7 ignores keywords beside a `$ref`, so with others it moves into `allOf`."""
    beside = {key: value for key, value in schema.items() if key != "$ref"}
    _, _, name = schema["$ref"].rpartition("/")
    reference = {"$ref": locate(unquote(name).replace("~1", "/").replace("~0", "~"))}
    if not beside:
        return reference
    return {**beside, "allOf": [*beside.get("allOf", []), reference]}
