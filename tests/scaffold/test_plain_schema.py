"""Every form of a schema that publishers use becomes a class that reads the details it allows, and no stricter one."""

import json
from pathlib import Path
from typing import Any, Final

import pytest

from contradance.errors import CannotCreate
from contradance.scaffold.foreign import read_document
from contradance.wire import as_text, read_tolerant
from tests.scaffold.test_foreign import written

TEXT, NUMBER = {"type": "string"}, {"type": "integer"}


def schema(*required: str, draft: str = "http://json-schema.org/draft-07/schema#", **keywords: Any) -> dict[str, Any]:
    return {"$schema": draft, "type": "object", "required": [*required], **keywords}


def openapi(detail: dict[str, Any], **parts: Any) -> dict[str, Any]:
    event = {"type": "object", "properties": {"detail": detail, "detail-type": TEXT, "source": TEXT}}
    return {"openapi": "3.0.0", "components": {"schemas": {"AWSEvent": event, **parts}}}


CAT: Final = {"type": "object", "required": ["kind"], "properties": {"kind": {"const": "cat"}, "lives": NUMBER}}
DOG: Final = {"type": "object", "required": ["kind", "name"], "properties": {"kind": {"const": "dog"}, "name": TEXT}}
DOCUMENTS: Final[dict[str, tuple[dict[str, Any], list[Any]]]] = {
    "draft 4": (
        schema(
            "n",
            draft="http://json-schema.org/draft-04/schema#",
            properties={"n": {"minimum": 0, "exclusiveMinimum": True}},
        ),
        [{"n": 1}],
    ),
    "draft 2020": (
        schema(
            "t", draft="https://json-schema.org/draft/2020-12/schema", properties={"t": {"prefixItems": [TEXT, NUMBER]}}
        ),
        [{"t": ["a", 1]}],
    ),
    "formats": (
        schema(
            properties={
                form.replace("-", ""): {"type": "string", "format": form} for form in ("email", "date-time", "x")
            }
        ),
        [{"email": "a@b.example", "datetime": "2026-01-31T12:00:00Z", "x": "y"}],
    ),
    "patterns of keys": (
        schema(
            properties={
                "tags": {"patternProperties": {"^aws:": TEXT, "^x-": NUMBER}, "additionalProperties": False},
                "open": {"type": "object", "patternProperties": {"^a": TEXT}},
                "names": {"type": "object", "propertyNames": {"pattern": "^a"}, "additionalProperties": NUMBER},
            }
        ),
        [{"tags": {"aws:x": "1", "x-y": 2}, "open": {"b": [1]}, "names": {"b": 1}}],
    ),
    "patterns of another language": (
        schema(
            properties={"a": {"type": "string", "pattern": "^\\p{L}+$"}, "b": {"type": "string", "pattern": "^(?=.*a)"}}
        ),
        [{"a": "1", "b": "ba"}],
    ),
    "constrained items": (
        schema(
            properties={
                "a": {"type": "array", "items": {"type": "string", "minLength": 1}},
                "b": {"items": {"minimum": 3}},
            }
        ),
        [{"a": ["x"], "b": [3]}],
    ),
    "one of several objects": (
        openapi(
            {"oneOf": [{"$ref": "#/components/schemas/Cat"}, {"$ref": "#/components/schemas/Dog"}]}, Cat=CAT, Dog=DOG
        ),
        [{"kind": "cat", "lives": 9}, {"kind": "dog", "name": "Rex"}],
    ),
    "discriminator": (
        openapi(
            {
                "type": "object",
                "properties": {
                    "pet": {
                        "oneOf": [{"$ref": "#/components/schemas/a.Cat"}, {"$ref": "#/components/schemas/a.Dog"}],
                        "discriminator": {
                            "propertyName": "kind",
                            "mapping": {"cat": "#/components/schemas/a.Cat", "dog": "#/components/schemas/a.Dog"},
                        },
                    }
                },
            },
            **{"a.Cat": CAT, "a.Dog": DOG},
        ),
        [{"pet": {"kind": "cat", "lives": 9}}, {"pet": {"kind": "dog", "name": "Rex"}}],
    ),
    "one or the other field": (
        schema(properties={"a": TEXT, "b": TEXT}, anyOf=[{"required": ["a"]}, {"required": ["b"]}]),
        [{"a": "x"}, {"b": "y"}],
    ),
    "names of parts": (
        schema(
            properties={
                "a": {"$ref": "#/definitions/x.y.Z"},
                "b": {"$ref": "#/definitions/a~1b"},
                "c": {"$ref": "#/definitions/c%20d"},
            },
            definitions={"x.y.Z": schema(properties={"z": NUMBER}), "a/b": NUMBER, "c d": TEXT, "c_d": NUMBER},
        ),
        [{"a": {"z": 1}, "b": 2, "c": "e"}],
    ),
    "constants": (
        schema(properties={"a": {"const": 1.5}, "b": {"const": {"x": 1}}, "c": {"const": [1]}}),
        [{"a": 1.5, "b": {"x": 1}}],
    ),
}


@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_class_that_is_written_reads_the_details_of_its_schema(name: str, tmp_path: Path) -> None:
    document, details = DOCUMENTS[name]

    kind = written(tmp_path, f"Event{[*DOCUMENTS].index(name)}", read_document(json.dumps(document)))

    for detail in details:
        read = read_tolerant(kind, as_text(detail))
        assert json.loads(read.model_dump_json(by_alias=True, exclude_unset=True)) == detail


def test_a_default_that_pydantic_would_not_convert_is_left_out(tmp_path: Path) -> None:
    moment = {"type": "string", "format": "date-time", "default": "2026-01-31T12:00:00Z"}
    colour = {"type": "string", "enum": ["a", "b"], "default": "a"}
    document = schema(properties={"at": moment, "colour": colour, "note": {**TEXT, "default": "none"}})

    kind: Any = written(tmp_path, "WithDefaults", read_document(json.dumps(document)))

    assert kind().model_dump() == {"at": None, "colour": None, "note": "none"}


def test_a_null_beside_a_field_named_object_has_a_type_that_is_one(tmp_path: Path) -> None:
    sample = {"source": "aws.partner/stripe.com/x", "detail-type": "x", "detail": {"object": "event", "request": None}}

    kind = written(tmp_path, "StripeEvent", read_document(json.dumps(sample)))

    assert kind.model_fields["request"].annotation is Any


def test_an_event_whose_detail_is_no_object_is_refused() -> None:
    with pytest.raises(CannotCreate, match="the detail of the event is not a JSON object"):
        read_document(json.dumps({"source": "a", "detail-type": "b", "detail": [1]}))
