"""The fast matcher against the slow one, the index against one rule at a time, and nonsense against both."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from contradance.pattern import EventPattern, InvalidPattern, RuleIndex
from tests.examples import examples
from tests.pattern import reference
from tests.pattern.strategies import JSON, OPERATORS, events_like, patterns, patterns_and_events

OPERATOR_NAMES = st.sampled_from(
    [
        "prefix",
        "suffix",
        "wildcard",
        "equals-ignore-case",
        "anything-but",
        "numeric",
        "exists",
        "cidr",
        "exactly",
        "$or",
    ]
)


@examples(200)  # two implementations: most small mistakes show here alone
@given(patterns_and_events())
def test_the_fast_matcher_agrees_with_the_reference(example: tuple[dict[str, Any], list[dict[str, Any]]]) -> None:
    pattern, events = example
    compiled = EventPattern(pattern)

    assert [compiled.matches(event) for event in events] == [reference.matches(pattern, event) for event in events]


@given(patterns_and_events())
def test_an_explanation_is_given_exactly_when_there_is_no_match(
    example: tuple[dict[str, Any], list[dict[str, Any]]],
) -> None:
    pattern, events = example
    compiled = EventPattern(pattern)

    for event in events:
        assert (compiled.explain(event) is None) == compiled.matches(event)


@given(st.data(), st.lists(patterns(), min_size=1, max_size=20), st.sets(st.integers(0, 19)))
def test_the_index_agrees_with_one_rule_at_a_time_also_after_rules_are_removed(
    data: st.DataObject, written: list[dict[str, Any]], removed: set[int]
) -> None:
    rules = {str(number): EventPattern(pattern) for number, pattern in enumerate(written)}
    index = RuleIndex(rules)
    for name in [str(number) for number in removed if number < len(written)]:
        index.remove(name)
        del rules[name]

    for pattern in written[:3]:
        event = data.draw(events_like(pattern))

        assert index.matching(event) == {name for name, rule in rules.items() if rule.matches(event)}


@given(patterns_and_events())
def test_the_canonical_text_means_the_same_and_is_its_own_canonical_text(
    example: tuple[dict[str, Any], list[dict[str, Any]]],
) -> None:
    pattern, events = example
    compiled = EventPattern(pattern)
    again = EventPattern(compiled.canonical)

    assert again == compiled
    assert [again.matches(event) for event in events] == [compiled.matches(event) for event in events]


@examples(120)
@given(JSON)
def test_whatever_is_refused_is_refused_with_invalid_pattern(pattern: Any) -> None:
    for candidate in (pattern, {"a": pattern}, {"a": [pattern]}, json.dumps(pattern)):
        refuse_or_take(candidate)


@examples(120)
@given(OPERATOR_NAMES, OPERATOR_NAMES, st.one_of(JSON, OPERATORS))
def test_an_operator_with_nonsense_for_its_argument_is_refused_with_invalid_pattern(
    name: str, inner: str, argument: Any
) -> None:
    for candidate in ({name: argument}, {name: [argument]}, {name: {inner: argument}}, {name: {inner: [argument]}}):
        refuse_or_take({"a": [candidate]})
        refuse_or_take({"$or": [candidate, candidate]})


@examples(100)
@given(st.text(max_size=20))
def test_any_text_is_a_pattern_or_refused_with_invalid_pattern(text: str) -> None:
    refuse_or_take(text)


def refuse_or_take(pattern: Any) -> None:
    try:
        compiled = EventPattern(pattern)
    except InvalidPattern as error:
        reason = str(error)
    else:
        compiled.matches({"a": "x"})
        return
    assert reason.startswith("Event pattern is not valid. Reason: ")
