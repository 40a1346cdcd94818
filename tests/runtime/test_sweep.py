"""The sweeper publishes what dead processes left, and no record stops those behind it."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

import pytest

from contradance import subscriber
from contradance.errors import AWSCallFailed, PublishFailed
from contradance.runtime.sweep import BATCH, sweep
from tests.runtime.desk import RepairPlanned, TicketOpened, opened
from tests.runtime.fakes import Outage, World, delivered, event_id_of


@subscriber(service="repairs")
def plan(event: TicketOpened) -> RepairPlanned:
    return RepairPlanned(ticket_id=event.ticket_id)


def left_behind(world: World, count: int) -> list[str]:
    """Leave the events of deliveries unpublished; return their ids, the oldest first."""
    world.events.outage = True
    for number in range(count):
        with pytest.raises(Outage):
            world.deliver(plan, delivered(opened(), f"event-{number}"), f"request-{number}")
        world.clock.sleep(1)
    world.events.outage = False
    world.clock.move_to(world.clock.now() + timedelta(minutes=5))
    return [event_id_of(entry) for call in world.events.calls for entry in call]


@pytest.mark.parametrize("refusal", ["refused", "whole call refused", "outage", "damaged"])
def test_a_record_that_always_fails_does_not_stop_those_behind_it(
    world: World, monkeypatch: pytest.MonkeyPatch, refusal: str
) -> None:
    bad, *good = left_behind(world, 60)
    put_events = world.events.put_events

    def refuse(*, Entries: Sequence[Mapping[str, str]]) -> Mapping[str, Any]:  # noqa: N803 - boto3's name
        if event_id_of(Entries[0]) != bad:
            return put_events(Entries=Entries)
        match refusal:
            case "refused":
                return {"FailedEntryCount": 1, "Entries": [{"ErrorCode": "MalformedDetail", "ErrorMessage": "No."}]}
            case "whole call refused":
                raise AWSCallFailed("events refused PutEvents: ValidationException", "ValidationException", {})
            case "damaged":
                raise ValueError("not JSON")
        raise Outage("EventBridge does not answer")

    monkeypatch.setattr(world.events, "put_events", refuse)

    with pytest.raises(PublishFailed):
        sweep(world.environment, 45)

    assert world.published_ids == good
    assert [len(sealed) for _, sealed in world.store.unpublished(world.clock.now(), 100)] == [1]


def test_a_whole_page_of_records_that_fail_does_not_stop_those_behind_it(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    left = left_behind(world, BATCH + 3)
    put_events = world.events.put_events

    def refuse(*, Entries: Sequence[Mapping[str, str]]) -> Mapping[str, Any]:  # noqa: N803 - boto3's name
        if event_id_of(Entries[0]) in left[:BATCH]:
            raise ValueError("not JSON")
        return put_events(Entries=Entries)

    monkeypatch.setattr(world.events, "put_events", refuse)

    with pytest.raises(PublishFailed):
        sweep(world.environment, 45)

    assert world.published_ids == left[BATCH:]


def test_a_sweep_returns_how_many_records_it_published(world: World) -> None:
    left_behind(world, 2)

    assert [sweep(world.environment, 45), sweep(world.environment, 45)] == [2, 0]


def test_a_sweep_ends_in_its_time_when_every_event_is_throttled(world: World) -> None:
    left = left_behind(world, 20)
    for event_id in left:
        world.events.refuse(event_id, *["ThrottlingException"] * 5)
    began = world.clock.now()

    with pytest.raises(PublishFailed):
        sweep(world.environment, 3)

    assert timedelta(seconds=2) < world.clock.now() - began <= timedelta(seconds=3)


def test_a_record_that_cannot_be_marked_does_not_stop_those_behind_it(world: World) -> None:
    left_behind(world, 3)
    world.store.dies_before_marking = True

    with pytest.raises(PublishFailed, match=r"repairs\.plan were not published: Outage: the process died"):
        sweep(world.environment, 45)

    assert len(world.published_ids) == 3
