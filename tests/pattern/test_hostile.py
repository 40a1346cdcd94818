"""Patterns and events made to exhaust the stack or the clock. Work is counted in calls, not seconds."""

import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

import pytest

from contradance.pattern import EventPattern, InvalidPattern, RuleIndex

DEEPER_THAN_THE_STACK = 5 * sys.getrecursionlimit()


def calls(function: Callable[[], object]) -> int:
    """How many functions a function calls, Python's own included."""
    count = 0

    def note(frame: FrameType, event: str, argument: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        function()
    finally:
        sys.setprofile(before)
    return count


def objects(depth: int, inside: Any) -> Any:
    for _ in range(depth):
        inside = {"a": inside}
    return inside


def arrays(depth: int, inside: Any) -> Any:
    for _ in range(depth):
        inside = [inside]
    return inside


def test_an_event_deeper_than_the_stack_is_matched() -> None:
    deep = DEEPER_THAN_THE_STACK
    leaf = EventPattern({"a": ["x"]})
    fields = EventPattern({"a": {"b": ["x"], "c": ["y"]}})

    assert not leaf.matches(objects(deep, "x"))
    assert leaf.matches({"a": arrays(deep, "x")})
    assert fields.matches({"a": arrays(deep, {"b": "x", "c": "y"})})
    assert not fields.matches({"a": arrays(deep, [{"b": "x"}, {"c": "y"}])})
    assert fields.explain({"a": arrays(deep, {"b": "x"})}) is not None
    assert RuleIndex({"fields": fields}).matching({"a": arrays(deep, {"b": "x", "c": "y"})}) == {"fields"}


def test_a_pattern_as_deep_as_its_length_allows_is_matched() -> None:
    pattern = EventPattern(objects(600, ["x"]))

    assert pattern.matches(objects(600, "x"))
    assert pattern.matches(objects(300, [objects(300, "x")]))
    assert not pattern.matches(objects(599, "x"))
    assert pattern.explain(objects(599, "x")) is not None


@pytest.mark.parametrize(
    "pattern",
    [objects(DEEPER_THAN_THE_STACK, ["x"]), '{"a":' * 2000, '{"a":[' * 2000],
    ids=["mapping", "text", "array"],
)
def test_a_pattern_deeper_than_that_is_refused(pattern: Any) -> None:
    with pytest.raises(InvalidPattern):
        EventPattern(pattern)


def test_a_pattern_that_holds_itself_is_refused() -> None:
    object_in_itself: dict[str, Any] = {}
    object_in_itself["a"] = object_in_itself
    choice_in_itself: dict[str, Any] = {}
    choice_in_itself["$or"] = [choice_in_itself, choice_in_itself]
    array_in_itself: list[Any] = []
    array_in_itself.append(array_in_itself)

    for pattern in (object_in_itself, choice_in_itself, {"a": array_in_itself}):
        with pytest.raises(InvalidPattern):
            EventPattern(pattern)


def test_choices_that_multiply_are_refused_before_they_are_multiplied_out() -> None:
    pattern = {str(i): {"$or": [{"a": ["x"]}, {"b": ["x"]}]} for i in range(30)}

    def refuse() -> None:
        with pytest.raises(InvalidPattern, match="combinations"):
            EventPattern(pattern)

    assert calls(refuse) < 50_000


def test_a_wildcard_costs_one_search_for_each_of_its_parts() -> None:
    pattern = EventPattern({"a": [{"wildcard": "*a*a*a*b"}]})
    short, long = {"a": "a" * 1_000}, {"a": "a" * 100_000}

    assert not pattern.matches(short)
    assert calls(lambda: pattern.matches(short)) == calls(lambda: pattern.matches(long))


def test_case_does_not_multiply_the_ways_to_match() -> None:
    pattern = EventPattern({"a": [{"prefix": {"equals-ignore-case": "ß" * 500}}]})

    cost = calls(lambda: pattern.matches({"a": "s" * 100_000 + "S"}))
    cost_of_success = calls(lambda: pattern.matches({"a": "SS" * 500}))

    assert cost < 10_000
    assert cost_of_success < 10_000


@pytest.mark.parametrize(
    "elements",
    [
        lambda count: [{"b": "x"}, {"c": "y"}] * (count // 2),
        lambda count: [{"b": ["x"] * 10, "c": ["z"] * 10}] * (count // 20),
        lambda count: [[{"b": "x"}], [[{"c": "y"}]]] * (count // 2),
    ],
    ids=["objects", "arrays of leaves", "arrays of arrays"],
)
def test_a_large_array_costs_in_proportion_to_its_size(elements: Callable[[int], list[Any]]) -> None:
    pattern = EventPattern({"a": {"b": ["x"], "c": ["y"]}})
    small, large = ({"a": elements(count)} for count in (1_000, 4_000))

    ratio = calls(lambda: pattern.matches(large)) / calls(lambda: pattern.matches(small))

    assert ratio < 5


def test_sibling_arrays_are_not_tried_in_combination() -> None:
    """Each of ten arrays offers a hundred ways, and the last two fields never agree: 100 ** 10 ways, none of them right."""
    names = "bcdefghijk"
    pattern = EventPattern({"a": {**{name: {"x": [1]} for name in names}, "z": {"x": [1], "y": [2]}}})
    event = {"a": {**{name: [{"x": 1}] * 100 for name in names}, "z": [{"x": 1}, {"y": 2}] * 50}}

    assert not pattern.matches(event)
    assert calls(lambda: pattern.matches(event)) < 50_000


def test_an_array_of_a_hundred_thousand_is_matched() -> None:
    event = {"a": [{"b": "x"}] * 99_999 + [{"b": "x", "c": "y"}], "d": ["z"] * 100_000}
    index = RuleIndex(
        {"fields": {"a": {"b": ["x"], "c": ["y"]}}, "leaves": {"d": [{"suffix": "z"}]}, "neither": {"d": ["y"]}}
    )

    assert index.matching(event) == {"fields", "leaves"}
