"""`$or`, fields that are set twice, names with dots: how a pattern becomes branches."""

import json
from typing import Any

import pytest

from contradance.pattern import EventPattern, InvalidPattern

TABLE: list[tuple[str, Any, list[Any], list[Any]]] = [
    ("fields are and", {"a": ["x"], "b": ["y"]}, [{"a": "x", "b": "y"}], [{"a": "x"}, {"b": "y"}, {}]),
    (
        "$or",
        {"source": ["s"], "$or": [{"a": ["x"]}, {"b": ["y"], "c": ["z"]}]},
        [{"source": "s", "a": "x"}, {"source": "s", "b": "y", "c": "z"}],
        [{"a": "x"}, {"source": "s"}, {"source": "s", "b": "y"}],
    ),
    (
        "$or inside a field, and inside $or",
        {"d": {"$or": [{"a": ["x"]}, {"b": ["y"], "$or": [{"c": [1]}, {"c": [2]}]}]}},
        [{"d": {"a": "x"}}, {"d": {"b": "y", "c": 2}}],
        [{"a": "x"}, {"d": {"b": "y"}}, {"d": {"b": "y", "c": 3}}],
    ),
    (
        "two of them are and",
        {"$or": [{"a": [1]}, {"b": [1]}], "d": {"$or": [{"a": [1]}, {"b": [1]}]}},
        [{"a": 1, "d": {"b": 1}}, {"b": 1, "d": {"a": 1}}],
        [{"a": 1, "b": 1}, {"d": {"a": 1, "b": 1}}],
    ),
    # Event Ruler writes each field into each branch when it comes to it, so the later one counts, in either order.
    (
        "a branch that sets a field again replaces it (ruler)",
        {"a": ["x"], "$or": [{"a": ["y"]}, {"b": ["z"]}]},
        [{"a": "y"}, {"a": "x", "b": "z"}],
        [{"a": "x"}, {"a": "z", "b": "z"}],
    ),
    (
        "and so does a field after it (ruler)",
        {"$or": [{"a": ["y"]}, {"b": ["z"]}], "a": ["x"]},
        [{"a": "x"}],
        [{"a": "y"}],
    ),
    # Event Ruler takes an $or only when it can be nothing else: older patterns may have a field of that name.
    ("$or with an object is a field", {"$or": {"a": ["x"]}}, [{"$or": {"a": "x"}}], [{"a": "x"}]),
    ("$or of leaves is a field (ruler)", {"$or": ["x", "y"]}, [{"$or": "y"}], [{"x": "x"}]),
    (
        "$or of operators is a field (ruler)",
        {"$or": [{"prefix": "x"}, {"prefix": "y"}]},
        [{"$or": "yz"}],
        [{"$or": "z"}],
    ),
    ("operators' names are names elsewhere", {"prefix": {"exists": ["x"]}}, [{"prefix": {"exists": "x"}}], [{}]),
    # Dots join names, on either side.
    (
        "dots in the pattern",
        {"a.b": ["x"]},
        [{"a": {"b": "x"}}, {"a.b": "x"}, {"a": [{"b": "x"}]}],
        [{"a": "x"}, {"b": "x"}, {"a": {"b": {"b": "x"}}}],
    ),
    (
        "dots in the event",
        {"a": {"b": {"c": ["x"]}}},
        [{"a.b": {"c": "x"}}, {"a": {"b.c": "x"}}, {"a.b.c": "x"}],
        [{"a.b": "x"}],
    ),
    ("both spellings in one event are both there (ruler)", {"a": {"b": ["x"]}}, [{"a": {"b": "y"}, "a.b": "x"}], []),
    (
        "both spellings in one pattern: the later counts",
        {"a.b": ["x"], "a": {"b": ["y"]}},
        [{"a": {"b": "y"}}],
        [{"a.b": "x"}],
    ),
    ("names are case-sensitive", {"Source": ["x"]}, [{"Source": "x"}], [{"source": "x"}]),
    ("an empty name", {"": ["x"]}, [{"": "x"}], [{"a": "x"}]),
    # In text, the last of two equal names counts; so says json.
    ("a name twice in text", '{"a":["x"],"a":["y"]}', [{"a": "y"}], [{"a": "x"}]),
]


@pytest.mark.parametrize(("pattern", "matching", "other"), [row[1:] for row in TABLE], ids=[row[0] for row in TABLE])
def test_a_pattern_matches_what_its_table_says(pattern: Any, matching: list[Any], other: list[Any]) -> None:
    compiled = EventPattern(pattern)

    assert [event for event in matching if not compiled.matches(event)] == []
    assert [event for event in other if compiled.matches(event)] == []


def test_a_thousand_combinations_are_taken_and_more_are_refused() -> None:
    def choices(sizes: list[int]) -> dict[str, Any]:
        return {str(i): {"$or": [{"a": [j]} for j in range(size)]} for i, size in enumerate(sizes)}

    EventPattern(choices([10, 10, 10]))

    with pytest.raises(InvalidPattern, match="more than 1000 rule combinations"):
        EventPattern(choices([10, 10, 11]))


def test_a_pattern_is_as_long_as_put_rule_takes_it_counted_without_spaces() -> None:
    longest = {"a": ["x" * (4096 - len('{"a":[""]}'))]}

    EventPattern(json.dumps(longest, indent=4))

    with pytest.raises(InvalidPattern, match="longer than 4096 characters"):
        EventPattern({"a": [longest["a"][0] + "x"]})


@pytest.mark.parametrize("wildcard", ["*:*:*:*:event-bus/*", "*a*a*a*a", "*/*/*/*/*.json", "a*b*c*d*e*f*g*h"])
def test_a_wildcard_below_the_limit_is_taken(wildcard: str) -> None:
    EventPattern({"a": [{"wildcard": wildcard}]})


@pytest.mark.parametrize("wildcard", ["*:*:*:*:*:event-bus/*", "*aaaaaaaaaa", "a*b*c*d*e*f*g*h*i*j*k"])
def test_a_wildcard_at_the_limit_is_refused(wildcard: str) -> None:
    with pytest.raises(InvalidPattern, match="fewer repeating character sequences"):
        EventPattern({"a": [{"wildcard": wildcard}]})
