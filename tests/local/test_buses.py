"""The laptop's buses: events of others on their own bus, in AWS's envelope, archived and replayed there."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3  # type: ignore[import-untyped]  # boto3 has no types
import pytest

from contradance import Choreography
from contradance.deployed import Deployed, DeployedBus
from contradance.errors import ContractViolation, InvalidChoreography, OperateError, PublishFailed
from contradance.local.clock import RealClock
from contradance.local.laptop import Laptop
from contradance.local.state.archive import ArchiveReader
from contradance.local.system.client import LaptopClient
from contradance.local.system.in_process import describe, system_in_process
from contradance.local.web.server import Server
from contradance.operate.doctor import examine
from contradance.operate.flow import flows
from contradance.operate.forecast import from_archive
from contradance.operate.foreign import foreign_named, publish_foreign
from contradance.operate.matching import verdicts, versions_of
from contradance.operate.ports import HealthAccess, System
from contradance.operate.replay import plan, start
from contradance.operate.why import why
from contradance.runtime.journal_record import JournalRecord
from contradance.testing import Run, running
from tests.album import MemberRemoved, ObjectCreated, Parcel, PhotoIndexed, PrintShipped, album, index_photo
from tests.runtime.test_foreign import S3, stored


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Run]:
    records: list[JournalRecord] = []
    with running(album, tmp_path, when_journaled=records.append) as laptop:
        yield Run(laptop, records, tmp_path)


@pytest.fixture
def system(run: Run) -> System:
    return system_in_process(run.laptop, describe(run.laptop, "http://127.0.0.1:1"))


def records_of(run: Run) -> list[JournalRecord]:
    return run._records


def kept(run: Run) -> list[tuple[str, int, dict[str, Any]]]:
    """Return (bus, archived, envelope) of every event on disk."""
    rows = run.laptop.database.read("SELECT bus, archived, envelope FROM event ORDER BY id")
    return [(bus, archived, json.loads(text)) for bus, archived, text in rows]


def replayed(run: Run, system: System, function: str, *, again: bool = False) -> list[str]:
    """Replay everything to a function; return the outcomes of its attempts at it."""
    before = len(records_of(run))
    now = run.laptop.clock.now()
    planned = plan(
        system, album, function, now - timedelta(days=1), now + timedelta(days=1), identifier="x", again=again
    )
    start(system, planned)
    run.drain()
    return [record.outcome for record in records_of(run)[before:] if record.function == function]


def test_a_test_publishes_an_event_of_others_on_its_bus_in_awss_envelope(run: Run) -> None:
    event_id = run.publish(ObjectCreated.model_validate(S3), resources=["arn:aws:s3:::photos"])
    run.drain()

    (bus, archived, envelope), *_ = kept(run)
    assert (bus, archived) == ("default", 1)
    assert (envelope["id"], envelope["source"], envelope["detail-type"]) == (event_id, "aws.s3", "Object Created")
    assert envelope["detail"] == S3
    assert envelope["resources"] == ["arn:aws:s3:::photos"]
    run.assert_delivered(ObjectCreated, to="gallery.index_photo", attempts=1)
    run.assert_published(PhotoIndexed, key="a.jpg", account="000000000000", times=1)


def test_only_fields_that_are_set_are_published(run: Run) -> None:
    run.publish(MemberRemoved(memberId="m-1"))

    assert kept(run)[0][2]["detail"] == {"memberId": "m-1"}


def test_two_classes_of_one_event_reach_both_functions(run: Run) -> None:
    run.publish(MemberRemoved(memberId="m-1", requestId="r-1"))
    run.drain()

    assert {record.function for record in records_of(run)} == {"gallery.forget_member", "people.rename_member"}
    assert run.flows()[0].correlation_id == "r-1"


def test_a_source_that_the_class_does_not_fix_is_given(run: Run) -> None:
    shipped = PrintShipped(parcel=Parcel(number="p", state="new"))

    run.publish(shipped)
    run.publish(shipped, source="aws.partner/printer.example/9", time=datetime(2026, 2, 3, tzinfo=UTC))

    first, second = (event for _, _, event in kept(run))
    assert first["source"] == "aws.partner/printer.example/laptop"
    assert (second["source"], second["time"]) == ("aws.partner/printer.example/9", "2026-02-03T00:00:00Z")


def test_an_event_reaches_only_rules_of_its_own_bus(run: Run) -> None:
    entry = {"Source": "aws.s3", "DetailType": "Object Created", "Detail": json.dumps(S3)}

    run.laptop.bus.put_any([{**entry, "EventBusName": name} for name in ("album", "printer", "default")])
    run.drain()

    assert [bus for bus, _, _ in kept(run)][:3] == ["", "printer", "default"]
    assert len([one for one in records_of(run) if one.function == "gallery.index_photo"]) == 1


def test_a_forecast_counts_the_events_of_the_functions_bus_as_the_replay_does(run: Run, system: System) -> None:
    entry = {"Source": "aws.s3", "DetailType": "Object Created", "Detail": json.dumps(S3)}
    run.laptop.bus.put_any([{**entry, "EventBusName": name} for name in ("album", "default")])
    run.drain()
    now = run.laptop.clock.now()
    function = "gallery.index_photo"
    planned = plan(system, album, function, now - timedelta(days=1), now + timedelta(days=1), identifier="y")

    forecast = from_archive(planned, ArchiveReader(run.laptop.database))

    assert (forecast.matched, forecast.done) == (1, 1)
    assert len(replayed(run, system, function, again=True)) == 1


def test_another_bus_archives_only_what_a_rule_matches(run: Run) -> None:
    other = {**S3, "object": {**S3["object"], "key": "a.txt"}}

    run.publish(ObjectCreated.model_validate(S3))
    run.publish(ObjectCreated.model_validate(other))
    run.laptop.bus.put_any([{"Source": "aws.ec2", "DetailType": "x", "Detail": "{}", "EventBusName": "default"}])

    assert [archived for _, archived, _ in kept(run)] == [1, 0, 0]
    assert run.laptop.replays.archive_size("default")[0] == 1
    assert run.laptop.replays.archive_size("printer")[0] == 0


def test_put_events_refuses_sources_of_aws_and_takes_others_by_bus(run: Run) -> None:
    def put(source: str, bus: str) -> dict[str, Any]:
        entry = {"Source": source, "DetailType": "member removed", "Detail": '{"memberId": "m"}', "EventBusName": bus}
        return dict(run.laptop.bus.put_events(Entries=[entry])["Entries"][0])

    assert put("aws.s3", "default")["ErrorCode"] == "NotAuthorizedForSourceException"
    assert put("aws.partner/printer.example/9", "printer")["ErrorCode"] == "NotAuthorizedForSourceException"
    assert "EventId" in put("accounts", "album")
    run.drain()
    run.assert_delivered(MemberRemoved, to="gallery.forget_member")


ARN = "arn:aws:events:us-east-1:000000000000:event-bus/"


@pytest.mark.parametrize(
    ("given", "bus"),
    [
        ({"EventBusName": "album"}, ""),
        ({"EventBusName": f"{ARN}album"}, ""),
        ({"EventBusName": f"{ARN}default"}, "default"),
        ({"EventBusName": None}, "default"),
        ({}, "default"),
        *(({"EventBusName": name}, None) for name in ("", "arn:", "arn:x", "arn:event-bus/", "event-bus/album", "\x00", "Album")),
        *(
            ({"EventBusName": f"{arn}/album"}, None)
            for arn in (
                "arn:aws:events:us-east-1:111111111111:event-bus",
                "arn:aws:events:eu-west-1:000000000000:event-bus",
                "arn:aws-cn:events:us-east-1:000000000000:event-bus",
                "arn:aws:sqs:us-east-1:000000000000:event-bus",
            )
        ),
    ],
    ids=str,
)  # fmt: skip
def test_an_entry_enters_the_bus_that_it_names_or_is_refused(
    run: Run, given: dict[str, str | None], bus: str | None
) -> None:
    entry = {"Source": "a.b", "DetailType": "C", "Detail": "{}", **given}

    answer = run.laptop.aws.answer("AWSEvents.PutEvents", json.dumps({"Entries": [entry]}).encode())

    rows = run.laptop.database.read("SELECT bus FROM event")
    assert (answer.status, rows) == ((400, []) if bus is None else (200, [(bus,)]))


def test_a_duplicate_with_another_id_has_no_effect(run: Run) -> None:
    for _ in range(2):
        run.publish(ObjectCreated.model_validate(S3))
    run.drain()

    found = [record.outcome for record in records_of(run) if record.function == "gallery.index_photo"]
    assert sorted(found) == ["done", "duplicate"]
    run.assert_published(PhotoIndexed, times=1)


def test_a_missing_identifying_field_is_a_dead_letter_and_a_redrive_keeps_the_events_id(run: Run) -> None:
    detail = {**S3, "object": {name: value for name, value in S3["object"].items() if name != "sequencer"}}
    entry = {
        "Source": "aws.s3",
        "DetailType": "Object Created",
        "Detail": json.dumps(detail),
        "EventBusName": "default",
    }
    (result,) = run.laptop.bus.put_any([entry])["Entries"]
    run.drain()

    dead = run.assert_dead_lettered(ObjectCreated, to="gallery.index_photo", reason="detail.object.sequencer")
    assert (dead.outcome, dead.event_id) == ("invalid", result["EventId"])


def test_a_replay_reads_the_archive_of_the_functions_bus(run: Run, system: System) -> None:
    run.publish(ObjectCreated.model_validate(S3))
    run.publish(PrintShipped(parcel=Parcel(number="p", state="new")))
    run.drain()

    assert replayed(run, system, "gallery.index_photo") == ["duplicate"]
    assert run.laptop.replays.all()[0].bus == "default"


def test_a_replay_without_identifying_fields_is_refused_but_with_again(run: Run, system: System) -> None:
    run.publish(MemberRemoved(memberId="m", requestId="r"))
    run.drain()

    with pytest.raises(OperateError, match="MemberRemoved, which only EventBridge's id identifies") as refused:
        replayed(run, system, "gallery.forget_member")
    assert "Name the fields that identify it in once_by= of MemberRemoved" in str(refused.value)
    assert replayed(run, system, "gallery.forget_member", again=True) == ["done"]


def test_a_replay_from_a_bus_without_an_archive_is_refused_with_the_key_that_makes_one(
    run: Run, system: System
) -> None:
    deployed = system.deployed
    bare = {name: bus.model_copy(update={"archive_arn": None}) for name, bus in deployed.buses.items()}
    without = System(deployed.model_copy(update={"buses": bare}), system.dead_letters, system.replays, system.health)

    with pytest.raises(
        OperateError, match="consumes from bus 'default', which has no archive in this stack"
    ) as refused:
        replayed(run, without, "gallery.index_photo")
    assert "pulumi config set --path 'archives.default' 14" in str(refused.value)


def test_the_description_names_the_buses_and_the_rules_on_them(system: System) -> None:
    deployed = system.deployed

    assert deployed.bus_of("gallery.index_photo").arn == "arn:aws:events:us-east-1:000000000000:event-bus/default"
    assert deployed.functions["gallery.index_photo"].rule_arn == (
        "arn:aws:events:us-east-1:000000000000:rule/gallery-index_photo"
    )
    assert deployed.functions["prints.note_shipment"].rule_arn == (
        "arn:aws:events:us-east-1:000000000000:rule/printer/prints-note_shipment"
    )
    assert deployed.bus_of("people.rename_member").name == "album"


def test_the_doctor_examines_each_bus_and_each_archive(system: System) -> None:
    found = {check.what: check.trouble for check in examine(system, album)}

    assert found["bus default"] == found["bus printer"] == ""
    assert {"archive album-archive", "archive default-archive", "archive printer-archive"} <= found.keys()
    assert found["rule of gallery.index_photo"] == ""


def test_the_doctor_finds_a_bus_that_does_not_exist(system: System) -> None:
    gone = {"printer": DeployedBus(name="old", arn="arn:aws:events:us-east-1:000000000000:event-bus/old")}
    deployed = system.deployed.model_copy(update={"buses": gone})
    moved: Any = _Moved(deployed, system.health)
    sick = System(deployed, system.dead_letters, system.replays, moved)

    (check,) = [one for one in examine(sick, album) if one.what == "bus old"]

    assert check.trouble == "it does not exist"
    assert "buses.printer" in check.fix


def test_a_bus_with_the_applications_own_name_is_refused() -> None:
    with pytest.raises(InvalidChoreography, match=r"gallery\.index_photo on bus 'default', which is its own bus"):
        Choreography("default", contracts=album.contracts, functions=[index_photo])


def test_why_names_an_event_of_others_without_a_version(run: Run) -> None:
    event_id = run.publish(ObjectCreated.model_validate(S3))
    run.drain()

    envelope = json.dumps(kept(run)[0][2])
    (found,) = why(album, "gallery.index_photo", envelope, records_of(run), [])

    assert (found.event_id, found.contract, found.verdict) == (event_id, "aws.s3/Object Created", "done")


def test_an_event_of_others_with_metadata_of_its_own_keeps_eventbridges_ids(run: Run) -> None:
    detail = {"memberId": "m", "requestId": "r", "metadata": {"event_id": "theirs", "correlation_id": "theirs"}}
    entry = {"Source": "accounts", "DetailType": "member removed", "Detail": json.dumps(detail)}

    (result,) = run.laptop.bus.put_events(Entries=[entry])["Entries"]
    run.drain()

    rows = run.laptop.database.read("SELECT event_id, correlation_id FROM event ORDER BY id LIMIT 1")
    assert [tuple(row) for row in rows] == [(result["EventId"], "r")]
    assert {record.event_id for record in records_of(run) if record.trigger.startswith("accounts")} == {
        result["EventId"]
    }


class _Moved:
    """The health of a system whose description names other buses than it has."""

    def __init__(self, deployed: Deployed, health: HealthAccess) -> None:
        self._deployed = deployed
        self._health = health

    def deployed(self) -> Deployed:
        return self._deployed

    def __getattr__(self, name: str) -> Any:
        return getattr(self._health, name)


class TestPublishingByCommand:
    def test_a_class_or_a_detail_type_names_the_event(self) -> None:
        assert foreign_named(album, "ObjectCreated") is foreign_named(album, "Object Created") is ObjectCreated
        assert foreign_named(album, "Nothing") is None

    def test_its_data_would_match_the_subscribers_that_publishing_it_reaches(self, run: Run) -> None:
        publish_foreign(album, ObjectCreated, json.dumps(S3), run.laptop.bus.put_any)
        run.drain()

        matched = verdicts(album, versions_of(album, "ObjectCreated", json.dumps(S3)))

        reached = {record.function for record in run.laptop.journal.latest()}
        assert reached >= {name for name, mismatch in matched if mismatch is None} != set()

    def test_a_detail_or_a_whole_sample_is_published(self, run: Run) -> None:
        whole = stored("sample")

        first = publish_foreign(album, ObjectCreated, json.dumps(S3), run.laptop.bus.put_any)
        second = publish_foreign(album, ObjectCreated, json.dumps(whole), run.laptop.bus.put_any)

        (_, _, one), (_, _, two) = kept(run)
        assert [one["id"], two["id"]] == [first, second]
        assert one["detail"] == two["detail"] == S3
        assert (one["resources"], two["resources"]) == ([], ["arn:aws:s3:::photos"])

    def test_data_that_breaks_the_class_is_refused_with_its_fields(self, run: Run) -> None:
        with pytest.raises(ContractViolation, match=r"detail\.bucket: Field required"):
            publish_foreign(album, ObjectCreated, '{"object": {}}', run.laptop.bus.put_any)
        assert kept(run) == []

    def test_an_entry_that_is_refused_is_an_error(self, run: Run) -> None:
        with pytest.raises(PublishFailed, match="NotAuthorizedForSourceException"):
            publish_foreign(
                album,
                ObjectCreated,
                json.dumps(S3),
                lambda Entries: run.laptop.bus.put_events(Entries=Entries),  # noqa: N803 - boto3's name
            )


class TestClientsOfAws:
    @pytest.fixture
    def events(self, tmp_path: Path) -> Iterator[Any]:
        with (
            Laptop(album, tmp_path, clock=RealClock(), variables={}, synchronous="OFF") as laptop,
            Server(laptop, 0).serving() as url,
        ):
            client = boto3.client(
                "events",
                endpoint_url=url,
                region_name="us-east-1",
                aws_access_key_id="x",
                aws_secret_access_key="x",  # noqa: S106 - the laptop checks none
            )
            yield client
            client.close()

    def test_buses_rules_and_archives_are_listed_by_bus(self, events: Any) -> None:
        assert [bus["Name"] for bus in events.list_event_buses()["EventBuses"]] == ["album", "default", "printer"]
        assert [rule["Name"] for rule in events.list_rules()["Rules"]] == ["gallery-index_photo"]
        assert [rule["Name"] for rule in events.list_rules(EventBusName="printer")["Rules"]] == ["prints-note_shipment"]
        assert len(events.list_rules(EventBusName="album")["Rules"]) == 2
        archives = events.list_archives()["Archives"]
        assert [one["ArchiveName"] for one in archives] == ["album-archive", "default-archive", "printer-archive"]
        rule = events.describe_rule(Name="prints-note_shipment", EventBusName="printer")
        assert (rule["EventBusName"], rule["Arn"].rpartition(":")[2]) == (
            "printer",
            "rule/printer/prints-note_shipment",
        )

    def test_a_rule_is_not_found_on_another_bus(self, events: Any) -> None:
        with pytest.raises(events.exceptions.ResourceNotFoundException, match="does not exist on EventBus default"):
            events.describe_rule(Name="prints-note_shipment")

    def test_entries_are_taken_by_the_name_or_arn_of_a_bus(self, events: Any) -> None:
        entry = {"Source": "shop", "DetailType": "x", "Detail": "{}"}
        arn = "arn:aws:events:us-east-1:000000000000:event-bus/printer"

        answer = events.put_events(Entries=[entry, {**entry, "EventBusName": arn}, {**entry, "Source": "aws.s3"}])

        assert [one.get("ErrorCode") for one in answer["Entries"]] == [
            None,
            None,
            "NotAuthorizedForSourceException",
        ]
        with pytest.raises(events.exceptions.ResourceNotFoundException, match="this laptop runs 'album', 'default'"):
            events.put_events(Entries=[{**entry, "EventBusName": "other"}])


def test_a_command_publishes_through_the_laptops_own_door(tmp_path: Path) -> None:
    with (
        Laptop(album, tmp_path, clock=RealClock(), variables={}, synchronous="OFF") as laptop,
        Server(laptop, 0).serving() as url,
    ):
        event_id = publish_foreign(album, ObjectCreated, json.dumps(S3), LaptopClient(url, tmp_path).put_events)

        rows = laptop.database.read("SELECT bus, event_id FROM event")

    assert [tuple(row) for row in rows] == [("default", event_id)]


def test_flows_of_events_of_others_begin_with_them(run: Run) -> None:
    run.publish(ObjectCreated.model_validate(S3))
    run.drain()

    (flow,) = flows(records_of(run))
    assert {record.function for record in records_of(run)} == {"gallery.index_photo", "people.rename_member"}
    assert flow.correlation_id == records_of(run)[0].event_id
