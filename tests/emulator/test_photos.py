"""The photo album on MiniStack: events of S3, of another team and of a schedule."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from contradance.project import find_project
from tests.emulator.ministack import MiniStack
from tests.emulator.system import Emulated
from tests.packaging.project import ROOT

pytestmark = pytest.mark.emulator

BUS, BUCKET, PRINT_SHOP = "photos-dev", "members", "aws.partner/printshop.example/4711/orders"
INDEX, FORGET, DIGEST, MAIL = (
    "gallery.index_photo",
    "gallery.forget_member",
    "gallery.make_digest",
    "mail.notify_member",
)


@pytest.fixture(scope="module")
def system(emulator: MiniStack) -> Iterator[Emulated]:
    emulator.client("events").create_event_bus(Name=PRINT_SHOP, EventSourceName=PRINT_SHOP)
    config = {"buses": json.dumps({"print_shop": PRINT_SHOP}), "archives": json.dumps({"default": 14})}
    deployed = Emulated(find_project(ROOT / "examples" / "photos"), emulator, config=config, secrets={})
    s3 = deployed.aws("s3")
    s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    s3.put_bucket_notification_configuration(Bucket=BUCKET, NotificationConfiguration={"EventBridgeConfiguration": {}})
    yield deployed
    deployed.proxy.close()


def photos(system: Emulated) -> list[Any]:
    return system.documents()["gallery.photos"]


def test_a_photo_in_s3_is_indexed_once_and_another_file_is_not(system: Emulated) -> None:
    for key in ("m-7/notes.txt", "m-7/beach.jpg", "m-8/Dog.PNG"):
        system.aws("s3").put_object(Bucket=BUCKET, Key=key, Body=b"12345")
    system.wait(lambda: len(photos(system)) == 2, lambda: photos(system))
    system.settle()

    assert sorted((one["member_id"], one["photo_key"], one["size"]) for one in photos(system)) == [
        ("m-7", "m-7/beach.jpg", 5),
        ("m-8", "m-8/Dog.PNG", 5),
    ]
    assert [entry["DetailType"] for entry in system.published()] == ["PhotoIndexed"] * 2
    assert system.letters(INDEX) == []


def test_a_digest_is_made_when_scheduler_invokes_its_function(system: Emulated) -> None:
    moment = system.run_schedule_now(DIGEST)
    system.wait(lambda: system.published()[-1]["DetailType"] == "DigestMade", system.published)
    system.settle()

    made = json.loads(system.published()[-1]["Detail"])["data"]
    assert made["photos"] == 2
    assert made["month"] == f"{moment:%Y-%m}"


def test_an_event_of_another_team_removes_the_photos_of_a_member(system: Emulated) -> None:
    removed = {"memberId": "m-7", "requestId": "req-42", "reason": "unknown to us"}
    entry = {"EventBusName": BUS, "Source": "com.example.accounts", "DetailType": "memberRemoved"}

    system.publish({**entry, "Detail": json.dumps(removed)})
    system.settle()
    system.publish({**entry, "Detail": json.dumps({"memberId": 7})})
    system.settle()

    assert [one["member_id"] for one in photos(system)] == ["m-8"]
    (gone,) = [one for one in system.published() if one["DetailType"] == "PhotoRemoved"]
    assert json.loads(gone["Detail"])["metadata"]["correlation_id"] == "req-42"
    (letter,) = system.letters(FORGET)
    assert (letter.reason, "memberId" in letter.error) == ("invalid", True)


def test_a_print_is_ordered_and_no_call_was_denied(system: Emulated) -> None:
    status, _ = system.request("POST", "/prints", {"photo_key": "m-8/Dog.PNG"})
    system.settle()

    assert status == 201
    assert system.proxy.denied == []
    assert {call.function for call in system.proxy.calls} >= {INDEX, FORGET, DIGEST, MAIL, "prints.order_print"}
