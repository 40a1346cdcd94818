"""The order of an update: what consumes an event is complete before the code that publishes it changes."""

from graphlib import TopologicalSorter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contradance.infra.planning.order import consumers_first
from functions.choreography import food_delivery
from tests.infra.stack import deployed

Resource = tuple[str, str]
"""Type and name."""


class Graph:
    """Stands in for a choreography: the receivers of each event, which is named as its publisher."""

    def __init__(self, receivers: dict[str, set[str]]) -> None:
        self.receivers = receivers.__getitem__


@given(st.dictionaries(st.sampled_from("abcdef"), st.sets(st.sampled_from("abcdef"))))
def test_only_functions_in_a_circle_are_not_ordered(receivers: dict[str, set[str]]) -> None:
    graph: Any = Graph(receivers)
    publishes: Any = {name: [name] for name in receivers}

    after = consumers_first(graph, publishes)

    tuple(TopologicalSorter(after).static_order())  # raises for a circle
    for name, consumers in receivers.items():
        for consumer in (consumers & receivers.keys()) - {*after[name]}:
            assert name in reached(consumer, receivers)


def reached(start: str, receivers: dict[str, set[str]]) -> set[str]:
    found, more = set[str](), {start}
    while more:
        found |= more
        more = {one for name in more for one in receivers.get(name, ())} - found
    return found


@pytest.fixture(scope="module")
def needs(tmp_path_factory: pytest.TempPathFactory) -> dict[Resource, set[Resource]]:
    """Return everything that each resource of the food delivery system waits for, directly or through others."""
    stack = deployed(tmp_path_factory.mktemp("zips"), config={"ingress": '["OrderPlaced"]'})
    direct = {key(request.type, request.name): set(map(of_urn, request.dependencies)) for request in stack.requests}
    return {resource: closure(resource, direct) for resource in direct}


def key(type_: str, name: str) -> Resource:
    return type_.rpartition(":")[2], name


def of_urn(urn: str) -> Resource:
    _, _, type_, name = urn.split("::")
    return key(type_, name)


def closure(start: Resource, direct: dict[Resource, set[Resource]]) -> set[Resource]:
    found, more = set[Resource](), {start}
    while more:
        found |= more
        more = {one for resource in more for one in direct.get(resource, ())} - found
    return found - {start}


def test_a_publisher_waits_for_the_targets_of_its_consumers(needs: dict[Resource, set[Resource]]) -> None:
    edges = [
        (publisher.name, consumer)
        for publisher in food_delivery.functions.values()
        for contract in publisher.publishes
        for consumer in food_delivery.receivers(contract)
    ]

    assert len(edges) > 10
    for publisher, consumer in [*edges, ("contradance.ingress", "payments.process_payment")]:
        assert ("EventTarget", consumer) in needs["Function", publisher], (publisher, consumer)


def test_code_that_reads_an_event_comes_before_the_rule_that_matches_it(needs: dict[Resource, set[Resource]]) -> None:
    rules = [name for kind, name in needs if kind == "EventRule"]

    assert rules
    for name in rules:
        assert ("Function", name) in needs["EventRule", name]


def test_a_queue_changes_before_its_function(needs: dict[Resource, set[Resource]]) -> None:
    queued = [name for kind, name in needs if kind == "EventSourceMapping"]

    assert queued
    for name in queued:
        assert {("Queue", name), ("QueuePolicy", name)} <= needs["Function", name]
