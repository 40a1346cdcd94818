"""Events of others are written from samples and schemas; events of AWS's services are consumed with what is written."""

import ast
import json
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import pytest

from contradance import ForeignEvent, subscriber
from contradance.errors import CannotCreate
from contradance.local.state.database import Database
from contradance.scaffold.foreign import EventDocument, _event_module, generate_models, read_document
from tests.runtime.fakes import World

SERVICES = sorted((Path(__file__).parents[1] / "events" / "services").glob("*.json"))
OPENAPI: dict[str, Any] = {
    "openapi": "3.0.0",
    "info": {"version": "1.0.0", "title": "BookMoved"},
    "paths": {},
    "components": {
        "schemas": {
            "AWSEvent": {
                "type": "object",
                "required": ["detail-type", "detail", "source"],
                "x-amazon-events-detail-type": "book moved",
                "x-amazon-events-source": "com.library",
                "properties": {
                    "detail": {"$ref": "#/components/schemas/BookMoved"},
                    "detail-type": {"type": "string"},
                    "source": {"type": "string"},
                },
            },
            "BookMoved": {
                "type": "object",
                "required": ["bookId", "shelf"],
                "properties": {
                    "bookId": {"type": "string"},
                    "shelf": {"$ref": "#/components/schemas/Shelf"},
                    "origin": {"type": "string"},
                },
            },
            "Shelf": {"type": "object", "required": ["room"], "properties": {"room": {"type": "integer"}}},
        }
    },
}
EVENT = OPENAPI["components"]["schemas"]["AWSEvent"]
DRAFT4 = {
    "$schema": "http://json-schema.org/draft-04/schema#",
    **json.loads(json.dumps(EVENT).replace("#/components/schemas/", "#/definitions/")),
    "definitions": json.loads(
        json.dumps(OPENAPI["components"]["schemas"]).replace("#/components/schemas/", "#/definitions/")
    ),
}
BARE = {"type": "object", "required": ["bookId"], "properties": {"bookId": {"type": "string"}}}


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    database = Database(tmp_path / "state.sqlite3", synchronous="OFF")
    yield World(database)
    database.close()


def written(folder: Path, name: str, described: EventDocument) -> type[ForeignEvent]:
    """Write the module of an event, import it, and return the class."""
    keywords = {"source": str(described.source), "detail_type": str(described.detail_type), "bus": "default"}
    file = folder / f"{name.lower()}.py"
    file.write_text(_event_module(name, keywords, generate_models(name, described)), encoding="utf-8")
    spec = spec_from_file_location(f"written_{name.lower()}", file)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    found: type[ForeignEvent] = getattr(module, name)
    assert issubclass(found, ForeignEvent)
    return found


def test_ten_services_have_samples() -> None:
    assert len(SERVICES) >= 10


@pytest.mark.parametrize("sample", SERVICES, ids=lambda sample: sample.stem)
def test_a_sample_of_a_service_is_consumed_with_the_model_that_is_written_from_it(
    sample: Path, tmp_path: Path, world: World
) -> None:
    text = sample.read_text(encoding="utf-8")
    event = json.loads(text)
    kind = written(tmp_path, f"From{sample.stem.title()}", read_document(text))
    given: list[ForeignEvent] = []

    def look(happened: ForeignEvent) -> None:
        given.append(happened)

    look.__annotations__["happened"] = kind
    function = subscriber(service="watch")(look)

    world.deliver(function, event)
    world.deliver(function, {**event, "id": "another", "detail": {**event["detail"], "new": {"field": 1}}}, "request-2")
    world.deliver(function, {**event, "id": "broken", "detail": {}}, "request-3")

    assert world.outcomes == ["done", "done", "invalid"]
    assert (kind.identity.source, kind.identity.detail_type) == (event["source"], event["detail-type"])
    assert json.loads(given[0].model_dump_json(by_alias=True, exclude_unset=True)) == event["detail"]


