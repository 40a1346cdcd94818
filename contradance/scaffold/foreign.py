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
    layout.changes.create(path, _module(called, keywords, generated(called, described)))
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
        return _of_schema(document.get("components", {}).get("schemas", {}).get("AWSEvent", {}), document)
    if "$schema" in document or document.get("type") == "object" or "properties" in document:
        return _of_schema(document, document)
    if all(name in document for name in _ENVELOPE) and isinstance(document["detail"], dict):
        return Described("json", document["detail"], str(document["source"]), str(document["detail-type"]))
    return Described("json", document, None, None)


def _of_schema(event: Mapping[str, Any], document: Mapping[str, Any]) -> Described:
    """Return the schema of the detail in the schema of a whole event, with its definitions; or a schema of a detail."""
    definitions = {
        **document.get("components", {}).get("schemas", {}),
        **document.get("definitions", {}),
        **document.get("$defs", {}),
    }
    properties = event.get("properties", {})
    detail = properties["detail"] if {"detail", "detail-type"} <= properties.keys() else event
    if not detail:
        raise CannotCreate(
            "the document describes no event: it has no schema AWSEvent.\n  Export it as JSONSchemaDraft4."
        )
    kept = {name: value for name, value in detail.items() if name not in ("definitions", "$defs", "$schema")}
    text = json.dumps({**kept, "definitions": definitions})
    for old in ("#/components/schemas/", "#/$defs/"):
        text = text.replace(f'"{old}', '"#/definitions/')
    schema = json.loads(text)
    reference = schema.get("$ref", "").rpartition("/")[2]
    if reference in definitions:
        schema = {**schema["definitions"][reference], "definitions": schema["definitions"]}
    return Described(
        "jsonschema",
        schema,
        _only(event, "source", "x-amazon-events-source"),
        _only(event, "detail-type", "x-amazon-events-detail-type"),
    )


def _only(event: Mapping[str, Any], name: str, extension: str) -> str | None:
    """Return a fixed value of an event's envelope, from the registry's extension or a one-item enum."""
    if isinstance(event.get(extension), str):
        return str(event[extension])
    allowed = event.get("properties", {}).get(name, {})
    values = allowed.get("enum") or ([allowed["const"]] if "const" in allowed else [])
    return str(values[0]) if len(values) == 1 else None


def generated(name: str, described: Described) -> str:
    """Return the code that datamodel-code-generator writes, with `name` as the class of the detail."""
    if find_spec(GENERATOR) is None:
        raise CannotCreate(
            "datamodel-code-generator is not installed, which writes models.\n  pip install datamodel-code-generator"
        )
    with TemporaryDirectory() as folder:
        given, written = Path(folder) / "detail.json", Path(folder) / "model.py"
        given.write_text(json.dumps(described.detail), encoding="utf-8")
        command = [
            *(sys.executable, "-m", GENERATOR, "--input", str(given), "--output", str(written)),
            *("--input-file-type", described.form, "--output-model-type", "pydantic_v2.BaseModel"),
            *("--class-name", name, "--snake-case-field", "--disable-timestamp", "--disable-warnings"),
            *("--target-python-version", "3.11", "--use-union-operator", "--aliases", json.dumps(_ALIASES)),
            *("--formatters", "builtin"),
        ]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=_SECONDS)  # noqa: S603 - our own command
        if done.returncode or not written.is_file():
            reason = (done.stderr.strip() or "it wrote nothing").splitlines()[-1]
            raise CannotCreate(f"datamodel-code-generator cannot write a model: {reason}.\n  Write the class by hand.")
        return written.read_text(encoding="utf-8")


def _module(name: str, keywords: Mapping[str, str], code: str) -> str:
    """Return the module: the generated models, and the class of the event as a `ForeignEvent` with these keywords."""
    lines = code.splitlines()
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
