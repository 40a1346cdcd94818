"""Draft 4 and draft 7: whatever a schema allows, its older form allows."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft4Validator, Draft7Validator

from contradance import Contract
from contradance.catalog.draft4 import registry_schema, to_draft4
from contradance.catalog.draft7 import definitions, to_draft7
from contradance.testing import sample
from food_contracts.registry import registry
from tests.compatibility.judge import takes
from tests.compatibility.strategies import schemas
from tests.compatibility.values import value_of
from tests.runtime.fakes import delivered

MOST = 100_000
"""Characters that EventBridge's registry takes."""


@pytest.mark.parametrize(
    ("said", "in_draft_4"),
    [
        ({"const": "a"}, {"enum": ["a"]}),
        ({"type": "integer", "exclusiveMinimum": 0}, {"type": "integer", "minimum": 0, "exclusiveMinimum": True}),
        ({"minimum": 5, "exclusiveMinimum": 0}, {"minimum": 5}),
        ({"maximum": 5, "exclusiveMaximum": 5}, {"maximum": 5, "exclusiveMaximum": True}),
        ({"items": True}, {"items": {}}),
        ({"properties": {"a": False}}, {"properties": {"a": {"not": {}}}}),
        ({"additionalProperties": False}, {"additionalProperties": False}),
        ({"prefixItems": [{}], "items": False}, {"items": [{}], "additionalItems": False}),
        ({"dependentRequired": {"a": ["b"]}}, {"dependencies": {"a": ["b"]}}),
        ({"if": {}, "then": {}, "contains": {}, "propertyNames": {}, "examples": [1]}, {}),
        ({"oneOf": [{}], "discriminator": {"propertyName": "a"}}, {"oneOf": [{}]}),
        (
            {"$defs": {"A": {"const": 1}}, "$ref": "#/$defs/A", "description": "a"},
            {"definitions": {"A": {"enum": [1]}}, "allOf": [{"$ref": "#/definitions/A"}], "description": "a"},
        ),
        (True, {}),
        (False, {"not": {}}),
    ],
)
def test_what_draft_4_says_otherwise(said: Any, in_draft_4: Any) -> None:
    assert to_draft4(said) == in_draft_4


@settings(deadline=None)
@given(schemas(), st.data())
def test_whatever_a_schema_allows_its_older_forms_allow(schema: Any, data: st.DataObject) -> None:
    draft_4, draft_7 = to_draft4(schema), to_draft7(schema)
    if isinstance(draft_7, dict):
        draft_7 = {**draft_7, "definitions": definitions(schema)}

    Draft4Validator.check_schema(draft_4)
    Draft7Validator.check_schema(draft_7)
    for _ in range(3):
        value = value_of(data.draw, schema, schema)
        if takes(schema, value) and not has_float(value):
            assert Draft7Validator(draft_7).is_valid(value)
            assert has_one_of(schema) or Draft4Validator(draft_4).is_valid(value)


def has_float(value: object) -> bool:
    """Whether there is a number like 1.0, which is no integer in draft 4."""
    return ".0" in json.dumps(value)


def has_one_of(schema: object) -> bool:
    """Whether an alternative that is less strict in draft 4 could make two of them fit."""
    return '"oneOf"' in json.dumps(schema) or '"not"' in json.dumps(schema)


@pytest.mark.parametrize("contract", [*registry], ids=lambda contract: contract.__name__)
def test_a_registry_schema_is_of_whole_events_and_takes_them(contract: type[Contract]) -> None:
    schema = registry_schema(contract)
    content = json.loads(schema.content)
    event = delivered(sample(contract))

    assert schema.name == f"{contract.identity.source}@{contract.identity.detail_type}-v1"
    assert len(schema.content) < MOST
    Draft4Validator.check_schema(content)
    Draft4Validator(content).validate(event)
    for path in (("source",), ("detail", "metadata", "version"), ("detail", "data", "order_id")):
        assert not Draft4Validator(content).is_valid(without(event, path))


def without(event: dict[str, Any], path: tuple[str, ...]) -> dict[str, Any]:
    copied: dict[str, Any] = json.loads(json.dumps(event))
    inner = copied
    for step in path[:-1]:
        inner = inner[step]
    del inner[path[-1]]
    return copied


def test_the_same_contract_is_the_same_content() -> None:
    for contract in registry:
        assert registry_schema(contract) == registry_schema(contract)
