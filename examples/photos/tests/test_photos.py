"""The photo album as a whole: events of S3, of the accounts team and of the print shop, and a schedule in Berlin."""

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from contradance.testing import Run
from photo_contracts.gallery import DigestMade, PhotoIndexed, PhotoRemoved
from photo_contracts.prints import PrintOrdered, PrintSent
from photo_functions.others.member_removed import MemberRemoved
from photo_functions.others.object_created import ObjectCreated
from photo_functions.others.print_shipped import Parcel, PrintShipped

DETAIL: dict[str, Any] = json.loads(
    (Path(__file__).parents[1] / "events" / "object_created.json").read_text(encoding="utf-8")
)["detail"]
PRINT = UUID("8f3d5c1e-7f0e-4a53-9d6c-0b6a1f6f2f11")


def stored(key: str = "m-7/beach.jpg", sequencer: str | None = "1") -> ObjectCreated:
    held = {**DETAIL["object"], "key": key, "sequencer": sequencer}
    return ObjectCreated.model_validate({**DETAIL, "object": held})


def test_a_photo_that_s3_stored_is_indexed_and_its_owner_gets_a_mail(run: Run) -> None:
    run.publish(stored())
    run.drain()

    run.assert_delivered(ObjectCreated, to="gallery.index_photo")
    run.assert_published(PhotoIndexed, photo_key="m-7/beach.jpg", member_id="m-7", size=5, times=1)
    run.assert_delivered(PhotoIndexed, to="mail.notify_member")


def test_another_file_reaches_no_function(run: Run) -> None:
    run.publish(stored("m-7/notes.txt"))
    run.drain()

    run.assert_not_published(PhotoIndexed)


def test_a_photo_that_s3_reports_twice_is_indexed_once(run: Run) -> None:
    for _ in range(2):
        run.publish(stored())
    run.drain()

    run.assert_published(PhotoIndexed, times=1)


def test_an_object_without_a_sequencer_is_a_dead_letter(run: Run) -> None:
    run.publish(stored(sequencer=None))
    run.drain()

    run.assert_dead_lettered(ObjectCreated, to="gallery.index_photo", reason="detail.object.sequencer")
    run.assert_not_published(PhotoIndexed)


def test_the_photos_of_a_removed_member_are_removed_in_the_flow_of_the_accounts_team(run: Run) -> None:
    for number in range(3):
        run.publish(stored(f"m-{number % 2}/{number}.jpg", str(number)))
    run.drain()

    run.publish(MemberRemoved(memberId="m-0", requestId="req-1"))
    run.drain()

    assert {event.photo_key for event in run.published(PhotoRemoved)} == {"m-0/0.jpg", "m-0/2.jpg"}
    assert "req-1" in {flow.correlation_id for flow in run.flows()}


def test_a_print_is_ordered_over_http_and_sent_by_the_partner(run: Run) -> None:
    answer = run.request("POST", "/prints", {"photo_key": "m-7/beach.jpg", "copies": 2})
    ordered = run.assert_published(PrintOrdered, copies=2)
    run.publish(PrintShipped(parcel=Parcel(reference=ordered.print_id, trackingNumber="PX-1")))
    run.drain()

    assert (answer.status, answer.body) == (201, {"print_id": str(ordered.print_id)})
    run.assert_delivered(PrintShipped, to="prints.note_shipment")
    run.assert_published(PrintSent, print_id=ordered.print_id, tracking="PX-1")


def test_a_parcel_that_the_partner_reports_twice_is_noted_once(run: Run) -> None:
    source = "aws.partner/printshop.example/1/orders"
    for _ in range(2):
        run.publish(PrintShipped(parcel=Parcel(reference=PRINT, trackingNumber="PX-1")), source=source)
    run.drain()

    run.assert_published(PrintSent, times=1)


def at(run: Run, moment: str) -> None:
    """Move the clock to a moment, in UTC."""
    run.laptop.advance(datetime.fromisoformat(moment).replace(tzinfo=UTC) - run.laptop.clock.now())


def test_the_digest_is_made_on_the_first_monday_at_eight_in_berlin_in_winter_and_in_summer(run: Run) -> None:
    run.publish(stored())
    run.drain()

    for before, then in (("2026-03-02T06:59", "2026-03-02T07:00"), ("2026-04-06T05:59", "2026-04-06T06:00")):
        at(run, before)
        made = len(run.published(DigestMade))
        at(run, then)
        assert len(run.published(DigestMade)) == made + 1
    assert run.published(DigestMade)[-1] == DigestMade(month="2026-04", made_on=date(2026, 4, 6), photos=1)


def test_an_empty_album_has_no_digest(run: Run) -> None:
    run.laptop.advance(timedelta(days=40))

    run.assert_not_published(DigestMade)
