"""Finds personal data in a JSON Schema."""

from collections.abc import Iterator, Mapping
from typing import Any

from contradance.compatibility.document import Document
from contradance.compatibility.keywords import JsonSchema

_MARK = "x-pii"


def personal_fields(schema: JsonSchema) -> list[str]:
    """Return the paths of fields marked as personal data, sorted: `reader.name`, `notes[].text`."""
    document = Document(schema)
    return sorted(dict.fromkeys(_personal_paths(document, schema, "", frozenset())))


def _personal_paths(document: Document, schema: Any, path: str, seen: frozenset[int]) -> Iterator[str]:
    """Yield the path of each place marked as personal data; skip schemas in `seen`, which a reference repeats."""
    if not isinstance(schema, Mapping) or id(schema) in seen:
        return
    seen |= {id(schema)}
    if schema.get(_MARK) is True:
        yield path
        return
    inner = [(document.resolve(schema["$ref"]), path)] if "$ref" in schema else []
    inner += [(one, f"{path}.{name}".strip(".")) for name, one in schema.get("properties", {}).items()]
    inner += [(one, f"{path}.*") for one in schema.get("patternProperties", {}).values()]
    inner += [(one, path) for keyword in ("allOf", "anyOf", "oneOf") for one in schema.get(keyword, [])]
    inner += [(one, f"{path}[{index}]") for index, one in enumerate(schema.get("prefixItems", []))]
    inner += [(schema.get("items"), f"{path}[]"), (schema.get("additionalProperties"), f"{path}.*")]
    inner += [(schema.get("propertyNames"), f"{path}(key)")]
    for one, where in inner:
        yield from _personal_paths(document, one, where, seen)
