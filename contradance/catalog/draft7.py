"""JSON Schema 2020-12, as Pydantic writes it, said in draft 7: what AsyncAPI 3 reads, and a step on the way to draft 4.

What draft 7 cannot say is left out, so that whatever the schema allowed is still allowed; Pydantic writes none of it
inside `not` or `oneOf`, where leaving it out would refuse more.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import unquote

from contradance.compatibility.keywords import JsonSchema, with_inner

_UNSAID: Final = frozenset(
    {"$anchor", "$schema", "discriminator", "maxContains", "minContains", "unevaluatedItems", "unevaluatedProperties"}
)
Locate = Callable[[str], str]
"""Returns the reference to a definition, given its name."""


def to_draft7(schema: JsonSchema, locate: Locate = lambda name: f"#/definitions/{name}") -> JsonSchema:
    """Return `schema` in draft 7, its own definitions left out of it; `locate` says where they will be."""
    if isinstance(schema, bool):
        return schema
    said = with_inner(schema, lambda inner: to_draft7(inner, locate))
    assert not isinstance(said, bool)  # noqa: S101 - with_inner returns what it was given
    kept = {key: value for key, value in said.items() if key not in {*_UNSAID, "$defs", "definitions"}}
    if "$ref" in kept:
        return _referring(kept, locate)
    if "prefixItems" in kept:
        kept["additionalItems"] = kept.pop("items", True)
        kept["items"] = kept.pop("prefixItems")
    dependencies = {**kept.pop("dependentRequired", {}), **kept.pop("dependentSchemas", {})}
    return {**kept, "dependencies": dependencies} if dependencies else kept


def definitions(schema: JsonSchema, locate: Locate = lambda name: f"#/definitions/{name}") -> dict[str, JsonSchema]:
    """Return the definitions of `schema` in draft 7, by name."""
    if isinstance(schema, bool):
        return {}
    found = {**schema.get("definitions", {}), **schema.get("$defs", {})}
    return {name: to_draft7(inner, locate) for name, inner in found.items()}


def _referring(schema: Mapping[str, Any], locate: Locate) -> JsonSchema:
    """Return a schema with a `$ref`: in draft 7 it stands alone, so what stands beside it is said with it in an `allOf`."""
    beside = {key: value for key, value in schema.items() if key != "$ref"}
    _, _, name = schema["$ref"].rpartition("/")
    reference = {"$ref": locate(unquote(name).replace("~1", "/").replace("~0", "~"))}
    if not beside:
        return reference
    return {**beside, "allOf": [*beside.get("allOf", []), reference]}
