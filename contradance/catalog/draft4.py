"""JSON Schema draft 4: what EventBridge's schema registry reads besides OpenAPI 3.

`UpdateSchema` and `CreateSchema` take `JSONSchemaDraft4` or `OpenApi3`, up to 100,000 characters (EventBridge Schemas
API reference). What draft 4 cannot say is left out: whatever the contract allows, the draft 4 schema allows.
"""

import json
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from contradance.catalog.draft7 import definitions, to_draft7
from contradance.compatibility.keywords import JsonSchema, with_inner
from contradance.compatibility.values import same
from contradance.contract import Contract
from contradance.envelope import Metadata
from contradance.schemas import schema_of

DRAFT_4: Final = "http://json-schema.org/draft-04/schema#"
TYPE: Final = "JSONSchemaDraft4"
"""EventBridge's name of it."""

_UNSAID: Final = frozenset({"$comment", "$id", "const", "contains", "else", "examples", "if", "propertyNames", "then"})
_BOUNDS: Final = (("exclusiveMinimum", "minimum", max), ("exclusiveMaximum", "maximum", min))


class RegistrySchema(NamedTuple):
    """One schema for EventBridge's registry."""

    name: str
    """`library.loans@BookLent-v1`."""
    description: str
    content: str
    """Canonical JSON text, so that the same contract is the same content."""


def to_draft4(schema: JsonSchema) -> dict[str, Any]:
    """Return `schema` in draft 4, its definitions under `definitions`."""
    named = {name: _draft4(inner) for name, inner in definitions(schema).items()}
    return {**_draft4(to_draft7(schema)), **({"definitions": named} if named else {})}


def registry_schema(contract: type[Contract]) -> RegistrySchema:
    """Return the schema of whole EventBridge events of `contract`: envelope, metadata and data."""
    source, detail_type, version = contract.identity
    data, metadata = to_draft4(schema_of(contract)), to_draft4(Metadata.model_json_schema(mode="serialization"))
    named = {**data.pop("definitions", {}), **metadata.pop("definitions", {}), "data": data, "metadata": metadata}
    metadata["properties"]["version"] = {**metadata["properties"]["version"], "enum": [version]}
    event = {
        "$schema": DRAFT_4,
        "title": f"{detail_type} v{version}",
        "definitions": named,
        "type": "object",
        "required": ["source", "detail-type", "detail"],
        "properties": {
            "source": {"type": "string", "enum": [source]},
            "detail-type": {"type": "string", "enum": [detail_type]},
            "detail": {
                "type": "object",
                "required": ["metadata", "data"],
                "properties": {"metadata": {"$ref": "#/definitions/metadata"}, "data": {"$ref": "#/definitions/data"}},
            },
            **{name: {"type": "string"} for name in ("version", "id", "account", "time", "region")},
            "resources": {"type": "array", "items": {"type": "string"}},
        },
    }
    content = json.dumps(event, sort_keys=True, separators=(",", ":"))
    return RegistrySchema(f"{source}@{detail_type}-v{version}", (contract.__doc__ or "").strip(), content)


def _draft4(schema: JsonSchema) -> dict[str, Any]:
    if isinstance(schema, bool):
        return {} if schema else {"not": {}}
    said = _with_inner(schema)
    kept = {key: value for key, value in said.items() if key not in _UNSAID}
    if "const" in said:
        kept["enum"] = [said["const"]]
    if "enum" in kept:  # each value once
        kept["enum"] = [*{same(value): value for value in kept["enum"]}.values()]
    if not kept.get("required", True):  # at least one name
        del kept["required"]
    if "dependencies" in kept:
        kept["dependencies"] = {name: needed for name, needed in kept["dependencies"].items() if needed != []}
    for exclusive, inclusive, tighter in _BOUNDS:
        limit = kept.pop(exclusive, None)
        if limit is not None:
            other = kept.get(inclusive, limit)
            kept[inclusive] = tighter(limit, other)
            kept.update({exclusive: True} if kept[inclusive] == limit else {})
    return kept


def _with_inner(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """Convert what is inside; `additionalProperties` and `additionalItems` may be booleans in draft 4 too."""
    converted = with_inner(schema, _draft4)
    assert not isinstance(converted, bool)  # noqa: S101 - with_inner returns what it was given
    booleans = {
        key: schema[key] for key in ("additionalItems", "additionalProperties") if isinstance(schema.get(key), bool)
    }
    return {**converted, **booleans}
