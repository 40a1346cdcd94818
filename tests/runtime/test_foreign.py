"""Consuming events of others: no envelope of ours, EventBridge's id or fields of the detail, tolerant, once."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from contradance import Delivery, schedule, subscriber
from contradance.choreography import AnyFunction
from contradance.runtime.aws.log_event import masked_event
from tests.album import MemberRemoved, ObjectCreated, forget_member, index_photo, note_shipment
from tests.runtime.fakes import World, queued, recorded

S3: dict[str, Any] = {
    "version": "0",
    "bucket": {"name": "photos"},
    "object": {
        "key": "a.jpg",
        "size": 5,
        "etag": "b57f9512698f4b09e608f4f2a65852e5",
        "sequencer": "00617F08299329D189",
    },
    "request-id": "N4N7GDK58NMKJ12R",
    "requester": "123456789012",
    "source-ip-address": "1.2.3.4",
    "reason": "PutObject",
}


def stored(event_id: str = "e-1", **changes: Any) -> dict[str, Any]:
    return {
        "version": "0",
        "id": event_id,
        "detail-type": "Object Created",
        "source": "aws.s3",
        "account": "123456789012",
        "time": "2026-03-01T12:30:00Z",
        "region": "eu-central-1",
        "resources": ["arn:aws:s3:::photos"],
        "detail": S3,
        **changes,
    }


def removed(event_id: str = "e-1", **detail: Any) -> dict[str, Any]:
    return stored(event_id, source="accounts", detail=detail, **{"detail-type": "member removed"})


def shipped(
    event_id: str = "e-1", source: str = "aws.partner/printer.example/9/orders", **parcel: Any
) -> dict[str, Any]:
    return stored(event_id, source=source, detail={"parcel": parcel}, **{"detail-type": "print/shipped"})


def looking() -> tuple[AnyFunction, list[tuple[object, Delivery]]]:
    """Return a function that keeps what it is given, and its list."""
    given: list[tuple[object, Delivery]] = []

    @subscriber(service="gallery")
    def look(event: MemberRemoved, delivery: Delivery) -> None:
        given.append((event, delivery))

    return look, given


def test_an_event_without_our_envelope_is_consumed_and_what_it_causes_has_one(world: World) -> None:
    world.deliver(index_photo, stored())

    (published,) = world.published
    (record,) = world.journal.records
    assert published["data"] == {"key": "a.jpg", "account": "123456789012"}
    assert published["metadata"]["causation_id"] == published["metadata"]["correlation_id"] == "e-1"
    assert (record.trigger, record.event_id, record.subject) == ("aws.s3/Object Created", "e-1", "a.jpg")
    assert (record.outcome, record.correlation_id, record.causation_id) == ("done", "e-1", None)


def test_the_delivery_has_account_region_resources_and_time(world: World) -> None:
    look, given = looking()

    world.deliver(look, {**removed(memberId="m"), "resources": ["arn:aws:x:::y"]})

    ((_, delivery),) = given
    assert (delivery.account, delivery.region, delivery.resources) == (
        "123456789012",
        "eu-central-1",
        ("arn:aws:x:::y",),
    )
    assert delivery.time == datetime(2026, 3, 1, 12, 30, tzinfo=UTC)
    assert (delivery.event_id, delivery.correlation_id, delivery.is_replay) == ("e-1", "e-1", False)


@pytest.mark.parametrize("time", [None, "", "yesterday", 5, "0001-01-01T00:00:00+14:00"], ids=str)
def test_a_delivery_without_a_valid_time_has_the_time_of_the_attempt(world: World, time: object) -> None:
    look, given = looking()

    world.deliver(look, {**removed(memberId="m"), "time": time, "resources": None, "account": None})

    ((_, delivery),) = given
    assert (delivery.time, delivery.resources, delivery.account) == (world.clock.now(), (), "")


def test_a_scheduled_run_has_the_place_of_its_schedule(world: World) -> None:
    given: list[Delivery] = []

    @schedule("rate(1 day)", service="gallery")
    def tidy(delivery: Delivery) -> None:
        given.append(delivery)

    event = recorded("scheduler")

    world.deliver(tidy, event)

    assert (given[0].account, given[0].region) == tuple(event["schedule"].split(":")[4:2:-1])
    assert given[0].time == datetime.fromisoformat(event["scheduled_time"])


def test_a_schedule_without_an_arn_has_no_place(world: World) -> None:
    given: list[Delivery] = []

    @schedule("rate(1 day)", service="gallery")
    def tidy(delivery: Delivery) -> None:
        given.append(delivery)

    for text in ("tidy", "a:b:c:d", "a:b:c:d:e", "a:b:c:d:e:f:g"):
        world.deliver(tidy, {**recorded("scheduler"), "schedule": text}, text)

    assert {(delivery.account, delivery.region) for delivery in given} == {("", "")}
    assert len(given) == 4


def test_unknown_fields_are_ignored_at_every_depth(world: World) -> None:
    detail = {**S3, "new": 1, "bucket": {"name": "photos", "new": {"deep": True}}}

    world.deliver(index_photo, stored(detail=detail))

    assert world.outcomes == ["done"]


def test_what_breaks_the_class_is_dead_lettered_at_once_with_its_fields_and_without_values(world: World) -> None:
    world.deliver(index_photo, stored(detail={**S3, "object": {**S3["object"], "size": "secret"}}))

    (letter,) = world.dead_letters.sent
    assert world.outcomes == ["invalid"]
    assert json.loads(letter.body)["id"] == "e-1"
    reason = letter.attributes["ERROR_MESSAGE"]
    assert reason.startswith("event e-1 breaks aws.s3/Object Created\n  detail.object.size: ")
    assert "published by aws.s3, consumed by gallery.index_photo; contract in tests/album.py" in reason
    assert "Correct the class: the event comes from others." in reason
    assert "secret" not in reason


@pytest.mark.parametrize(
    "event",
    [{"id": 5}, {"id": ""}, {"id": "x" * 257}, {"id": "\ud800"}, {"detail": "text"}, {"detail": None}],
    ids=ascii,
)
def test_what_is_not_in_eventbridges_envelope_is_invalid(world: World, event: dict[str, Any]) -> None:
    world.deliver(forget_member, {**removed(memberId="m"), **event})

    assert world.outcomes == ["invalid"]


def test_a_duplicate_with_another_id_is_recognised_by_the_fields_that_identify_it(world: World) -> None:
    world.deliver(index_photo, stored("e-1"), "request-1")
    world.deliver(index_photo, stored("e-2", time="2026-03-02T00:00:00Z"), "request-2")

    assert world.outcomes == ["done", "duplicate"]
    assert len(world.published) == 1


def test_the_same_fields_of_another_account_or_region_are_another_event(world: World) -> None:
    world.deliver(index_photo, stored("e-1"), "request-1")
    world.deliver(index_photo, stored("e-2", account="210987654321"), "request-2")
    world.deliver(index_photo, stored("e-3", region="us-east-1"), "request-3")

    assert world.outcomes == ["done"] * 3
    assert len({*world.published_ids}) == 3


def test_without_identifying_fields_only_the_same_id_is_a_duplicate(world: World) -> None:
    world.deliver(forget_member, removed("e-1", memberId="m", requestId="r"), "request-1")
    world.deliver(forget_member, removed("e-1", memberId="m", requestId="r"), "request-2")
    world.deliver(forget_member, removed("e-2", memberId="m", requestId="r"), "request-3")

    assert world.outcomes == ["done", "duplicate", "done"]


@pytest.mark.parametrize("sequencer", [None, {}, "missing"], ids=str)
def test_an_identifying_field_without_a_value_is_invalid_and_never_a_shared_key(
    world: World, sequencer: object
) -> None:
    held = {**S3["object"], "sequencer": sequencer}
    if sequencer == "missing":
        del held["sequencer"]

    for number in (1, 2):
        world.deliver(index_photo, stored(f"e-{number}", detail={**S3, "object": held}), f"request-{number}")

    assert world.outcomes == ["invalid", "invalid"]
    assert "detail.object.sequencer: " in world.dead_letters.sent[0].attributes["ERROR_MESSAGE"]


def test_a_correlation_field_joins_the_flow_and_an_empty_one_does_not(world: World) -> None:
    world.deliver(forget_member, removed("e-1", memberId="m", requestId="r-7"), "request-1")
    world.deliver(forget_member, removed("e-2", memberId="m", requestId=""), "request-2")

    assert [record.correlation_id for record in world.journal.records] == ["r-7", "e-2"]
    assert world.published[0]["metadata"]["correlation_id"] == "r-7"
    assert world.published[0]["metadata"]["causation_id"] == "e-1"


def test_a_replay_of_a_completed_event_has_no_effect_and_one_named_again_runs_it(world: World) -> None:
    world.deliver(index_photo, stored("e-1"), "request-1")
    world.deliver(index_photo, stored("e-9", **{"replay-name": "replay.1"}), "request-2")
    world.deliver(index_photo, stored("e-9", **{"replay-name": "again.1"}), "request-3")

    assert world.outcomes == ["done", "duplicate", "done"]
    again = world.published[1]["metadata"]
    assert (again["replay_of"], again["causation_id"]) == ("e-9", "e-9")
    assert len({*world.published_ids}) == 2


def test_an_event_whose_source_begins_as_declared_is_consumed_through_a_queue(world: World) -> None:
    events = [shipped("e-1", number="p-1", state="new"), shipped("e-2", source="aws.partner/other", number="p-2")]

    world.deliver(note_shipment, queued(*events))

    assert world.outcomes == ["done", "invalid"]


def test_the_log_masks_personal_and_unknown_fields() -> None:
    event = removed(memberId="m", mail="a@b.c", secret="s")  # noqa: S106 - a name of a field

    masked: Any = masked_event(forget_member, event)
    assert masked["detail"] == {"memberId": "m", "mail": "***", "secret": "***"}


def test_the_class_is_a_model_that_others_wrote() -> None:
    created = ObjectCreated.model_validate(S3)

    assert (created.bucket.name, created.request_id) == ("photos", "N4N7GDK58NMKJ12R")
