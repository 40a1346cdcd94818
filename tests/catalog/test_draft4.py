"""JSON Schema 2020-12 in Draft 4: never stricter than it was, and nothing left out unsaid."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft4Validator, Draft202012Validator

from contradance.catalog.draft4 import DRAFT4, to_draft4
from food_contracts.registry import registry

EXAMPLES: list[tuple[dict[str, Any], dict[str, Any], tuple[str, ...]]] = [
    ({"type": "string", "maxLength": 3}, {"type": "string", "maxLength": 3}, ()),
    ({"const": 5}, {"enum": [5]}, ()),
    ({"exclusiveMinimum": 0}, {"minimum": 0, "exclusiveMinimum": True}, ()),
    ({"exclusiveMinimum": 0, "minimum": 1}, {"minimum": 1}, ()),
    ({"exclusiveMaximum": 5, "maximum": 5}, {"maximum": 5, "exclusiveMaximum": True}, ()),
    (
        {"$ref": "#/$defs/A", "$defs": {"A": {"type": "string"}}},
        {"definitions": {"A": {"type": "string"}}, "allOf": [{"$ref": "#/definitions/A"}]},
        (),
    ),
    (
        {"properties": {"a": {"$ref": "#/$defs/A", "description": "x"}}},
        {"properties": {"a": {"description": "x", "allOf": [{"$ref": "#/definitions/A"}]}}},
        (),
    ),
    (
        {"prefixItems": [{"type": "string"}, True], "items": False},
        {"items": [{"type": "string"}, {}], "additionalItems": {"not": {}}},
        (),
    ),
    ({"items": {"const": 1}}, {"items": {"enum": [1]}}, ()),
    ({"required": []}, {}, ()),
    ({"dependentRequired": {"a": ["b"], "c": []}}, {"dependencies": {"a": ["b"]}}, ()),
    (
        {"dependentRequired": {"a": ["b"]}, "dependentSchemas": {"c": {"const": 1}}},
        {"dependencies": {"a": ["b"], "c": {"enum": [1]}}},
        (),
    ),
    ({"examples": [1], "discriminator": {"propertyName": "kind"}}, {}, ()),
    ({"properties": {"const": {"type": "null"}}}, {"properties": {"const": {"type": "null"}}}, ()),
    ({"contains": {"const": 1}}, {}, ("/contains",)),
    (
        {"properties": {"a": {"propertyNames": {"maxLength": 2}}}},
        {"properties": {"a": {}}},
        ("/properties/a/propertyNames",),
    ),
    ({"not": {"contains": {"const": 1}}}, {}, ("/not", "/not/contains")),
    (
        {"oneOf": [{"type": "string"}, {"contains": {"const": 1}}]},
        {"anyOf": [{"type": "string"}, {}]},
        ("/oneOf", "/oneOf/1/contains"),
    ),
    (
        {"oneOf": [{"$ref": "#/$defs/A"}, {}], "$defs": {"A": {"contains": {}}}},
        {"anyOf": [{"$ref": "#/definitions/A"}, {}], "definitions": {"A": {}}},
        ("/$defs/A/contains", "/oneOf"),
    ),
    ({"x-pii": True}, {"x-pii": True}, ()),
]


@pytest.mark.parametrize(("schema", "converted", "dropped"), EXAMPLES)
def test_a_keyword_is_said_in_draft_4s_words(
    schema: dict[str, Any], converted: dict[str, Any], dropped: tuple[str, ...]
) -> None:
    found = to_draft4(schema)

    assert found.schema == {"$schema": DRAFT4, **converted}
    assert found.dropped == dropped


@pytest.mark.parametrize("contract", registry, ids=lambda contract: contract.__name__)
def test_a_contracts_schema_loses_nothing_and_is_draft_4(contract: Any) -> None:
    found = to_draft4(contract.model_json_schema(mode="serialization"))

    assert found.dropped == ()
    Draft4Validator.check_schema(found.schema)


NAMES = st.sampled_from(["a", "b", "c"])
VALUES = st.none() | st.booleans() | st.integers(-3, 6) | st.sampled_from(["", "a", "ab", "abc"])
JSON = st.recursive(
    VALUES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3), max_leaves=8
)
EXACT = st.one_of(
    st.fixed_dictionaries({"type": st.sampled_from(["string", "integer", "null", "array", "object", "boolean"])}),
    st.fixed_dictionaries({"type": st.lists(st.sampled_from(["string", "integer", "null"]), min_size=1, unique=True)}),
    st.builds(lambda value: {"const": value}, VALUES),
    st.builds(lambda low: {"exclusiveMinimum": low}, st.integers(-3, 3)),
    st.builds(lambda high, wide: {"exclusiveMaximum": high, "maximum": wide}, st.integers(0, 3), st.integers(0, 3)),
    st.builds(lambda size: {"minLength": size}, st.integers(0, 3)),
    st.builds(lambda size: {"maxItems": size}, st.integers(0, 3)),
    st.builds(lambda names: {"required": names}, st.lists(NAMES, max_size=2, unique=True)),
    st.builds(lambda one, other: {"dependentRequired": {one: [other]}}, NAMES, NAMES),
    st.sampled_from([True, False, {}, {"uniqueItems": True}]),
    st.sampled_from([{"$ref": "#/$defs/D"}, {"$ref": "#/$defs/D", "type": "array"}]),
)
LOSSY = st.builds(lambda value: {"contains": {"const": value}}, VALUES) | st.builds(
    lambda size: {"propertyNames": {"maxLength": size}}, st.integers(0, 1)
)


def schemas(leaves: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    def grow(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
        several = st.lists(inner, min_size=1, max_size=3)
        return st.one_of(
            st.builds(lambda keyword, items: {keyword: items}, st.sampled_from(["allOf", "anyOf", "oneOf"]), several),
            st.builds(lambda schema: {"not": schema}, inner),
            st.builds(lambda named: {"properties": named}, st.dictionaries(NAMES, inner, max_size=3)),
            st.builds(
                lambda named, rest: {"properties": named, "additionalProperties": rest},
                st.dictionaries(NAMES, inner, max_size=2),
                inner,
            ),
            st.builds(lambda schema: {"items": schema}, inner),
            st.builds(lambda first, rest: {"prefixItems": first, "items": rest}, several, inner),
            st.builds(lambda name, schema: {"dependentSchemas": {name: schema}}, NAMES, inner),
            st.builds(lambda one, other: {**_mapping(one), **_mapping(other)}, inner, inner),
        )

    return st.recursive(leaves, grow, max_leaves=10)


def _mapping(schema: Any) -> dict[str, Any]:
    return schema if isinstance(schema, dict) else {"allOf": [schema]}


def rooted(schema: Any, definition: Any) -> dict[str, Any]:
    return {"$defs": {"D": definition}, **_mapping(schema)}


FLAT = EXACT.filter(lambda schema: not (isinstance(schema, dict) and "$ref" in schema))


@given(schemas(EXACT), schemas(FLAT), st.lists(JSON, min_size=1, max_size=10))
def test_what_draft_4_can_say_accepts_the_same(schema: Any, definition: Any, instances: list[Any]) -> None:
    original = rooted(schema, definition)

    found = to_draft4(original)

    assert found.dropped == ()
    Draft4Validator.check_schema(found.schema)
    for instance in instances:
        assert Draft4Validator(found.schema).is_valid(instance) == Draft202012Validator(original).is_valid(instance)


@given(schemas(EXACT | LOSSY), schemas(FLAT | LOSSY), st.lists(JSON, min_size=1, max_size=10))
def test_what_it_cannot_say_only_loosens(schema: Any, definition: Any, instances: list[Any]) -> None:
    original = rooted(schema, definition)

    found = to_draft4(original)

    Draft4Validator.check_schema(found.schema)
    for instance in instances:
        if Draft202012Validator(original).is_valid(instance):
            assert Draft4Validator(found.schema).is_valid(instance)
