"""Many rules: adding, replacing, removing, and how few of them an event is tried against."""

from collections.abc import Callable
from typing import Any

import pytest

from contradance.pattern import EventPattern, InvalidPattern, RuleIndex


def tried(index: RuleIndex, event: dict[str, Any]) -> int:
    """How many filed branches an event of plain fields is tried against."""
    return sum(len(one.find(one.read(event))) for _, one in index._indexes.candidates_for(event)) + len(
        index._unindexed
    )


def test_an_empty_index_matches_nothing() -> None:
    assert RuleIndex().matching({"a": "x"}) == set()


def test_an_index_holds_its_patterns_by_name() -> None:
    index = RuleIndex({"text": '{"a":["x"]}', "mapping": {"a": ["y"]}, "pattern": EventPattern({"a": ["z"]})})

    assert list(index) == ["text", "mapping", "pattern"]
    assert len(index) == 3
    assert "text" in index
    assert index["mapping"] == EventPattern({"a": ["y"]})
    assert index.matching({"a": ["x", "z"]}) == {"text", "pattern"}


def test_adding_a_rule_of_the_same_name_replaces_it() -> None:
    index = RuleIndex({"rule": {"a": ["x"]}})

    index.add("rule", {"a": ["y"]})

    assert index.matching({"a": "x"}) == set()
    assert index.matching({"a": "y"}) == {"rule"}


def test_an_invalid_pattern_leaves_the_index_as_it_was() -> None:
    index = RuleIndex({"rule": {"a": ["x"]}})

    with pytest.raises(InvalidPattern):
        index.add("rule", {"a": []})

    assert index.matching({"a": "x"}) == {"rule"}


def test_removing_a_rule_that_is_not_there_is_a_key_error() -> None:
    with pytest.raises(KeyError):
        RuleIndex().remove("rule")


def test_removing_every_rule_leaves_nothing_behind() -> None:
    shapes = [
        ["x"],
        [{"prefix": "x"}],
        [{"suffix": "x"}, {"wildcard": "*long*"}],
        [{"equals-ignore-case": "x"}, {"prefix": {"equals-ignore-case": "y"}}, {"suffix": {"equals-ignore-case": "z"}}],
        [
            {"numeric": [">", 1]},
            {
                "numeric": [
                    "<",
                    9,
                ][:2]
            },
        ],
        [{"cidr": "10.0.0.0/8"}],
        [{"anything-but": "x"}],
        [{"exists": True}],
        [{"exists": False}],
    ]
    index = RuleIndex(
        {f"{i}-{j}": {"source": ["s"], "d": {"f": shape}} for i, shape in enumerate(shapes) for j in range(3)}
    )
    index.add("or", {"$or": [{"a": ["x"]}, {"b": [{"exists": False}]}]})

    for name in list(index):
        index.remove(name)

    assert index.matching({"source": "s", "d": {"f": "x"}}) == set()
    assert not list(index._indexes.candidates_for({}))
    assert not index._indexes._outer_paths
    assert not index._unindexed


def test_rules_without_anything_to_look_for_are_still_found() -> None:
    index = RuleIndex(
        {"no a": {"a": [{"exists": False}]}, "a": {"a": [{"exists": True}]}, "or": {"a": ["x", {"exists": False}]}}
    )

    assert index.matching({"b": 1}) == {"no a", "or"}
    assert index.matching({"a": None}) == {"a"}
    assert index.matching({"a": "x"}) == {"a", "or"}


def test_array_consistency_holds_in_the_index() -> None:
    index = RuleIndex(
        {
            "both": {"items": {"sku": ["a"], "quantity": [2]}},
            "sku": {"items": {"sku": ["a"]}},
            "either": {"items": {"$or": [{"sku": ["z"]}, {"quantity": [2]}]}},
        }
    )

    assert index.matching({"items": [{"sku": "a"}, {"quantity": 2}]}) == {"sku", "either"}
    assert index.matching({"items": [{"sku": "a", "quantity": 2}]}) == {"both", "sku", "either"}