@pytest.mark.parametrize(
    "document",
    [OPENAPI, DRAFT4, {"Type": "OpenApi3", "Content": json.dumps(OPENAPI)}],
    ids=["OpenApi3", "JSONSchemaDraft4", "DescribeSchema"],
)
def test_a_document_of_the_schema_registry_becomes_a_model(document: object, tmp_path: Path) -> None:
    described = read_document(json.dumps(document))
    kind = written(tmp_path, "BookMoved", described)

    moved = kind.model_validate({"bookId": "b-1", "shelf": {"room": 3}, "origin": "attic"})

    assert (described.source, described.detail_type) == ("com.library", "book moved")
    assert moved.model_dump(by_alias=True)["shelf"] == {"room": 3}
    assert moved.model_dump(by_alias=True)["origin"] == "attic"
    assert kind.identity.detail_type == "book moved"


def test_a_schema_of_a_detail_needs_source_and_detail_type() -> None:
    described = read_document(json.dumps(BARE))

    assert (described.form, described.source, described.detail_type) == ("jsonschema", None, None)


def test_a_fixed_source_in_a_schema_is_taken() -> None:
    properties = {
        "source": {"enum": ["com.library"]},
        "detail-type": {"const": "book moved"},
        "detail": {"type": "object", "properties": {}},
    }

    described = read_document(json.dumps({"type": "object", "properties": properties}))

    assert (described.source, described.detail_type) == ("com.library", "book moved")


@pytest.mark.parametrize("text", ["", "[]", "5", "{", '"text"'], ids=repr)
def test_what_is_not_a_document_is_refused(text: str) -> None:
    with pytest.raises(CannotCreate, match="Give a sample event or a JSON Schema"):
        read_document(text)


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"components": 5},
        {"components": {"schemas": [1]}},
        {"components": {"schemas": {"AWSEvent": 5}}},
        {"components": {"schemas": {"AWSEvent": {"properties": {"detail": True, "detail-type": 5}}}}},
    ],
    ids=repr,
)
def test_an_openapi_document_without_an_event_is_refused(document: dict[str, object]) -> None:
    with pytest.raises(CannotCreate, match="it has no schema AWSEvent"):
        read_document(json.dumps({"openapi": "3.0.0", **document}))


@pytest.mark.parametrize(
    "schema",
    [
        {"$schema": 1, "definitions": 5, "$defs": [1]},
        {"type": "object", "properties": [1]},
        {"properties": {"detail": {"$ref": 5}, "detail-type": {"enum": 5}, "source": 5}},
        {"properties": {"detail": {"$ref": "#/definitions/X"}, "detail-type": {}}, "definitions": {"X": 5}},
    ],
    ids=repr,
)
def test_a_schema_with_other_values_than_a_schema_has_is_left_to_the_generator(schema: dict[str, object]) -> None:
    document = read_document(json.dumps(schema))

    assert (document.form, document.source, document.detail_type) == ("jsonschema", None, None)


def test_a_generator_that_does_not_end_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def wait(command: list[str], **options: object) -> None:
        raise subprocess.TimeoutExpired(command, 120)

    monkeypatch.setattr("contradance.scaffold.foreign.find_spec", lambda _: True)
    monkeypatch.setattr("contradance.scaffold.foreign.subprocess.run", wait)

    with pytest.raises(CannotCreate, match="has not ended within 120 seconds"):
        generate_models("X", read_document("{}"))


def test_the_generator_is_named_where_it_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("contradance.scaffold.foreign.find_spec", lambda _: None)

    with pytest.raises(CannotCreate, match="pip install datamodel-code-generator"):
        generate_models("X", read_document("{}"))


@pytest.mark.parametrize(
    "value", ['say "x"', "back\\slash", "ümlaut", '"""'], ids=["quotes", "backslash", "letters", "triple"]
)
def test_names_of_others_cannot_break_the_code(value: str) -> None:
    code = _event_module("Odd", {"source": value, "detail_type": value}, "class Odd(BaseModel):\n    pass\n")

    tree = ast.parse(code)
    (event,) = [node for node in tree.body if isinstance(node, ast.ClassDef)]
    assert {key.arg: ast.literal_eval(key.value) for key in event.keywords} == {"source": value, "detail_type": value}
