"""Every rule, by example: before, after, the directions it breaks, and the sentence."""

import copy
from typing import Any, Literal

import pytest

from contradance.compatibility import compare, comparison
from contradance.compatibility.comparison import MAX_DEPTH
from contradance.errors import InvalidSchema

BACKWARD, FORWARD, BOTH, NOBODY = {"backward"}, {"forward"}, {"backward", "forward"}, set[str]()
REFUSED_OLD = "new consumers refuse old events."
REFUSED_NEW = "old consumers refuse new events."
REFUSED = f"{REFUSED_OLD[:-1]}, and {REFUSED_NEW}"
BREAKS_NOTHING = "breaks nothing."

Text, Whole, Number = {"type": "string"}, {"type": "integer"}, {"type": "number"}


def model(*required: str, **fields: Any) -> dict[str, Any]:
    return {"type": "object", "properties": fields, "required": [*required], "additionalProperties": False}


def text(**keywords: Any) -> dict[str, Any]:
    return {"type": "string", **keywords}


def many(item: Any, **keywords: Any) -> dict[str, Any]:
    return {"type": "array", "items": item, **keywords}


def tagged(**alternatives: dict[str, Any]) -> dict[str, Any]:
    return {
        "discriminator": {"propertyName": "kind"},
        "oneOf": [
            model("kind", *inner["required"], kind={"const": kind}, **inner["properties"])
            for kind, inner in alternatives.items()
        ],
    }


TREE = {"$ref": "#/$defs/Tree"}


def tree(label: dict[str, Any]) -> dict[str, Any]:
    return {"$defs": {"Tree": model("label", "branches", label=label, branches=many(TREE))}, **TREE}


