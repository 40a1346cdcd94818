"""The searches of lint find what a search from every function finds, in time proportional to the choreography."""

import ast
import sys
from collections import Counter
from collections.abc import Callable
from itertools import pairwise
from types import FrameType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contradance.catalog.paths import FailurePath, failure_path
from contradance.choreography import Choreography
from contradance.lint.path import Edges, cycles, followers
from contradance.lint.rules import findings
from contradance.subscription import Subscription
from functions.choreography import food_delivery
from tests.catalog.generated import choreographies, connected

_STEPS = st.lists(
    st.tuples(
        st.lists(st.integers(0, 6), min_size=1, max_size=3, unique=True),
        st.lists(st.integers(0, 6), max_size=3, unique=True),
    ),
    min_size=1,
    max_size=10,
)


def leads_to(edges: Edges, start: str) -> set[str]:
    """Return every function that a path of at least one edge reaches, by adding edges until nothing changes."""
    found = set(edges[start])
    while not found.issuperset(more := {end for one in found for end in edges[one]}):
        found |= more
    return found


@given(_STEPS)
def test_each_function_on_a_cycle_is_found_once_with_all_that_share_it(
    steps: list[tuple[list[int], list[int]]],
) -> None:
    choreography = connected(steps)
    edges = followers(choreography)
    expected = {
        " ".join(sorted(other for other in leads_to(edges, one) if one in leads_to(edges, other)))
        for one in edges
        if one in leads_to(edges, one)
    }

    found = [*cycles(choreography)]

    assert sorted(finding.about for finding in found) == sorted(expected)
    for finding in found:
        path = finding.message.partition(":")[0].split(" → ")
        assert path[0] == path[-1]
        assert all(end in edges[start] for start, end in pairwise(path))


@given(choreographies())
def test_the_failure_path_is_the_least_that_its_two_rules_allow(choreography: Choreography) -> None:
    path = failure_path(choreography)

    contracts, functions = {one for one in choreography.contracts if one.failure}, set[str]()
    while True:
        more = {
            function.name
            for function in choreography.functions.values()
            if isinstance(function.trigger, Subscription) and contracts.issuperset(function.trigger.contracts)
        }
        also = {
            one
            for one in choreography.contracts
            if choreography.publishers(one) and all(each.name in more for each in choreography.publishers(one))
        }
        if more == functions and also <= contracts:
            break
        functions, contracts = more, contracts | also
    assert path == FailurePath(frozenset(contracts), frozenset(functions))


def calls(choreography: Choreography) -> Counter[str]:
    """Return how often lint calls each Python function."""
    counted: Counter[str] = Counter()

    def count(frame: FrameType, event: str, _: object) -> None:
        if event == "call":
            counted[frame.f_code.co_qualname] += 1

    sys.setprofile(count)
    try:
        findings(choreography)
    finally:
        sys.setprofile(None)
    return counted


def line(length: int) -> Choreography:
    """Return functions of which each consumes what the one before it publishes; each third may also publish a failure."""
    steps = [([number], [number + 1, *([-number - 1] if number % 3 == 0 else [])]) for number in range(length)]
    return connected(steps, failures=[one for _, published in steps for one in published if one < 0])


def ring(length: int) -> Choreography:
    """Return one cycle of functions."""
    return connected([([number], [(number + 1) % length]) for number in range(length)])


def circles(length: int) -> Choreography:
    """Return many cycles of two functions, each of which leads to the next."""
    return connected(
        [step for one in range(0, length, 2) for step in (([one], [one + 1]), ([one + 1], [one, one + 2]))]
    )


@pytest.mark.parametrize("shape", [line, ring, circles])
def test_lint_of_four_times_the_functions_takes_four_times_the_calls(shape: Callable[[int], Choreography]) -> None:
    small, large = calls(shape(60)), calls(shape(240))

    assert sum(large.values()) < 4.5 * sum(small.values())


def test_lint_parses_each_module_of_a_service_once(monkeypatch: pytest.MonkeyPatch) -> None:
    parsed: Counter[str] = Counter()
    parse = ast.parse

    def counting(source: str) -> ast.Module:
        parsed[source] += 1
        return parse(source)

    monkeypatch.setattr("contradance.lint.reach.ast.parse", counting)

    findings(food_delivery)

    assert set(parsed.values()) == {1}
