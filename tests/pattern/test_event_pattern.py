"""What a pattern says of itself and of an event that it does not match."""

import json
from decimal import Decimal
from types import MappingProxyType
from typing import Any

import pytest

from contradance.pattern import EventPattern, InvalidPattern, Mismatch


def test_text_and_mapping_make_the_same_pattern() -> None:
    text = EventPattern(' {"b": ["é"], "a": {"x": [1.0]}} ')
    mapping = EventPattern(MappingProxyType({"a": MappingProxyType({"x": (1.0,)}), "b": ("é",)}))

    assert text == mapping
    assert hash(text) == hash(mapping)
    assert text.canonical == mapping.canonical == '{"a":{"x":[1.0]},"b":["é"]}'


def test_different_patterns_differ() -> None:
    assert EventPattern({"a": ["x"]}) != EventPattern({"a": ["y"]})
    assert EventPattern({"a": ["x"]}) != '{"a":["x"]}'


def test_the_representation_can_be_evaluated() -> None:
    pattern = EventPattern({"a": ["it's"]})

    assert eval(repr(pattern)) == pattern  # noqa: S307


def test_the_canonical_text_keeps_an_order_that_counts() -> None:
    written = '{"a":["x"],"$or":[{"a":["y"]},{"b":["z"]}]}'

    assert EventPattern(written).canonical == written
    assert EventPattern(json.loads(written)).matches({"a": "y"})


def test_changing_the_mapping_afterwards_changes_nothing() -> None:
    written = {"a": ["x"]}
    pattern = EventPattern(written)

    written["a"].append("y")

    assert not pattern.matches({"a": "y"})
    assert pattern.canonical == '{"a":["x"]}'


@pytest.mark.parametrize("pattern", [None, 5, b"{}", ["x"]])
def test_what_is_neither_text_nor_mapping_is_refused(pattern: Any) -> None:
    with pytest.raises(InvalidPattern, match="Filter is not an object"):
        EventPattern(pattern)


def test_numbers_that_were_read_as_decimals_are_numbers() -> None:
    pattern = EventPattern('{"a":[0.1, 300, 9007199254740993],"b":[{"numeric":[">",0.1]}]}')

    assert [
        pattern.matches({"a": Decimal(a), "b": Decimal("0.2")}) for a in ("0.10", "3.0E+2", "9007199254740993")
    ] == [True] * 3
    assert not pattern.matches({"a": Decimal("0.1"), "b": Decimal("0.1")})
    assert not pattern.matches({"a": Decimal("NaN"), "b": Decimal("0.2")})
    assert not pattern.matches({"a": Decimal("0.1"), "b": Decimal("1E+999999999")})


def test_numbers_beyond_every_type_are_compared_and_break_nothing() -> None:
    pattern = EventPattern('{"a":[1e-99999999999999999999, 1.23456789012345678]}')

    assert pattern.matches(json.loads('{"a":1.23456789012345678}'))
    assert not any(
        pattern.matches({"a": value}) for value in (Decimal("sNaN"), float("nan"), 10**5000, Decimal("-Infinity"))
    )


def test_what_json_cannot_hold_matches_nothing_but_existence() -> None:
    values: list[Any] = [{1, 2}, object(), b"x", {1: "x"}]

    assert not any(EventPattern({"a": ["x", 1, None]}).matches({"a": value}) for value in values)
    assert not any(EventPattern({"a": {"b": {"c": ["x"]}}}).matches({"a": [value]}) for value in values)
    assert [EventPattern({"a": [{"exists": True}]}).matches({"a": value}) for value in values] == [
        True,
        True,
        True,
        False,
    ]


def test_an_event_of_other_mappings_and_sequences_is_an_event() -> None:
    pattern = EventPattern({"detail": {"items": {"sku": ["a"], "quantity": [2]}}})
    item = MappingProxyType({"sku": "a", "quantity": 2})

    assert pattern.matches(MappingProxyType({"detail": MappingProxyType({"items": (item,)})}))


@pytest.mark.parametrize(
    ("event", "path", "held"),
    [
        ({"source": "s", "detail": {"card": "4111"}}, "detail.total", "nothing"),
        ({"source": "s", "detail": {"total": "4111"}}, "detail.total", "a string"),
        ({"source": "s", "detail": {"total": 4111}}, "detail.total", "a number"),
        ({"source": "s", "detail": {"total": [None, True, 4111, 5]}}, "detail.total", "a boolean or a number or null"),
        ({"source": "s", "detail": {"total": {"secret": 4111}}}, "detail.total", "nothing"),
        ({"source": "other", "detail": {"total": 1}}, "source", '"other"'),
        ({"source": 4111, "detail": {"total": 1}}, "source", "a number"),
    ],
)
def test_a_mismatch_names_the_field_and_the_type_and_no_value_but_the_source(event: Any, path: str, held: str) -> None:
    pattern = EventPattern({"source": ["s"], "detail": {"total": [1, {"numeric": ["<", 0]}]}})

    mismatch = pattern.explain(event)

    assert mismatch is not None
    assert (mismatch.path, mismatch.held) == (path, held)
    assert mismatch.wanted == ('["s"]' if path == "source" else '[1, {"numeric": ["<", 0]}]')
    assert "4111" not in str(mismatch)


def test_a_match_has_no_explanation() -> None:
    assert EventPattern({"a": ["x"]}).explain({"a": "x"}) is None


def test_the_branch_that_comes_closest_is_explained() -> None:
    pattern = EventPattern({"$or": [{"a": [1], "b": [1], "c": [1]}, {"a": [2], "b": [2], "c": [2]}]})

    mismatch = pattern.explain({"a": 2, "b": 2, "c": 1})

    assert mismatch == Mismatch("c", "a number", "[2]")
    assert str(mismatch) == "c: the event has a number, the pattern requires [2]"


def test_fields_that_match_in_different_elements_are_explained() -> None:
    pattern = EventPattern({"source": ["s"], "items": {"sku": ["a"], "quantity": [2]}})

    mismatch = pattern.explain({"source": "s", "items": [{"sku": "a", "quantity": 1}, {"sku": "b", "quantity": 2}]})

    assert mismatch is not None
    assert "different elements" in mismatch.held
    assert mismatch.wanted == "items.sku, items.quantity to match in the same element"


def test_a_long_wish_is_cut() -> None:
    mismatch = EventPattern({"a": [f"value-{i}" for i in range(100)]}).explain({})

    assert mismatch is not None
    assert len(mismatch.wanted) == 200
    assert mismatch.wanted.endswith("...")
