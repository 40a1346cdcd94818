"""Creates an event of others: a module with its model, written by datamodel-code-generator from a sample or a schema."""

import ast
import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final, Literal

from contradance.errors import CannotCreate
from contradance.foreign import DEFAULT_BUS
from contradance.scaffold.layout import ProjectLayout
from contradance.scaffold.naming import event_name, snake

GENERATOR: Final = "datamodel_code_generator"
PACKAGE: Final = "others"
"""The package of events of others, beside the services."""
_ALIASES: Final = {"identity": "identity_", "origin": "origin_"}
_ENVELOPE: Final = ("source", "detail-type", "detail")
_SECONDS: Final = 120


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
    layout.changes.create(path, _event_module(called, keywords, generate_models(called, document)))
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
    if "$schema" in document or document.get("type") == "object" or "properties" in document:
        return _read_schema(document, document)
    if all(name in document for name in _ENVELOPE) and isinstance(document["detail"], dict):
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
    text = json.dumps({**kept, "definitions": definitions})
    for old in ("#/components/schemas/", "#/$defs/"):
        text = text.replace(f'"{old}', '"#/definitions/')
    schema = json.loads(text)
    reference = str(schema.get("$ref", "")).rpartition("/")[2]
    if reference in definitions:
        schema = {**_object(schema["definitions"][reference]), "definitions": schema["definitions"]}
    return EventDocument(
        "jsonschema",
        schema,
        _fixed_value(event, "source", "x-amazon-events-source"),
        _fixed_value(event, "detail-type", "x-amazon-events-detail-type"),
    )


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


def generate_models(name: str, document: EventDocument) -> str:
    """Return the code that datamodel-code-generator writes, with a class `name` for the detail, or `CannotCreate`."""
    if find_spec(GENERATOR) is None:
        raise CannotCreate(
            "datamodel-code-generator is not installed, which writes models.\n  pip install datamodel-code-generator"
        )
    with TemporaryDirectory() as folder:
        given, written = Path(folder) / "detail.json", Path(folder) / "model.py"
        given.write_text(json.dumps(document.detail), encoding="utf-8")
        command = [
            *(sys.executable, "-m", GENERATOR, "--input", str(given), "--output", str(written)),
            *("--input-file-type", document.form, "--output-model-type", "pydantic_v2.BaseModel"),
            *("--class-name", name, "--snake-case-field", "--disable-timestamp", "--disable-warnings"),
            *("--target-python-version", "3.11", "--use-union-operator", "--aliases", json.dumps(_ALIASES)),
            *("--formatters", "builtin"),
        ]
        try:
            done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=_SECONDS)  # noqa: S603 - our own command
        except subprocess.TimeoutExpired as error:
            raise CannotCreate(
                f"datamodel-code-generator has not ended within {_SECONDS} seconds.\n  Write the class by hand."
            ) from error
        if done.returncode or not written.is_file():
            reason = (done.stderr.strip() or "it wrote nothing").splitlines()[-1]
            raise CannotCreate(f"datamodel-code-generator cannot write a model: {reason}.\n  Write the class by hand.")
        return written.read_text(encoding="utf-8")


def _event_module(name: str, keywords: Mapping[str, str], code: str) -> str:
    """Return the module's source: `code`, where the class `name` has become a `ForeignEvent` with these keywords."""
    lines = code.split("\n")  # as the parser counts lines
    tree = ast.parse(code)
    wanted = [node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == name]
    if not wanted:
        raise CannotCreate(
            "the document describes no object, and the detail of an event is one.\n  Write the class by hand."
        )
    (event,) = wanted
    options = ", ".join(f"{key}={json.dumps(value, ensure_ascii=False)}" for key, value in keywords.items())
    body = lines[event.lineno : event.end_lineno]
    if [*map(str.strip, body)] == ["pass"]:
        body = []
    if event.body and isinstance(event.body[0], ast.Expr):  # a docstring of the schema's own
        body = lines[event.body[0].end_lineno : event.end_lineno]
    origin, kind = (keywords[key].replace("\\", "").replace('"', "'") for key in ("source", "detail_type"))
    about = f'    """{origin} published {kind}."""'
    head = [f"class {name}(ForeignEvent, {options}):", about]
    replaced = [*lines[: event.lineno - 1], *head, *body, *lines[event.end_lineno :]]
    text = "\n".join(line for line in replaced if not line.startswith(("#", "from __future__")))
    first = "from contradance import ForeignEvent\n"
    title = f'"""The event {kind} of {origin}, as its publisher has it.\n\n'
    notes = (
        "Another event may lack some of these fields: make them optional. Name in once_by= the fields that identify an "
        'event.\n"""\n\n'
    )
    return title + notes + first + text.strip("\n") + "\n"
