"""Draft 7: whatever a schema allows, its older form allows."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft7Validator

from contradance.catalog.draft7 import definitions, to_draft7
from tests.compatibility.judge import takes
from tests.compatibility.strategies import schemas
from tests.compatibility.values import value_of


@pytest.mark.parametrize(
    ("said", "in_draft_7"),
    [
        ({"prefixItems": [{}], "items": False}, {"items": [{}], "additionalItems": False}),
        ({"prefixItems": [{}]}, {"items": [{}], "additionalItems": True}),
        ({"dependentRequired": {"a": ["b"]}}, {"dependencies": {"a": ["b"]}}),
        ({"oneOf": [{}], "discriminator": {"propertyName": "a"}}, {"oneOf": [{}]}),
        ({"$ref": "#/$defs/A", "title": "a"}, {"allOf": [{"$ref": "#/definitions/A"}], "title": "a"}),
        ({"$ref": "#/$defs/A"}, {"$ref": "#/definitions/A"}),
        ({"unevaluatedProperties": False}, {}),
        (True, True),
    ],
)
def test_what_draft_7_says_otherwise(said: Any, in_draft_7: Any) -> None:
    assert to_draft7(said) == in_draft_7


@given(schemas(), st.data())
def test_whatever_a_schema_allows_draft_7_allows(schema: Any, data: st.DataObject) -> None:
    older = to_draft7(schema)
    if isinstance(older, dict):
        older = {**older, "definitions": definitions(schema)}

    Draft7Validator.check_schema(older)
    validator = Draft7Validator(older, format_checker=Draft7Validator.FORMAT_CHECKER)
    for _ in range(3):
        value = value_of(data.draw, schema, schema)
        assert not takes(schema, value) or validator.is_valid(value)
