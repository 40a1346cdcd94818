"""Arrays in events: any leaf will do, nested arrays are flat, and fields of one array agree on an element."""

from typing import Any

import pytest

from contradance.pattern import EventPattern

SKU_AND_QUANTITY = {"items": {"sku": ["a"], "quantity": [2]}}

TABLE: list[tuple[str, Any, list[Any], list[Any]]] = [
    (
        "two fields agree on an element",
        SKU_AND_QUANTITY,
        [
            {"items": {"sku": "a", "quantity": 2}},
            {"items": [{"sku": "b"}, {"sku": "a", "quantity": 2}]},
            {"items": [{"sku": ["x", "a"], "quantity": [[1], 2]}]},
        ],
        [
            {"items": [{"sku": "a"}, {"quantity": 2}]},
            {"items": [{"sku": "a", "quantity": 1}, {"sku": "b", "quantity": 2}]},
        ],
    ),
    (
        "arrays in arrays are elements too",
        SKU_AND_QUANTITY,
        [{"items": [[{"sku": "a", "quantity": 2}]]}, {"items": [[[{"sku": "b"}]], [{"sku": "a", "quantity": 2}]]}],
        [{"items": [[{"sku": "a"}, {"quantity": 2}]]}, {"items": [[{"sku": "a"}], [{"quantity": 2}]]}],
    ),
    (
        "at any depth",
        {"a": {"b": {"c": [1], "d": [2]}, "e": [3]}},
        [{"a": [{"b": [{"c": 1, "d": 2}, {}], "e": 3}]}],
        [{"a": [{"b": [{"c": 1}, {"d": 2}], "e": 3}]}, {"a": [{"b": {"c": 1, "d": 2}}, {"e": 3}]}],
    ),
    (
        "different arrays are free of each other",
        {"a": {"x": [1]}, "b": {"x": [2]}},
        [{"a": [{}, {"x": 1}], "b": [{"x": 2}, {}]}],
        [{"a": [{"x": 2}], "b": [{"x": 1}]}],
    ),
    (
        "arrays of leaves are free of each other",
        {"a": {"x": ["p"], "y": ["q"]}},
        [{"a": {"x": ["o", "p"], "y": ["q", "r"]}}, {"a": [{"x": ["o", "p"], "y": ["q"]}]}],
        [{"a": [{"x": ["o", "p"]}, {"y": ["q"]}]}],
    ),
    (
        "through $or",
        {"i": {"a": [1], "$or": [{"b": [2]}, {"c": [3]}]}},
        [{"i": [{"a": 1, "c": 3}, {"c": 4}]}],
        [{"i": [{"a": 1, "c": 2}, {"c": 3}]}, {"i": [{"a": 1}, {"b": 2}]}],
    ),
    (
        "a leaf beside objects in one array is free (ruler)",
        {"i": ["x"], "i.a": [1]},
        [{"i": ["x", {"a": 1}]}],
        [{"i": [["x"], {"a": 1}]}, {"i": ["y", {"a": 1}]}],
    ),
    (
        "names with dots too",
        {"i": {"a": [1], "b.c": [2]}},
        [{"i": [{"a": 1, "b.c": 2}]}],
        [{"i": [{"a": 1}, {"b": {"c": 2}}]}],
    ),
    # Event Ruler goes through a branch's fields in the order of their names. The first field in an array fixes the
    # element; a field after it is absent when that element lacks it, a field before it when the whole array does.
    (
        "absence after another field is the element's (ruler)",
        {"i": {"a": [1], "b": [{"exists": False}]}},
        [{"i": [{"a": 1}, {"a": 2, "b": 3}]}, {"i": [{"a": 1, "b": {}}]}],
        [{"i": [{"a": 1, "b": 2}, {"a": 2}]}],
    ),
    (
        "absence before another field is the array's (ruler)",
        {"i": {"z": [1], "b": [{"exists": False}]}},
        [{"i": [{"z": 1}, {"z": 2}]}],
        [{"i": [{"z": 1}, {"b": 3}]}],
    ),
    (
        "absence alone is the array's",
        {"i": {"b": [{"exists": False}]}},
        [{"i": [{"a": 1}]}, {"i": []}],
        [{"i": [{"a": 1}, {"b": 3}]}],
    ),
    (
        "a value or absence",
        {"i": {"a": [1], "b": [5, {"exists": False}]}},
        [{"i": [{"a": 1}, {"b": 3}]}, {"i": [{"a": 1, "b": 5}]}],
        [{"i": [{"a": 1, "b": 4}]}],
    ),
    (
        "absence in an array inside the element",
        {"i": {"a": [1], "k": {"b": [{"exists": False}]}}},
        [{"i": [{"a": 1, "k": [{"c": 1}]}, {"a": 2, "k": [{"b": 1}]}]}],
        [{"i": [{"a": 1, "k": [{"c": 1}, {"b": 2}]}]}],
    ),
]


@pytest.mark.parametrize(("pattern", "matching", "other"), [row[1:] for row in TABLE], ids=[row[0] for row in TABLE])
def test_an_array_matches_what_its_table_says(pattern: Any, matching: list[Any], other: list[Any]) -> None:
    compiled = EventPattern(pattern)

    assert [event for event in matching if not compiled.matches(event)] == []
    assert [event for event in other if compiled.matches(event)] == []