def test_rules_of_very_many_fields_are_found_by_the_fields_that_an_event_has() -> None:
    index = RuleIndex({str(i): {"detail": {f"field-{i}": {"value": [i]}}} for i in range(1000)})

    assert len(list(index._indexes.candidates_for({"detail": {"field-7": {"value": 7}}}))) == 1
    assert index.matching({"detail": {"field-7": {"value": 7}}}) == {"7"}
    assert index.matching({"detail.field-7": [{"value": [8, 7]}], "detail": {"field-8.value": 8}}) == {"7", "8"}


SHAPES: list[tuple[str, Callable[[int], dict[str, Any]], dict[str, Any]]] = [
    ("exact", lambda i: {"s": ["same"], "v": [f"id-{i}"]}, {"s": "same", "v": "id-500"}),
    ("many exact", lambda i: {"s": ["same"], "v": [f"id-{i}", f"or-{i}"]}, {"s": "same", "v": "id-500"}),
    ("prefix", lambda i: {"s": ["same"], "v": [{"prefix": f"id-{i:04}"}]}, {"s": "same", "v": "id-0500/x"}),
    ("suffix", lambda i: {"s": ["same"], "v": [{"suffix": f"{i:04}"}]}, {"s": "same", "v": "x/0500"}),
    ("any case", lambda i: {"s": ["same"], "v": [{"equals-ignore-case": f"Id-{i}"}]}, {"s": "same", "v": "ID-500"}),
    (
        "prefix, any case",
        lambda i: {"v": [{"prefix": {"equals-ignore-case": f"Éd-{i:04}"}}]},
        {"v": "éD-0500x"},
    ),
    ("suffix, any case", lambda i: {"v": [{"suffix": {"equals-ignore-case": f"ß{i:04}"}}]}, {"v": "xSS0500"}),
    ("wildcard, start", lambda i: {"v": [{"wildcard": f"id-{i:04}/*.json"}]}, {"v": "id-0500/x.json"}),
    ("wildcard, end", lambda i: {"v": [{"wildcard": f"id-*/{i:04}"}]}, {"v": "id-x/0500"}),
    ("wildcard, middle", lambda i: {"v": [{"wildcard": f"id-*/{i:04}/*.json"}]}, {"v": "id-x/0500/y.json"}),
    ("ranges", lambda i: {"s": ["same"], "v": [{"numeric": [">=", i, "<", i + 1]}]}, {"s": "same", "v": 500.5}),
    ("numbers", lambda i: {"s": ["same"], "v": [i]}, {"s": "same", "v": 500.0}),
    ("blocks", lambda i: {"v": [{"cidr": f"10.{i // 256}.{i % 256}.0/24"}]}, {"v": "10.1.244.9"}),
    (
        "$or",
        lambda i: {"s": ["same"], "$or": [{"v": [f"id-{i}"]}, {"w": [{"prefix": f"{i:04}"}]}]},
        {"s": "same", "w": "0500"},
    ),
]


@pytest.mark.parametrize(("shape", "event"), [row[1:] for row in SHAPES], ids=[row[0] for row in SHAPES])
def test_an_event_is_tried_against_few_of_a_thousand_rules(
    shape: Callable[[int], dict[str, Any]], event: dict[str, Any]
) -> None:
    index = RuleIndex({str(i): shape(i) for i in range(1000)})

    assert index.matching(event) == {"500"}
    assert tried(index, event) <= 3


def test_overlapping_ranges_are_tried_only_where_they_match() -> None:
    rules: dict[str, Any] = {f"over {i}": {"v": [{"numeric": [">", i]}]} for i in range(1000)}
    rules |= {f"under {i}": {"v": [{"numeric": ["<", -i]}]} for i in range(1000)}
    rules |= {f"around {i}": {"v": [{"numeric": [">", -1e6, "<", i - 2000]}]} for i in range(1000)}
    index = RuleIndex(rules)

    assert tried(index, {"v": 2.5}) == 3
    assert index.matching({"v": 2.5}) == {"over 0", "over 1", "over 2"}
    assert index.matching({"v": -1000.5}) == {f"under {i}" for i in range(1000)}
    assert index.matching({"v": -1001.5}) == {f"under {i}" for i in range(1000)} | {"around 999"}
