"""Rewrites a JSON Schema of an event into one that datamodel-code-generator makes a class of.

The class is tolerant: it describes the fields of events, and leaves it to their publisher which of them come together.
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final
from urllib.parse import unquote

Schema = Mapping[str, Any]

_PLACES: Final = ("#/components/schemas/", "#/$defs/", "#/definitions/")
"""Beginnings of references to definitions: of OpenAPI, and of JSON Schema's newer and older drafts."""
_CHOICES: Final = ("oneOf", "anyOf")
_MAPS: Final = ("properties", "patternProperties", "definitions", "$defs", "dependentSchemas")
"""Keywords whose values are schemas by name."""
_CONVERTED: Final = frozenset({"$ref", "allOf", "anyOf", "enum", "format", "oneOf"})
"""Keywords of schemas whose values are not JSON in Python, so that a default would have another type."""
_TYPES: Final = {float: "number", dict: "object", list: "array"}
"""Types of constants that no Literal holds."""
_DATA: Final = ("const", "default", "enum", "example", "examples")
"""Keywords whose values are not schemas."""


def plain_schema(schema: Schema, definitions: Mapping[str, Schema]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return (schema of an event's detail, definitions by name) without what a class cannot express.

    Args:
        schema: the schema; its definitions are in `definitions`.
        definitions: the parts of the document by name.
    """
    names = _plain_names(definitions)
    parts = {names[name]: _plain(part, names) for name, part in definitions.items()}
    detail = _plain(schema, names)
    seen: set[str] = set()
    while (name := _referred(detail)) in parts and name not in seen:
        seen.add(name)
        detail = parts[name] if isinstance(parts[name], dict) else {}
    return _merged_choices(detail, parts), parts


def _plain_names(definitions: Mapping[str, Schema]) -> dict[str, str]:
    """Return a name of letters, digits and `_` for each definition: the generator reads a dot as a module."""
    names: dict[str, str] = {}
    for name in definitions:
        free = plain = re.sub(r"\W", "_", name, flags=re.ASCII) or "_"
        number = 1
        while free in names.values() or (free != name and free in definitions):
            number += 1
            free = f"{plain}{number}"
        names[name] = free
    return names


def _plain(part: Any, names: Mapping[str, str]) -> Any:
    """Return a part of a schema, at any depth: references by plain names, and keys that are not checked."""
    if isinstance(part, list):
        return [_plain(one, names) for one in part]
    if not isinstance(part, dict):
        return part
    found: dict[str, Any] = {}
    for key, value in part.items():
        if key == "$ref" and isinstance(value, str):
            found[key] = _plain_reference(value, names)
        elif key == "mapping" and isinstance(value, dict):  # of a discriminator
            found[key] = {tag: _plain_reference(str(one), names) for tag, one in value.items()}
        elif key in _MAPS and isinstance(value, dict):
            found[key] = {name: _plain(one, names) for name, one in value.items()}
        else:
            found[key] = value if key in _DATA else _plain(value, names)
    return _with_free_keys(_without_checks(found))


def _without_checks(schema: dict[str, Any]) -> dict[str, Any]:
    """Return a schema without a choice of fields that come together, and without values that a class cannot have."""
    for choice in _CHOICES:
        members = schema.get(choice)
        if schema.get("properties") and isinstance(members, list) and all(map(_only_requires, members)):
            del schema[choice]
    if isinstance(schema.get("const"), float | dict | list):
        schema["type"] = _TYPES[type(schema.pop("const"))]
    if _CONVERTED & schema.keys():
        schema.pop("default", None)  # Pydantic does not convert a default
    return schema


def _plain_reference(reference: str, names: Mapping[str, str]) -> str:
    """Return a reference to a definition by its plain name; another reference unchanged."""
    for place in _PLACES:
        name = unquote(reference.removeprefix(place)).replace("~1", "/").replace("~0", "~")
        if reference.startswith(place) and name in names:
            return f"#/definitions/{names[name]}"
        if reference.startswith(place):
            return f"#/definitions/{reference.removeprefix(place)}"
    return reference


def _only_requires(choice: object) -> bool:
    """Whether a member of a choice says no more than which fields an object has."""
    return isinstance(choice, dict) and choice.keys() <= {"required", "not"}


def _with_free_keys(schema: dict[str, Any]) -> dict[str, Any]:
    """Return an object's schema without patterns of keys, of which a class knows one; their values stay."""
    schema.pop("propertyNames", None)
    patterns = schema.pop("patternProperties", None)
    others = schema.get("additionalProperties", True)
    if isinstance(patterns, dict) and patterns and not schema.get("properties"):
        values = [*patterns.values(), *([others] if isinstance(others, dict) else [])]
        distinct = [*{json.dumps(one, sort_keys=True): one for one in values}.values()]
        schema["additionalProperties"] = (
            True if others is True else distinct[0] if len(distinct) == 1 else {"anyOf": distinct}
        )
    return schema


def _merged_choices(schema: dict[str, Any], parts: Mapping[str, Schema]) -> dict[str, Any]:
    """Return the schema of a detail that is one of several objects as one object, which has the fields of all."""
    choice = next((word for word in _CHOICES if isinstance(schema.get(word), list)), None)
    members = [_resolved(one, parts) for one in schema[choice]] if choice else []
    if not members or not all(isinstance(one.get("properties"), dict) for one in members):
        return schema
    kinds: dict[str, list[Any]] = {}
    for name, kind in _all_properties([schema, *members]):
        if kind not in kinds.setdefault(name, []):
            kinds[name].append(kind)
    always = set.intersection(*map(_required, members)) | _required(schema)
    merged = {name: found[0] if len(found) == 1 else {"anyOf": found} for name, found in kinds.items()}
    rest = {key: value for key, value in schema.items() if key not in (choice, "discriminator")}
    return {**rest, "type": "object", "properties": merged, "required": sorted(always)}


def _all_properties(schemas: list[Schema]) -> Iterator[tuple[str, Any]]:
    """Yield (name, schema) of each property of each schema."""
    for schema in schemas:
        properties = schema.get("properties")
        yield from properties.items() if isinstance(properties, dict) else ()


def _required(schema: Schema) -> set[str]:
    """Return the names of the fields that an object always has; draft 3's `required: true` names none."""
    names = schema.get("required")
    return {name for name in names if isinstance(name, str)} if isinstance(names, list) else set()


def _resolved(schema: Any, parts: Mapping[str, Schema]) -> Schema:
    """Return the definition that a schema refers to, else the schema; an empty one for what is not an object."""
    found = parts.get(_referred(schema), schema) if isinstance(schema, dict) else {}
    return found if isinstance(found, dict) else {}


def _referred(schema: Schema) -> str:
    """Return the name of the definition that a schema refers to; empty for another schema."""
    reference = str(schema.get("$ref", ""))
    return reference.removeprefix("#/definitions/") if reference.startswith("#/definitions/") else ""
