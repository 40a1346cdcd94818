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
from contradance.scaffold.plain_schema import plain_schema

PACKAGE: Final = "others"
"""The package of events of others, beside the services."""
_ENVELOPE: Final = ("source", "detail-type", "detail")
_REFERENCE: Final = re.compile(r'"#/definitions/([^"/]+)')


@dataclass(frozen=True, slots=True)
class EventDocument:
    """An event as a document describes it: by an example, or by a schema."""

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
    """Plan a module with a new event of others, return its path; raise `CannotCreate` for an unfit name or document.

    Args:
        layout: the project.
        name: the class: `ObjectCreated`.
        text: a sample event, a JSON Schema, or a document of EventBridge's schema registry.
        source: the event's source, if the document has none.
        detail_type: the event's detail-type, if the document has none.
        bus: its bus; for a source of AWS's services the account's default bus.
    """
    called = event_name(name)
    document = read_document(text)
    origin, kind = source or document.source, detail_type or document.detail_type
    if origin is None or kind is None:
        missing = "source" if origin is None else "detail-type"
        raise CannotCreate(f"the document has no {missing}.\n  Give it: --{missing} TEXT")
    if bus is None and origin.startswith("aws.") and not origin.startswith("aws.partner/"):
        bus = DEFAULT_BUS
    keywords = {"source": origin, "detail_type": kind, **({"bus": bus} if bus else {})}
    package = f"{layout.functions_package}.{PACKAGE}"
    module = layout.file_of(package)
    if (layout.project.root / module).is_file():
        raise CannotCreate(
            f"{module} is a module, but events of others have a package of this name.\n  Make it a package."
        )
    path = layout.file_of(f"{package}.x").with_name(f"{snake(called)}.py")
    layout.changes.ensure(path.with_name("__init__.py"), '"""The events of others that functions consume."""\n')
    layout.changes.create(path, foreign_module(called, keywords, document.form, document.detail))
    return path


def read_document(text: str) -> EventDocument:
    """Return the event of a sample, JSON Schema or schema registry's document; raise `CannotCreate` for other text."""
    try:
        document = json.loads(text)
        if isinstance(document, dict) and isinstance(document.get("Content"), str):
            document = json.loads(document["Content"])  # the answer of DescribeSchema
    except (ValueError, RecursionError) as error:
        raise CannotCreate(f"the document is not JSON: {error}.\n  Give a sample event or a JSON Schema.") from error
    if not isinstance(document, dict):
        raise CannotCreate("the document is not a JSON object.\n  Give a sample event or a JSON Schema.")
    if "openapi" in document:
        return _read_schema(_object(_registry_schemas(document).get("AWSEvent")), document)
    if "$schema" in document or document.get("type") == "object" or isinstance(document.get("properties"), dict):
        return _read_schema(document, document)
    if all(name in document for name in _ENVELOPE):
        if not isinstance(document["detail"], dict):
            raise CannotCreate(
                "the detail of the event is not a JSON object.\n  Give an event that EventBridge delivered."
            )
        return EventDocument("json", document["detail"], str(document["source"]), str(document["detail-type"]))
    return EventDocument("json", document, None, None)


def _read_schema(event: Mapping[str, Any], document: Mapping[str, Any]) -> EventDocument:
    """Return the event of a schema, of a whole event or of a detail, in `document`; raise `CannotCreate` without one."""
    definitions = {
        **_registry_schemas(document),
        **_object(document.get("definitions")),
        **_object(document.get("$defs")),
    }
    properties = _object(event.get("properties"))
    detail = _object(properties["detail"]) if {"detail", "detail-type"} <= properties.keys() else event
    if not detail:
        raise CannotCreate(
            "the document describes no event: it has no schema AWSEvent, or none of its detail.\n"
            "  Export it as JSONSchemaDraft4."
        )
    kept = {name: value for name, value in detail.items() if name not in ("definitions", "$defs", "$schema")}
    schema, parts = plain_schema(kept, definitions)
    return EventDocument(
        "jsonschema",
        {**schema, "definitions": _used(schema, parts)},
        _fixed_value(event, "source", "x-amazon-events-source"),
        _fixed_value(event, "detail-type", "x-amazon-events-detail-type"),
    )


def _used(schema: Mapping[str, Any], parts: Mapping[str, Any]) -> dict[str, Any]:
    """Return those of `parts`, the definitions by name, that a schema refers to, also through other parts."""
    used: dict[str, Any] = {}
    waiting = [schema]
    while waiting:
        for name in _REFERENCE.findall(json.dumps(waiting.pop())):
            if name in parts and name not in used:
                used[name] = parts[name]
                waiting.append(parts[name])
    return used


def _fixed_value(event: Mapping[str, Any], name: str, extension: str) -> str | None:
    """Return the only value of a field of the envelope: of the registry's extension, `const` or `enum`; else None."""
    if isinstance(event.get(extension), str):
        return str(event[extension])
    allowed = _object(_object(event.get("properties")).get(name))
    values = allowed.get("enum") or ([allowed["const"]] if "const" in allowed else [])
    return str(values[0]) if isinstance(values, list) and len(values) == 1 else None


def _registry_schemas(document: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the schemas by name of an OpenAPI document, the registry's first format; empty for another document."""
    return _object(_object(document.get("components")).get("schemas"))


def _object(value: object) -> Mapping[str, Any]:
    """Return a JSON object unchanged; an empty one for any other value."""
    return value if isinstance(value, dict) else {}
