"""Events of others are written from samples and schemas; events of AWS's services are consumed with what is written."""

import ast
import contextlib
import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import replace
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contradance import ForeignEvent, scaffold, subscriber
from contradance.errors import CannotCreate
from contradance.local.state.database import Database
from contradance.scaffold.foreign import EventDocument, read_document
from contradance.scaffold.foreign_code import foreign_module
from tests.runtime.fakes import World

TEMPLATE = Path(scaffold.__file__).parent / "templates" / "layout" / "pyproject.toml.tmpl"
"""The settings of a new project."""
SERVICES = sorted((Path(__file__).parents[1] / "events" / "services").glob("*.json"))
PUBLISHED = {
    "AmazonCloudWatch/latest/events/EventTypes.html": [
        "ec2",
        "events",
        "gamelift",
        "glue",
        "glue_crawler",
        "health",
        "macie",
        "sagemaker",
        "signin",
        "ssm",
        "trustedadvisor",
    ],
    "AmazonCloudWatch/latest/monitoring/cloudwatch-and-eventbridge.html": ["cloudwatch"],
    "AmazonECR/latest/userguide/ecr-eventbridge.html": ["ecr"],
    "AmazonECS/latest/developerguide/ecs_task_events.html": ["ecs"],
    "AmazonRDS/latest/UserGuide/rds-cloud-watch-events.html": ["rds"],
    "AmazonS3/latest/userguide/ev-events.html": ["s3"],
    "autoscaling/ec2/userguide/ec2-auto-scaling-event-reference.html": ["autoscaling"],
    "batch/latest/userguide/batch_cwe_events.html": ["batch"],
    "codebuild/latest/userguide/sample-build-notifications-ref.html": ["codebuild"],
    "codepipeline/latest/userguide/detect-state-changes-cloudwatch-events.html": ["codepipeline"],
    "guardduty/latest/ug/guardduty_findings_eventbridge.html": ["guardduty"],
    "step-functions/latest/dg/cw-events.html": ["states"],
}
"""Pages of AWS's documentation, and the samples here that have the shape of an event there; the values are ours."""
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
KEYWORDS = {"source": "com.library", "detail_type": "book moved"}
OTHERS: dict[str, Any] = {
    "source": "com.library",
    "detail-type": "book moved",
    "resources": [],
    "time": "2026-01-15T22:11:00Z",
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
    file.write_text(foreign_module(name, keywords, described.form, described.detail), encoding="utf-8")
    spec = spec_from_file_location(f"written_{name.lower()}", file)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    found: type[ForeignEvent] = getattr(module, name)
    assert issubclass(found, ForeignEvent)
    return found


def consumed(world: World, kind: type[ForeignEvent], *events: dict[str, Any]) -> list[ForeignEvent]:
    """Deliver events to a function that consumes `kind`, and return what it was given."""
    given: list[ForeignEvent] = []

    def look(happened: ForeignEvent) -> None:
        given.append(happened)

    look.__annotations__["happened"] = kind
    function = subscriber(service="watch")(look)
    for number, event in enumerate(events):
        world.deliver(function, {**event, "id": f"event-{number}"}, f"request-{number}")
    return given


def test_every_sample_has_the_shape_of_one_that_aws_publishes() -> None:
    assert {sample.stem for sample in SERVICES} == {name for names in PUBLISHED.values() for name in names}


@pytest.mark.parametrize("sample", SERVICES, ids=lambda sample: sample.stem)
def test_a_sample_of_a_service_is_consumed_with_the_model_that_is_written_from_it(
    sample: Path, tmp_path: Path, world: World
) -> None:
    text = sample.read_text(encoding="utf-8")
    event = json.loads(text)
    kind = written(tmp_path, f"From{sample.stem.title().replace('_', '')}", read_document(text))

    grown = {**event, "detail": {**event["detail"], "new": {"field": 1}}}
    filled = {**event, "detail": without_nulls(event["detail"])}
    given = consumed(world, kind, event, grown, filled, {**event, "detail": {}})

    assert world.outcomes == ["done", "done", "done", "invalid" if event["detail"] else "done"]
    assert (kind.identity.source, kind.identity.detail_type) == (event["source"], event["detail-type"])
    assert json.loads(given[0].model_dump_json(by_alias=True, exclude_unset=True)) == event["detail"]


def without_nulls(value: Any) -> Any:
    """Return JSON with a text for each null: the next event of a service may have a value there."""
    if isinstance(value, dict):
        return {key: without_nulls(item) for key, item in value.items()}
    if isinstance(value, list):
        return [without_nulls(item) for item in value]
    return "text" if value is None else value


def test_what_is_written_passes_the_checks_of_a_new_project(tmp_path: Path) -> None:
    samples = [(sample.stem, read_document(sample.read_text(encoding="utf-8"))) for sample in SERVICES]
    for stem, described in samples:
        written(tmp_path, f"From{stem.title().replace('_', '')}", described)
    settings = re.sub(r"(?m)^\$.*$", "", TEMPLATE.read_text(encoding="utf-8"))
    project = tomllib.loads(settings)["tool"]["ruff"]["lint"]
    rules = ["--select", ",".join(project["select"]), "--ignore", ",".join(["I", *project["ignore"]])]

    done = subprocess.run(
        [Path(sys.executable).with_name("ruff"), "check", "--isolated", "--quiet", *rules, tmp_path],
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.stdout, done.returncode) == ("", 0)


def schema(**properties: object) -> dict[str, Any]:
    return {"type": "object", "required": [*properties], "properties": properties, "additionalProperties": False}


TEXT, NUMBER = {"type": "string"}, {"type": "integer"}
SHELVES = {"type": "array", "items": {"$ref": "#/definitions/Shelf"}}
SHELF = {"type": "object", "properties": {"room": NUMBER, "shelves": SHELVES}}
HALL = {"room": 1, "shelves": [{"room": 2, "shelves": []}]}


@pytest.mark.parametrize("name", ["BookMoved", "Shelf", "Root", "Detail"])
@pytest.mark.parametrize(
    ("document", "detail"),
    [
        ({**schema(shelf={"$ref": "#/definitions/Shelf"}), "definitions": {"Shelf": SHELF}}, {"shelf": HALL}),
        ({"$ref": "#/definitions/Shelf", "$schema": "", "definitions": {"Shelf": SHELF}}, HALL),
        ({**schema(room=NUMBER, inner={"$ref": "#"}), "required": ["room"]}, {"room": 1, "inner": {"room": 2}}),
        (
            {
                "$schema": "",
                "allOf": [{"$ref": "#/definitions/Shelf"}, schema(x=TEXT)],
                "definitions": {"Shelf": SHELF},
            },
            {**HALL, "x": "y"},
        ),
        (schema(shelf=schema(shelf=schema(x=TEXT))), {"shelf": {"shelf": {"x": "y"}}}),
        ({"ForeignEvent": {"k": 1}, "BaseModel": {"a-b": 1}, "Field": {"k": 1}, "root": None, "Shelf": {"k": 1}},) * 2,
        ({"Name": 1, "name": 2, "user-id": 3, "userId": 4, "class": 5, "model_config": 6, "_x": 7, "": 8, "1": 9},) * 2,
        ({"Origin": "EC2", "origin": 1, "origin_": 2, "IDENTITY": {"Origin": 3}},) * 2,
        ({"none": None, "nones": [None], "empty": [], "void": {}, "lists": [[1], []], "mixed": [1, "a", None]},) * 2,
    ],
    ids=["part", "recursive", "itself", "inherited", "nested", "names", "keys", "reserved", "nothing"],
)
def test_what_is_written_from_a_document_has_all_its_fields_under_any_name(
    document: dict[str, Any], detail: dict[str, Any], name: str, tmp_path: Path, world: World
) -> None:
    described = replace(read_document(json.dumps(document)), source=OTHERS["source"], detail_type=OTHERS["detail-type"])
    event = {**OTHERS, "detail": {**detail, "unknown to us": 1}}

    given = consumed(world, written(tmp_path, name, described), event)

    assert world.outcomes == ["done"]
    assert json.loads(given[0].model_dump_json(by_alias=True, exclude_unset=True)) == detail


@pytest.mark.parametrize(
    "document",
    [
        {"$schema": "", "type": "array", "items": TEXT},
        {"$schema": "", "type": "string", "enum": ["a", "b"]},
        {"$schema": "", "type": "object", "additionalProperties": TEXT},
        {"$schema": "", "oneOf": [schema(a=TEXT), schema(b=TEXT)]},
    ],
    ids=["array", "text", "map", "alternatives"],
)
def test_a_schema_of_no_one_object_is_refused(document: dict[str, Any]) -> None:
    with pytest.raises(CannotCreate, match="describes no object with fields"):
        foreign_module("Odd", KEYWORDS, "jsonschema", document)


@pytest.mark.parametrize("name", ["BaseModel", "Field", "ForeignEvent"])
def test_a_name_that_the_module_imports_is_refused(name: str) -> None:
    with pytest.raises(CannotCreate, match=f"{name} is a name that the module of the event imports"):
        foreign_module(name, KEYWORDS, "json", {"a-b": 1})


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


WORDS = st.sampled_from(
    [
        *("openapi", "components", "schemas", "AWSEvent", "$schema", "$ref", "$defs", "definitions", "properties"),
        *("detail", "detail-type", "source", "type", "enum", "const", "object", "Content", "x-amazon-events-source"),
        *("#/definitions/detail", "#/components/schemas/AWSEvent"),
    ]
)
JSON = st.recursive(
    st.one_of(st.none(), st.integers(0, 1), WORDS),
    lambda part: st.one_of(st.lists(part, max_size=2), st.dictionaries(WORDS, part, max_size=4)),
    max_leaves=12,
)


@given(JSON)
def test_every_document_is_read_or_refused(document: object) -> None:
    with contextlib.suppress(CannotCreate):
        assert isinstance(read_document(json.dumps(document)).detail, dict)


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


def test_the_generator_is_named_where_it_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("contradance.scaffold.foreign_code.find_spec", lambda _: None)

    with pytest.raises(CannotCreate, match="pip install datamodel-code-generator"):
        foreign_module("X", KEYWORDS, "json", {})


@pytest.mark.parametrize(
    "value", ['say "x"', "back\\slash", "ümlaut", '"""'], ids=["quotes", "backslash", "letters", "triple"]
)
def test_names_of_others_cannot_break_the_code(value: str) -> None:
    code = foreign_module("Odd", {"source": value, "detail_type": value}, "json", {})

    tree = ast.parse(code)
    (event,) = [node for node in tree.body if isinstance(node, ast.ClassDef)]
    assert {key.arg: ast.literal_eval(key.value) for key in event.keywords} == {"source": value, "detail_type": value}


def test_the_generators_error_is_shown_without_a_value_of_the_document() -> None:
    with pytest.raises(CannotCreate, match="cannot write a model: Input should be a valid dictionary\\.") as refused:
        foreign_module("Odd", KEYWORDS, "jsonschema", {"properties": "a secret"})

    assert "secret" not in str(refused.value)


def test_lines_of_generated_code_are_counted_as_the_parser_counts_them() -> None:
    schema = {
        "type": "object",
        "properties": {"a": {"type": "string", "examples": ["x\x0cy\u2028z"], "title": "q\x1cr"}},
    }

    tree = ast.parse(foreign_module("Odd", KEYWORDS, "jsonschema", schema))

    assert [node.name for node in tree.body if isinstance(node, ast.ClassDef)] == ["Odd"]
