"""Creates an event of others: a module with its model, written from a sample event or a schema."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

from contradance.errors import CannotCreate
from contradance.foreign import DEFAULT_BUS
from contradance.scaffold.foreign_code import foreign_module
from contradance.scaffold.layout import ProjectLayout
from contradance.scaffold.naming import event_name, snake

PACKAGE: Final = "others"
"""The package of events of others, beside the services."""
_ENVELOPE: Final = ("source", "detail-type", "detail")
_REFERENCE: Final = re.compile(r'"#/definitions/([^"/]+)')


@dataclass(frozen=True, slots=True)
class Described:
    """What a document says of an event."""

    form: Literal["json", "jsonschema"]
    detail: Mapping[str, Any]
    """A detail, or the schema of one."""
    source: str | None
    detail_type: str | None


def create_foreign_event(
    layout: ProjectLayout,
    name: str,
    text: str,
    *,
    source: str | None = None,
    detail_type: str | None = None,
    bus: str | None = None,
) -> Path:
    """Plan a module with a new event of others, and return its path.

    Args:
        layout: the project.
        name: the class: `ObjectCreated`.
        text: a sample event, a JSON Schema, or a document of EventBridge's schema registry.
        source: the event's source, if the document has none.
        detail_type: the event's detail-type, if the document has none.
        bus: its bus; for a source of AWS's services the account's default bus.
    """
    called = event_name(name)
    described = read_document(text)
    origin, kind = source or described.source, detail_type or described.detail_type
    if origin is None or kind is None:
        missing = "source" if origin is None else "detail-type"
        raise CannotCreate(f"the document has no {missing}.\n  Give it: --{missing} TEXT")
    if bus is None and origin.startswith("aws.") and not origin.startswith("aws.partner/"):
        bus = DEFAULT_BUS
    keywords = {"source": origin, "detail_type": kind, **({"bus": bus} if bus else {})}
    package = f"{layout.functions}.{PACKAGE}"
    module = layout.file_of(package)
    if (layout.project.root / module).is_file():
        raise CannotCreate(
            f"{module} is a module, but events of others have a package of this name.\n  Make it a package."
        )
    path = layout.file_of(f"{package}.x").with_name(f"{snake(called)}.py")
    layout.changes.ensure(path.with_name("__init__.py"), '"""The events of others that functions consume."""\n')
    layout.changes.create(path, foreign_module(called, keywords, described.form, described.detail))
    return path


def read_document(text: str) -> Described:
    """Return what a sample event, a JSON Schema or a document of EventBridge's schema registry says of an event."""
    try:
        document = json.loads(text)
        if isinstance(document, dict) and isinstance(document.get("Content"), str):
            document = json.loads(document["Content"])  # the answer of DescribeSchema
    except (ValueError, RecursionError) as error:
        raise CannotCreate(f"the document is not JSON: {error}.\n  Give a sample event or a JSON Schema.") from error
    if not isinstance(document, dict):
        raise CannotCreate("the document is not a JSON object.\n  Give a sample event or a JSON Schema.")
    if "openapi" in document:
        return _of_schema(_object_at(document, "components", "schemas", "AWSEvent"), document)
    if "$schema" in document or document.get("type") == "object" or isinstance(document.get("properties"), dict):
        return _of_schema(document, document)
    if all(name in document for name in _ENVELOPE) and isinstance(document["detail"], dict):
        return Described("json", document["detail"], str(document["source"]), str(document["detail-type"]))
    return Described("json", document, None, None)


def _of_schema(event: Mapping[str, Any], document: Mapping[str, Any]) -> Described:
    """Return the schema of the detail in the schema of a whole event, with its definitions; or a schema of a detail."""
    definitions = {
        **_object_at(document, "components", "schemas"),
        **_object_at(document, "definitions"),
        **_object_at(document, "$defs"),
    }
    properties = _object_at(event, "properties")
    detail = _object_at(properties, "detail") if {"detail", "detail-type"} <= properties.keys() else event
    if not detail:
        raise CannotCreate(
            "the document describes no event: it has no schema AWSEvent.\n  Export it as JSONSchemaDraft4."
        )
    kept = {name: value for name, value in detail.items() if name not in ("definitions", "$defs", "$schema")}
    text = json.dumps({**kept, "definitions": definitions})
    for old in ("#/components/schemas/", "#/$defs/"):
        text = text.replace(f'"{old}', '"#/definitions/')
    schema = json.loads(text)
    parts = schema.pop("definitions")
    schema = _object_at(parts, str(schema.get("$ref")).rpartition("/")[2]) or schema
    return Described(
        "jsonschema",
        {**schema, "definitions": _used(schema, parts)},
        _only(event, "source", "x-amazon-events-source"),
        _only(event, "detail-type", "x-amazon-events-detail-type"),
    )


def _object_at(document: Mapping[str, Any], *path: str) -> Mapping[str, Any]:
    """Return the JSON object at a path; an empty one where there is another value or none."""
    found: Any = document
    for name in path:
        found = found.get(name) if isinstance(found, dict) else None
    return found if isinstance(found, dict) else {}


def _used(schema: Mapping[str, Any], parts: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parts that a schema refers to, also through other parts."""
    used: dict[str, Any] = {}
    waiting = [schema]
    while waiting:
        for name in _REFERENCE.findall(json.dumps(waiting.pop())):
            if name in parts and name not in used:
                used[name] = parts[name]
                waiting.append(parts[name])
    return used


def _only(event: Mapping[str, Any], name: str, extension: str) -> str | None:
    """Return a fixed value of an event's envelope, from the registry's extension or a one-item enum."""
    if isinstance(event.get(extension), str):
        return str(event[extension])
    allowed = _object_at(event, "properties", name)
    values = allowed.get("enum") or ([allowed["const"]] if "const" in allowed else [])
    return str(values[0]) if isinstance(values, list) and len(values) == 1 else None