RULES: list[tuple[str, Any, Any, str, set[str], str]] = [
    # fields
    ("add-optional", model(), model(a=Text), "optional-field-added", NOBODY, f"a is new, and optional: {BREAKS_NOTHING}"),
    ("add-required", model(), model("a", a=Text), "required-field-added", BACKWARD, f"a is new, and required: {REFUSED_OLD}"),
    ("remove-optional", model(a=Text), model(), "optional-field-removed", NOBODY, f"a was optional, and is removed: {BREAKS_NOTHING}"),
    ("remove-required", model("a", a=Text), model(), "required-field-removed", FORWARD, f"a was required, and is removed: {REFUSED_NEW}"),
    ("require", model(a=Text), model("a", a=Text), "field-required", BACKWARD, f"a is now required, but was optional: {REFUSED_OLD}"),
    ("make-optional", model("a", a=Text), model(a=Text), "field-optional", FORWARD, f"a is now optional, but was required: {REFUSED_NEW}"),
    ("rename", model("a", a=text(maxLength=9)), model("b", b=text(maxLength=9)), "field-renamed", BOTH, f"a is removed, and b of the same type is new, as when a field is renamed: {REFUSED}"),
    ("rename-optional", model(a=text(maxLength=9)), model(b=text(maxLength=9)), "field-renamed", NOBODY, f"a is removed, and b of the same type is new, as when a field is renamed: {BREAKS_NOTHING}"),
    # types
    ("another-type", Text, Whole, "type-changed", BOTH, f"the value is now a number, was a text: {REFUSED}"),
    ("whole-to-number", Whole, Number, "type-widened", FORWARD, f"the value may now have a fraction: {REFUSED_NEW}"),
    ("number-to-whole", Number, Whole, "type-narrowed", BACKWARD, f"the value must now be a whole number: {REFUSED_OLD}"),
    ("one-more-type", Text, {"type": ["string", "boolean"]}, "type-added", FORWARD, f"the value may now be a boolean: {REFUSED_NEW}"),
    ("one-type-less", {"type": ["string", "array"]}, Text, "type-removed", BACKWARD, f"the value may no longer be a list: {REFUSED_OLD}"),
    ("nullable", Text, {"anyOf": [Text, {"type": "null"}]}, "null-allowed", FORWARD, f"the value may now be null: {REFUSED_NEW}"),
    ("no-longer-nullable", {"type": ["string", "null"]}, Text, "null-refused", BACKWARD, f"the value may no longer be null: {REFUSED_OLD}"),
    # numbers
    ("raise-minimum", {**Whole, "minimum": 1}, {**Whole, "minimum": 5}, "minimum", BACKWARD, f"the value must now be at least 5, was at least 1: {REFUSED_OLD}"),
    ("lower-minimum", {**Whole, "minimum": 1}, {**Whole, "minimum": 0}, "minimum", FORWARD, f"the value must now be at least 0, was at least 1: {REFUSED_NEW}"),
    ("lower-maximum", {**Number, "maximum": 1.5}, {**Number, "exclusiveMaximum": 1.5}, "maximum", BACKWARD, f"the value must now be less than 1.5, was at most 1.5: {REFUSED_OLD}"),
    ("no-maximum", {**Whole, "maximum": 9}, Whole, "maximum", FORWARD, f"the value is no longer bounded, was at most 9: {REFUSED_NEW}"),
    ("a-maximum", Whole, {**Whole, "maximum": 9}, "maximum", BACKWARD, f"the value must now be at most 9, was not bounded: {REFUSED_OLD}"),
    ("multiple", {**Whole, "multipleOf": 2}, {**Whole, "multipleOf": 4}, "multiple-of", BACKWARD, f"the value must now be a multiple of 4: {REFUSED_OLD}"),
    ("no-multiple", {**Whole, "multipleOf": 5}, Whole, "multiple-of", FORWARD, f"the value no longer has to be a multiple of 5: {REFUSED_NEW}"),
    ("other-multiple", {**Whole, "multipleOf": 2}, {**Whole, "multipleOf": 3}, "multiple-of", BOTH, f"the value must now be a multiple of 3: {REFUSED}"),
    # texts
    ("longer", text(maxLength=5), text(maxLength=9), "max-length", FORWARD, f"the value may now have at most 9 characters, was 5: {REFUSED_NEW}"),
    ("unlimited", text(maxLength=5), Text, "max-length", FORWARD, f"the value may now have any number of characters, was 5: {REFUSED_NEW}"),
    ("limited", Text, text(maxLength=5), "max-length", BACKWARD, f"the value may now have at most 5 characters, not limited before: {REFUSED_OLD}"),
    ("not-empty", Text, text(minLength=1), "min-length", BACKWARD, f"the value must now have at least 1 characters, not 0: {REFUSED_OLD}"),
    ("maybe-empty", text(minLength=1), Text, "min-length", FORWARD, f"the value may now have as few as 0 characters, not 1: {REFUSED_NEW}"),
    ("a-pattern", Text, text(pattern="^a"), "pattern", BACKWARD, f'the value must now match "^a": {REFUSED_OLD}'),
    ("no-pattern", text(pattern="^a"), Text, "pattern", FORWARD, f'the value no longer has to match "^a": {REFUSED_NEW}'),
    ("another-pattern", text(pattern="^a"), text(pattern="^ab"), "pattern", BOTH, f'the value must match another pattern than "^a": {REFUSED}'),
    ("a-format", Text, text(format="uuid"), "format", BACKWARD, f"the value is now of format uuid, was any text: {REFUSED_OLD}"),
    ("another-format", text(format="date"), text(format="date-time"), "format", BOTH, f"the value is now of format date-time, was date: {REFUSED}"),
    ("a-wider-format", text(format="uuid4"), text(format="uuid"), "format", FORWARD, f"the value is now of format uuid, was uuid4: {REFUSED_NEW}"),
    # values
    ("one-value-more", {"enum": ["a"]}, {"enum": ["a", "b"]}, "values-added", FORWARD, f'the value may now also be "b": {REFUSED_NEW}'),
    ("one-value-less", {"enum": ["a", "b"]}, {"enum": ["a"]}, "values-removed", BACKWARD, f'the value may no longer be "b": {REFUSED_OLD}'),
    ("listed", Text, {"enum": ["a"]}, "values-listed", BACKWARD, f'the value is now one of "a": {REFUSED_OLD}'),
    ("unlisted", {"enum": ["a"]}, Text, "values-unlisted", FORWARD, f'the value is no longer one of "a", but any value: {REFUSED_NEW}'),
    ("unlisted-too-short", {"enum": ["abc"]}, text(maxLength=2), "values-unlisted", BOTH, f'the value is no longer one of "abc", but any value: {REFUSED}'),
    # lists
    ("an-item-of", many(Text), many(Whole), "type-changed", BOTH, f"[] is now a number, was a text: {REFUSED}"),
    ("fewer-items", many(Text), many(Text, maxItems=9), "max-items", BACKWARD, f"the value may now have at most 9 items, not limited before: {REFUSED_OLD}"),
    ("more-items", many(Text, minItems=1), many(Text), "min-items", FORWARD, f"the value may now have as few as 0 items, not 1: {REFUSED_NEW}"),
    ("a-set", many(Text), many(Text, uniqueItems=True), "unique-items", BACKWARD, f"the value must now have unique items: {REFUSED_OLD}"),
    ("no-set", many(Text, uniqueItems=True), many(Text), "unique-items", FORWARD, f"the value may now have duplicate items: {REFUSED_NEW}"),
    ("a-tuple", {"type": "array", "prefixItems": [Text, Text], "items": False}, {"type": "array", "prefixItems": [Text, Whole], "items": False}, "type-changed", BOTH, f"[1] is now a number, was a text: {REFUSED}"),
    ("a-longer-tuple", {"type": "array", "prefixItems": [Text], "items": False}, {"type": "array", "prefixItems": [Text, Text], "items": False}, "max-items", FORWARD, f"the value may now have at most 2 items, was 1: {REFUSED_NEW}"),
    ("draft-7-tuple", {"type": "array", "items": [Text], "additionalItems": False}, {"type": "array", "prefixItems": [text(maxLength=1)], "items": False}, "max-length", BACKWARD, f"[0] may now have at most 1 characters, not limited before: {REFUSED_OLD}"),
    # maps
    ("a-map-of", {"type": "object", "additionalProperties": Whole}, {"type": "object", "additionalProperties": {**Whole, "minimum": 0}}, "minimum", BACKWARD, f"* must now be at least 0, was not bounded: {REFUSED_OLD}"),
    ("free-to-map", {"type": "object"}, {"type": "object", "additionalProperties": Whole}, "unknown-fields", BACKWARD, f"the value has changed which unnamed fields are allowed: {REFUSED_OLD}"),
    ("free-to-model", {"type": "object"}, model(a=Text), "optional-field-added", BACKWARD, f"a is new, and optional: {REFUSED_OLD}"),
    ("keys", {"type": "object", "propertyNames": {"enum": ["a", "b"]}}, {"type": "object", "propertyNames": {"enum": ["a"]}}, "values-removed", BACKWARD, f'(key) may no longer be "b": {REFUSED_OLD}'),
    ("keys-by-pattern", {"type": "object", "patternProperties": {"^a": Whole}}, {"type": "object", "patternProperties": {"^a": Number}}, "type-widened", FORWARD, f"/^a/ may now have a fraction: {REFUSED_NEW}"),
    ("keys-by-other-pattern", {"type": "object", "patternProperties": {"^a": Whole}}, {"type": "object", "patternProperties": {"^b": Text}}, "unknown-fields", BOTH, f"the value has changed which unnamed fields are allowed: {REFUSED}"),
    ("count", {"type": "object"}, {"type": "object", "minProperties": 1}, "field-count", BACKWARD, f"the value must now have 1 to any number of fields, was 0 to any number of: {REFUSED_OLD}"),
    ("closed-map", {"type": "object", "additionalProperties": True}, {"type": "object", "additionalProperties": False}, "unknown-fields", NOBODY, f"the value may no longer have fields that are not named: {BREAKS_NOTHING}"),
    # unions
    ("member-added", tagged(card=model(no=Text)), tagged(card=model(no=Text), cash=model()), "alternative-added", FORWARD, f'the value has a new alternative, kind = "cash": {REFUSED_NEW}'),
    ("member-removed", tagged(card=model(no=Text), cash=model()), tagged(card=model(no=Text)), "alternative-removed", BACKWARD, f'the value no longer has the alternative kind = "cash": {REFUSED_OLD}'),
    ("member-changed", tagged(card=model(no=Text), cash=model()), tagged(card=model("no", no=Text), cash=model()), "field-required", BACKWARD, f"no is now required, but was optional: {REFUSED_OLD}"),
    ("member-taken-by-another", {"anyOf": [{**Whole, "maximum": 5}, {**Whole, "minimum": 9}]}, {"anyOf": [{**Whole, "maximum": 7}]}, "alternative-removed", BACKWARD, f"the value no longer has the alternative of kind number: {REFUSED_OLD}"),
    # references and nesting
    ("deep-in-a-definition", {"$defs": {"M": model(a=Whole)}, **model("m", m={"$ref": "#/$defs/M"})}, {"$defs": {"M": model(a=Text)}, **model("m", m={"$ref": "#/$defs/M"})}, "type-changed", BOTH, f"m.a is now a text, was a number: {REFUSED}"),
    ("in-a-tree", tree(Text), tree(text(maxLength=3)), "max-length", BACKWARD, f"label may now have at most 3 characters, not limited before: {REFUSED_OLD}"),
    ("in-a-list-of-lists", many(many(Whole)), many(many(Number)), "type-widened", FORWARD, f"[][] may now have a fraction: {REFUSED_NEW}"),
    # what nobody reasons about
    ("not", Whole, {**Whole, "not": {"const": 3}}, "cannot-prove", BACKWARD, f"the value changes `not`, which cannot be proved safe: {REFUSED_OLD}"),
    ("if", {**Whole, "if": {"minimum": 3}, "then": {"maximum": 9}}, Whole, "cannot-prove", FORWARD, f"the value changes `if`, which cannot be proved safe: {REFUSED_NEW}"),
    ("unevaluated", {**model(a=Text), "unevaluatedProperties": False}, {**model(a=Text, b=Text), "unevaluatedProperties": False}, "cannot-prove", BOTH, f"the value changes `unevaluatedProperties`, which cannot be proved safe: {REFUSED}"),
    ("contains", many(Whole, contains={"const": 1}), many(Whole, contains={"const": 1}, minContains=2), "cannot-prove", BOTH, f"the value changes `contains`, which cannot be proved safe: {REFUSED}"),
    ("elsewhere", {"$ref": "https://example.com/a"}, {"$ref": "https://example.com/b"}, "cannot-prove", BOTH, f"the value changes a `$ref` out of the document, which cannot be proved safe: {REFUSED}"),
    ("overlapping-one-of", Number, {"oneOf": [{**Whole, "multipleOf": 3}, {"type": "number"}]}, "cannot-prove", BACKWARD, f"the value changes `oneOf`: more than one alternative may fit, which cannot be proved safe: {REFUSED_OLD}"),
    ("itself", Text, {"$defs": {"A": {"$ref": "#/$defs/A"}}, "$ref": "#/$defs/A"}, "cannot-prove", BOTH, f"the value changes a `$ref` that leads back to itself, which cannot be proved safe: {REFUSED}"),
    ("python", Text, text(**{"x-checks": {"gt": 0}}), "cannot-prove", BACKWARD, f"the value changes what Python checks (gt), which cannot be proved safe: {REFUSED_OLD}"),
    ("draft-4", Whole, {**Whole, "minimum": 1, "exclusiveMinimum": True}, "cannot-prove", BACKWARD, f"the value changes draft 4's `exclusiveMinimum`, which cannot be proved safe: {REFUSED_OLD}"),
    ("anything-else", Text, False, "type-removed", BACKWARD, f"the value may no longer be a text: {REFUSED_OLD}"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("old", "new", "rule", "breaks", "sentence"), [row[1:] for row in RULES], ids=[row[0] for row in RULES]
)
def test_a_rule_says_what_breaks_and_why(old: Any, new: Any, rule: str, breaks: set[str], sentence: str) -> None:
    found = [change for change in compare(old, new) if change.rule == rule]

    assert [(set(change.breaks), change.message) for change in found] == [(breaks, sentence)]


SAFE: list[tuple[str, Any, Any]] = [
    ("a reference and what it means", {"$defs": {"T": text(maxLength=3)}, "$ref": "#/$defs/T"}, text(maxLength=3)),
    ("a constant and a list of one", {"const": "a"}, {"enum": ["a"]}),
    ("more than 0 and at least 1, of whole numbers", {**Whole, "exclusiveMinimum": 0}, {**Whole, "minimum": 1}),
    ("less than 9.5 and at most 9, of whole numbers", {**Whole, "exclusiveMaximum": 9.5}, {**Whole, "maximum": 9}),
    ("a list of types and a choice", {"type": ["string", "null"]}, {"anyOf": [{"type": "null"}, Text]}),
    ("a choice in another order", {"anyOf": [Text, Whole]}, {"anyOf": [Whole, Text]}),
    ("one and 1.0", {"enum": [1]}, {"enum": [1.0]}),
    ("no minimum length and 0", Text, text(minLength=0)),
    ("draft 7 and 2020-12", {"type": "array", "items": [Text], "additionalItems": False}, {"type": "array", "prefixItems": [Text], "items": False}),
    ("definitions by either name", {"definitions": {"T": Text}, "$ref": "#/definitions/T"}, {"$defs": {"T": Text}, "$ref": "#/$defs/T"}),
    ("an anchor and a pointer", {"$defs": {"T": {**Text, "$anchor": "t"}}, "$ref": "#t"}, {"$defs": {"T": Text}, "$ref": "#/$defs/T"}),
    ("both of two", {"allOf": [text(minLength=1), {"maxLength": 3}]}, text(minLength=1, maxLength=3)),
    ("fields in two parts", {"allOf": [model("a", a=Text) | {"additionalProperties": True}, {"properties": {"b": Whole}}]}, {"type": "object", "properties": {"a": Text, "b": Whole}, "required": ["a"], "additionalProperties": True}),
    ("a boolean and its values", {"type": "boolean"}, {"enum": [True, False]}),
    ("what is said and what it is called", text(title="A", description="a", examples=["a"], default="a"), Text),
    ("beside a reference, in draft 7", {"$schema": "http://json-schema.org/draft-07/schema#", "definitions": {"T": Text}, "$ref": "#/definitions/T", "maxLength": 3}, Text),
    ("a tree and the same tree, unrolled once", tree(Text), {"$defs": {"Tree": tree(Text)["$defs"]["Tree"]}, **model("label", "branches", label=Text, branches=many(TREE))}),
    ("an alternative that another one takes in", {"anyOf": [{**Whole, "maximum": 5}, Whole]}, Whole),
    ("the same thing that nobody reasons about", {**Whole, "not": {"const": 3}}, {"not": {"const": 3}, **Whole}),
    ("two alternatives that could both fit", {"oneOf": [model(a=Text), model(a=Text, b=Text)]}, {"oneOf": [model(a=Text), model(a=Text, b=Text)]}),
]  # fmt: skip


@pytest.mark.parametrize(("one", "two"), [row[1:] for row in SAFE], ids=[row[0] for row in SAFE])
@pytest.mark.parametrize("way", ["there", "back"])
def test_what_means_the_same_breaks_nobody(one: Any, two: Any, way: Literal["there", "back"]) -> None:
    old, new = (one, two) if way == "there" else (two, one)

    assert [change for change in compare(old, new) if change.breaks] == []


@pytest.mark.parametrize(("old", "new"), [row[1:3] for row in RULES], ids=[row[0] for row in RULES])
def test_nothing_differs_from_a_copy(old: Any, new: Any) -> None:
    assert compare(old, copy.deepcopy(old)) == []
    assert compare(new, copy.deepcopy(new)) == []


@pytest.mark.parametrize(
    ("schema", "told"),
    [
        ("string", "a JSON Schema is an object or a boolean, but this is a str."),
        ({"type": "text"}, "the schema has the type 'text', which JSON Schema does not define."),
        ({"anyOf": {"type": "string"}}, "the schema's `anyOf` is not a list of schemas."),
        ({"properties": {"a": "string"}}, "the schema has a str where a schema must be."),
        ({"const": float("nan")}, "the schema has the number nan, which JSON does not have."),
    ],
)
def test_what_is_no_schema_is_refused(schema: Any, told: str) -> None:
    with pytest.raises(InvalidSchema) as refused:
        compare(schema, {"type": "integer"})

    assert str(refused.value).startswith(told)


WRONG = [None, True, "text", -0.5, [1], [[1]], {"a": 1}, float("nan"), float("inf")]
KEYWORDS = {
    **{key: ["[1]", "[[1]]"] for key in ("enum", "prefixItems")},
    **{key: ["-0.5", "True"] for key in ("exclusiveMaximum", "exclusiveMinimum")},
    **{key: ["'text'"] for key in ("format", "pattern")},
    **{key: [] for key in ("maxItems", "maxLength", "maxProperties", "minItems", "minLength", "minProperties")},
    **{key: ["-0.5"] for key in ("maximum", "minimum")},
    **{key: ["{'a': 1}"] for key in ("patternProperties", "properties")},
    "multipleOf": [],
    "required": [],
}
"""The values of `WRONG` that have the right form, by keyword."""


@pytest.mark.parametrize(("keyword", "fitting"), KEYWORDS.items())
def test_a_keyword_in_another_form_is_refused(keyword: str, fitting: list[str]) -> None:
    wrong = [value for value in WRONG if repr(value) not in fitting]

    for value in wrong:
        for kind in ("string", "array"):
            with pytest.raises(InvalidSchema, match=f"the schema's `{keyword}` is not a"):
                compare({"type": kind, keyword: value}, {"type": "integer"})


def test_a_pattern_that_python_cannot_compile_cannot_be_proved() -> None:
    old = {"type": "object", "patternProperties": {"a{99999999999999999999}": Text}}
    new = {"type": "object", "properties": {"a": Whole}}

    assert "cannot-prove" in {change.rule for change in compare(old, new)}


def test_schemas_that_share_a_part_are_still_two() -> None:
    shared = many({"$ref": "#/$defs/E"})
    old, new = ({"$defs": {"E": model(*names, a=Whole, b=shared)}, "$ref": "#/$defs/E"} for names in ([], ["a", "b"]))

    assert {(change.path, *change.breaks) for change in compare(old, new)} == {("a", "backward"), ("b", "backward")}
    assert {(change.path, *change.breaks) for change in compare(new, old)} == {("a", "forward"), ("b", "forward")}


@pytest.mark.parametrize(
    ("levels", "rule"),
    [(MAX_DEPTH, "type-changed"), (MAX_DEPTH + 1, "cannot-prove"), (400, "cannot-prove")],
)
def test_what_is_too_deep_cannot_be_proved(levels: int, rule: str) -> None:
    old: Any = {"type": "string"}
    new: Any = {"type": "integer"}
    for _ in range(levels):
        old, new = many(old), many(new)

    assert [(change.rule, set(change.breaks)) for change in compare(old, new)] == [(rule, BOTH)]


def test_what_is_too_large_cannot_be_proved(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(comparison, "MAX_PLACES", 200)
    old = model(**{f"f{number}": many(text(maxLength=number)) for number in range(110)})
    new = model(**{f"f{number}": many(text(maxLength=number + 1)) for number in range(110)})

    assert [(change.rule, set(change.breaks)) for change in compare(old, new)] == [("cannot-prove", BOTH)]


def test_a_pattern_that_only_rust_reads_is_no_error() -> None:
    old = text(pattern=r"^\p{L}+$")

    assert compare(old, dict(old)) == []
    assert [set(change.breaks) for change in compare({"const": "a"}, old)] == [BOTH]
