"""The entry point goes by the shape of what comes, over both stores."""

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from contradance import Delivery, Retry, route, schedule, subscriber
from contradance.choreography import AnyFunction
from contradance.errors import InvalidFunction, UnknownPayload
from tests.runtime.desk import Job, RepairPlanned, TicketOpened, opened
from tests.runtime.fakes import Outage, World, delivered, queued
from tests.runtime.test_store import stores


@pytest.fixture(params=stores)
def place(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, world: World) -> Iterator[World]:
    """The world, over each store."""
    for store in stores[request.param](tmp_path_factory.mktemp("store")):
        world.replace_store(store)
        yield world


def repair(delivery: str, *, draining: bool = False, times: int = 2) -> AnyFunction:
    @subscriber(service="repairs", delivery=delivery, draining=draining, retry=Retry(times=times))  # type: ignore[arg-type]  # a parameter
    def plan(event: TicketOpened) -> RepairPlanned:
        if event.channel == "broken":
            raise Outage("the workshop does not answer")
        return RepairPlanned(ticket_id=event.ticket_id)

    return plan


DECLARED = pytest.mark.parametrize(
    ("delivery", "draining"),
    [("direct", False), ("direct", True), ("queue", False)],
    ids=["direct", "draining", "queue"],
)


@DECLARED
def test_both_shapes_are_handled_whatever_is_declared(place: World, delivery: str, *, draining: bool) -> None:
    function = repair(delivery, draining=draining)

    direct = place.deliver(function, delivered(opened(), "event-1"))
    both = queued(delivered(opened(), "event-2"), delivered(opened(), "event-3"))
    batch = place.deliver(function, both, milliseconds=305_000)

    assert (direct, batch) == (None, {"batchItemFailures": []})
    assert place.outcomes == ["done"] * 3


@DECLARED
def test_an_event_that_comes_in_both_shapes_is_handled_once(place: World, delivery: str, *, draining: bool) -> None:
    function = repair(delivery, draining=draining)

    place.deliver(function, delivered(opened(), "event-1"))
    place.deliver(function, queued(delivered(opened(), "event-1")))

    assert place.outcomes == ["done", "duplicate"]


@DECLARED
def test_both_failures_are_reported_in_the_form_of_their_shape(place: World, delivery: str, *, draining: bool) -> None:
    function = repair(delivery, draining=draining)

    with pytest.raises(Outage):
        place.deliver(function, delivered(opened(channel="broken"), "event-1"))
    answers = [place.deliver(function, queued(delivered(opened(channel="broken"), "event-2"))) for _ in range(3)]

    failed = {"batchItemFailures": [{"itemIdentifier": "message-0"}]}
    assert answers == [failed, failed, {"batchItemFailures": []}]
    assert [record.retries_left for record in place.journal.records] == [2, 2, 1, 0]
    assert [letter.attributes["REASON"] for letter in place.dead_letters.sent] == ["failed"]


@pytest.mark.parametrize(
    "payload",
    [
        None,
        [],
        [{"a": 1}],
        "text",
        5,
        1.5,
        True,
        {"Records": "x"},
        {"Records": [{"s3": {}}]},
        {"Records": [5]},
    ],
    ids=json.dumps,
)
@pytest.mark.parametrize("delivery", ["direct", "queue"])
def test_an_odd_payload_names_the_function_and_what_it_takes(world: World, payload: Any, delivery: str) -> None:
    with pytest.raises(UnknownPayload, match=r"repairs\.plan was invoked with .*\n  It takes an EventBridge event or"):
        world.deliver(repair(delivery), payload)

    assert world.dead_letters.sent == []


@pytest.mark.parametrize("payload", [{}, {"a": 1}, {"detail": 5}])
@pytest.mark.parametrize("delivery", ["direct", "queue"])
def test_an_object_that_is_not_an_event_is_dead_lettered_as_invalid(
    world: World, payload: dict[str, Any], delivery: str
) -> None:
    world.deliver(repair(delivery), payload)

    assert world.outcomes == ["invalid"]


@pytest.mark.parametrize("payload", [None, [], {}, {"detail": {}}, {"scheduled_time": "now"}])
def test_an_odd_payload_of_a_schedule_names_it(world: World, payload: Any) -> None:
    @schedule("rate(1 day)", service="repairs")
    def count(delivery: Delivery) -> None:
        pass

    with pytest.raises(UnknownPayload, match=r"repairs\.count was invoked with"):
        world.deliver(count, payload)


@pytest.mark.parametrize(
    "payload", [None, [], "GET /", 5, 1.5, True, {}, {"detail": {}}, {"Records": []}], ids=json.dumps
)
def test_an_odd_payload_of_a_route_names_it(world: World, payload: Any) -> None:
    @route("GET /jobs", service="repairs")
    def jobs() -> Job:
        raise AssertionError

    with pytest.raises(UnknownPayload, match=r"repairs\.jobs was invoked with .*\n  It takes a request of API Gateway"):
        world.deliver(jobs, payload)

    assert world.outcomes == []


@pytest.mark.parametrize(
    ("seconds", "batch", "says"),
    [
        (90, 10, "Write batch=9, the largest that fits"),
        (180, 10, "Write batch=4, the largest that fits"),
        (895, 2, "Write batch=1, the largest that fits"),
        (896, 1, "Behind a queue an attempt may take 0:14:55"),
    ],
)
def test_a_batch_that_lambda_would_end_is_refused_with_the_largest_that_fits(
    seconds: int, batch: int, says: str
) -> None:
    def declare(batch: int, **options: Any) -> AnyFunction:
        @subscriber(service="repairs", batch=batch, timeout=timedelta(seconds=seconds), **options)
        def plan(event: TicketOpened) -> None:
            pass

        return plan

    for options in ({"delivery": "queue"}, {"draining": True}):
        with pytest.raises(InvalidFunction, match=says):
            declare(batch, **options)
        fits = (900 - 5) // seconds
        if fits:
            assert declare(fits, **options).invocation_timeout <= timedelta(seconds=900)
    assert declare(batch).invocation_timeout == timedelta(seconds=seconds)


def test_an_old_name_keeps_its_once_records(place: World) -> None:
    @subscriber(service="repairs")
    def plan(event: TicketOpened) -> RepairPlanned:
        return RepairPlanned(ticket_id=event.ticket_id)

    @subscriber(service="repairs", deployed_as="plan")
    def organise(event: TicketOpened) -> RepairPlanned:
        return RepairPlanned(ticket_id=event.ticket_id)

    place.deliver(plan, delivered(opened(), "event-1"), "request-1")
    place.deliver(organise, delivered(opened(), "event-1"), "request-2")

    assert place.outcomes == ["done", "duplicate"]
