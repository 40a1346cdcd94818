import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from contradance import subscriber
from contradance.errors import LaptopError
from contradance.local.clock import RealClock
from contradance.local.events.accepted import Accepted
from contradance.local.laptop import Laptop
from tests.local.aws import served
from tests.local.desk import (
    START,
    Asked,
    Call,
    Desk,
    always_fails,
    ask,
    asked,
    dead_letters,
    later,
    opened,
    wait_until,
)

HOUR = timedelta(hours=1)
BUS = "arn:aws:events:us-east-1:000000000000:event-bus/shop"
ARCHIVE = "arn:aws:events:us-east-1:000000000000:archive/shop-archive"
CONSTRAINT = "1 validation error detected: Value {} at '{}' failed to satisfy constraint: "
RULE = "arn:aws:events:us-east-1:000000000000:rule/shop/clerk-"


@pytest.fixture
def desk() -> Desk:
    return Desk()


def happened(laptop: Laptop, item: str, at: datetime) -> None:
    """Publish an event that says when it happened."""
    answer = laptop.bus.put_events(Entries=[asked(item, Time=at)])
    assert answer["FailedEntryCount"] == 0


def replay(
    laptop: Laptop, name: str = "again.1", first: datetime = START, last: datetime = START + HOUR, *rules: str
) -> Any:
    """Start a replay as AWS's protocol says it, and return what comes of it."""
    filters = {"FilterArns": [RULE + rule for rule in rules]} if rules else {}
    return call(
        laptop,
        "StartReplay",
        ReplayName=name,
        EventSourceArn=ARCHIVE,
        EventStartTime=first.timestamp(),
        EventEndTime=last.timestamp(),
        Destination={"Arn": BUS, **filters},
    )


def call(laptop: Laptop, operation: str, **parameters: object) -> Any:
    answer = laptop.aws.answer(f"AWSEvents.{operation}", json.dumps(parameters).encode())
    return json.loads(answer.body)


def described(laptop: Laptop, name: str = "again.1") -> Any:
    return call(laptop, "DescribeReplay", ReplayName=name)


def test_a_replay_delivers_the_events_of_its_window_again(tmp_path: Path, desk: Desk) -> None:
    with opened(tmp_path, desk.clerk()) as laptop:
        for minutes, item in ((-1, "before"), (0, "first"), (30, "middle"), (60, "end"), (61, "after")):
            happened(laptop, item, START + timedelta(minutes=minutes))
        laptop.drain()
        desk.calls.clear()

        started = replay(laptop)
        laptop.drain()

        assert sorted(desk.items()) == ["first", "middle"]
        assert (started["State"], started["ReplayArn"]) == (
            "STARTING",
            "arn:aws:events:us-east-1:000000000000:replay/again.1",
        )
        assert described(laptop)["State"] == "COMPLETED"


def test_a_replay_leaves_out_what_cannot_be_read_and_reports_it(
    tmp_path: Path, desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    with opened(tmp_path, desk.clerk()) as laptop:
        for item in ("first", "second"):
            happened(laptop, item, START)
        laptop.drain()
        desk.calls.clear()
        laptop.database.write(lambda connection: connection.execute("UPDATE event SET envelope = '{' WHERE id = 1"))

        replay(laptop)
        laptop.drain()

        assert desk.items() == ["second"]
        assert described(laptop)["State"] == "COMPLETED"
    assert "1 event of replay again.1 cannot be read" in caplog.messages


def test_a_replay_goes_by_when_an_event_happened_and_not_by_when_it_was_accepted(tmp_path: Path, desk: Desk) -> None:
    yesterday = START - timedelta(days=1)
    with opened(tmp_path, desk.clerk()) as laptop:
        happened(laptop, "late", yesterday)
        laptop.drain()
        desk.calls.clear()

        replay(laptop, "again.today")
        laptop.drain()
        today = desk.items()
        replay(laptop, "again.yesterday", yesterday, yesterday + HOUR)
        laptop.drain()

    assert (today, desk.items()) == ([], ["late"])


def test_a_replayed_event_is_the_same_but_for_the_name_of_its_replay(tmp_path: Path) -> None:
    seen: list[dict[str, Any]] = []
    with opened(tmp_path, Desk().clerk("queued", always_fails, delivery="queue")) as laptop:
        ask(laptop, "a")
        laptop.drain()
        replay(laptop)
        laptop.drain()
        seen = [dead.json for dead in dead_letters(laptop)]

    original, replayed = seen
    assert {**original, "replay-name": "again.1"} == replayed
    assert list(replayed) == [
        "version", "id", "detail-type", "source", "account", "time", "region", "replay-name", "resources", "detail",
    ]  # fmt: skip


def test_what_a_function_has_completed_it_does_not_do_again(tmp_path: Path, desk: Desk) -> None:
    with opened(tmp_path, desk.clerk()) as laptop:
        ask(laptop, "a")
        laptop.drain()
        replay(laptop, "replay.1")
        laptop.drain()
        outcomes = [record.outcome for record in laptop.journal.flows("flow-a")]

    assert desk.items() == ["a"]
    assert outcomes == ["done", "duplicate"]


def test_a_replay_to_one_rule_reaches_nobody_else(tmp_path: Path, desk: Desk) -> None:
    with opened(tmp_path, desk.clerk(), desk.clerk("other")) as laptop:
        ask(laptop, "a")
        laptop.drain()
        desk.calls.clear()

        replay(laptop, "again.1", START, START + HOUR, "other")
        laptop.drain()

        assert [call.function for call in desk.calls] == ["other"]
        assert described(laptop)["Destination"] == {"Arn": BUS, "FilterArns": [RULE + "other"]}


def test_a_function_that_skips_replays_is_reached_by_none(tmp_path: Path, desk: Desk) -> None:
    def skips(asked: Asked) -> None:
        desk.calls.append(Call("skips", asked.item, 1, START))

    with opened(tmp_path, desk.clerk(), subscriber(service="clerk", on_replay="skip")(skips)) as laptop:
        ask(laptop, "a")
        laptop.drain()
        live = desk.items("skips")
        replay(laptop)
        laptop.drain()

    assert (live, desk.items("skips"), len(desk.items())) == (["a"], ["a"], 2)


def test_replayed_events_are_not_archived_again(tmp_path: Path, desk: Desk) -> None:
    with opened(tmp_path, desk.clerk()) as laptop:
        ask(laptop, "a")
        laptop.drain()
        for number in range(3):
            replay(laptop, f"again.{number}")
            laptop.drain()

        archive = call(laptop, "DescribeArchive", ArchiveName="shop-archive")

    assert desk.items() == ["a"] * 4
    assert (archive["EventCount"], archive["ArchiveArn"], archive["State"]) == (1, ARCHIVE, "ENABLED")


def test_an_archive_has_the_bytes_that_eventbridge_would_write(tmp_path: Path, desk: Desk) -> None:
    with opened(tmp_path, desk.clerk()) as laptop:
        ask(laptop, "é")
        (event,) = laptop.deliveries.due("clerk.listen", START, 1)

        compact = json.dumps(json.loads(event.envelope), separators=(",", ":"), ensure_ascii=False)
        assert laptop.replays.archive_size() == (1, len(compact.encode()))


def test_minutes_come_in_order_and_a_minute_is_shuffled(tmp_path: Path, desk: Desk) -> None:
    items = [f"{minute}-{number}" for minute in range(3) for number in range(20)]
    with opened(tmp_path, desk.clerk(), seed=3) as laptop:
        for item in reversed(items):
            happened(laptop, item, START + timedelta(minutes=int(item[0])))
        laptop.drain()
        replay(laptop)
        laptop.replays.step()
        first = [waiting.envelope for waiting in laptop.deliveries.due("clerk.listen", laptop.clock.now(), 100)]
        laptop.replays.step()
        second = [waiting.envelope for waiting in laptop.deliveries.due("clerk.listen", laptop.clock.now(), 100)]

    replayed = [json.loads(text)["detail"]["data"]["item"] for text in first]
    assert sorted(replayed) == sorted(items[:20])
    assert replayed not in (items[:20], items[:20][::-1])
    assert len(second) == 40
    assert all("1-" in json.loads(text)["detail"]["data"]["item"] for text in second[20:])


def test_a_minute_with_more_events_than_go_together_is_replayed_whole(
    tmp_path: Path, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("contradance.local.events.replays._TOGETHER", 10)
    items = [f"item-{number:02}" for number in range(35)]
    with opened(tmp_path, desk.clerk()) as laptop:
        for item in items:
            happened(laptop, item, START)
        laptop.drain()
        desk.calls.clear()

        replay(laptop)
        laptop.drain()

    assert sorted(desk.items()) == items


def test_a_replay_says_how_far_it_is(tmp_path: Path, desk: Desk) -> None:
    with opened(tmp_path, desk.clerk()) as laptop:
        happened(laptop, "a", START)
        happened(laptop, "b", START + timedelta(minutes=30))
        laptop.drain()
        replay(laptop)

        states = [described(laptop)]
        while laptop.replays.step():
            states.append(described(laptop))

    told = [(state["State"], state.get("EventLastReplayedTime")) for state in states]
    assert told == [
        ("STARTING", None),
        ("RUNNING", START.timestamp()),
        ("RUNNING", (START + timedelta(minutes=30)).timestamp()),
        ("COMPLETED", (START + timedelta(minutes=30)).timestamp()),
    ]
    assert states[-1]["ReplayEndTime"] == START.timestamp()


def test_a_replay_can_be_cancelled_while_it_runs(tmp_path: Path, desk: Desk) -> None:
    with opened(tmp_path, desk.clerk()) as laptop:
        happened(laptop, "a", START)
        happened(laptop, "b", START + timedelta(minutes=30))
        laptop.drain()
        desk.calls.clear()
        replay(laptop)
        laptop.replays.step()

        cancelling = call(laptop, "CancelReplay", ReplayName="again.1")
        laptop.drain()
        again = call(laptop, "CancelReplay", ReplayName="again.1")

        assert desk.items() == ["a"]
        assert cancelling["State"] == "CANCELLING"
        assert described(laptop)["State"] == "CANCELLED"
        assert (again["__type"], again["message"]) == (
            "IllegalStatusException",
            "Replay again.1 is not in a valid state for this operation.",
        )


def test_what_has_not_reached_the_archive_is_not_replayed(tmp_path: Path, desk: Desk) -> None:
    with opened(tmp_path, desk.clerk(), archive_delay=timedelta(minutes=10)) as laptop:
        ask(laptop, "a")
        laptop.drain()
        desk.calls.clear()

        laptop.advance(timedelta(minutes=9))
        replay(laptop, "again.early")
        laptop.drain()
        early = desk.items()
        laptop.advance(timedelta(minutes=1))
        replay(laptop, "again.late")
        laptop.drain()

    assert (early, desk.items()) == ([], ["a"])


def test_a_replay_goes_on_after_a_restart_and_repeats_no_minute(tmp_path: Path, desk: Desk) -> None:
    with opened(tmp_path, desk.clerk()) as laptop:
        for minute in range(5):
            happened(laptop, f"item-{minute}", START + timedelta(minutes=minute))
        laptop.drain()
        desk.calls.clear()
        replay(laptop)
        laptop.replays.step()
        laptop.replays.step()

    with opened(tmp_path, desk.clerk(), clock=later(60)) as restarted:
        restarted.drain()

        assert sorted(desk.items()) == [f"item-{minute}" for minute in range(5)]
        assert described(restarted)["State"] == "COMPLETED"


def test_a_running_laptop_replays_by_itself(tmp_path: Path, desk: Desk) -> None:
    with opened(tmp_path, desk.clerk(), clock=RealClock(), started=True) as laptop:
        now = datetime.now(UTC)
        ask(laptop, "a")
        wait_until(lambda: desk.items() == ["a"])

        replay(laptop, "again.1", now - HOUR, now + HOUR)

        wait_until(lambda: desk.items() == ["a", "a"])
        wait_until(lambda: described(laptop)["State"] == "COMPLETED")


def test_a_replay_goes_on_after_a_failure(
    tmp_path: Path, desk: Desk, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("contradance.local.events.replays._PAUSE_SECONDS", 0.01)
    with opened(tmp_path, desk.clerk(), clock=RealClock()) as laptop:
        happened(laptop, "a", START)
        accept, failures = laptop.bus.accept_replayed, ["the disk", "the disk"]

        def failing(*given: Any) -> Accepted:
            if failures:
                raise LaptopError(failures.pop())
            return accept(*given)

        monkeypatch.setattr(laptop.bus, "accept_replayed", failing)
        laptop.start()
        replay(laptop)

        wait_until(lambda: described(laptop)["State"] == "COMPLETED")

    assert caplog.text.count("a replay failed, and continues after a pause") == 2


@pytest.fixture
def laptop(tmp_path: Path, desk: Desk) -> Iterator[Laptop]:
    with opened(tmp_path, desk.clerk()) as running:
        yield running


@pytest.mark.parametrize(
    ("changes", "code", "message"),
    [
        ({"EventEndTime": START.timestamp()}, "ValidationException",
         "Parameter EventEndTime is not valid. Reason: EventStartTime must be before EventEndTime."),
        ({"EventSourceArn": BUS}, "ValidationException",
         "Parameter EventSourceArn is not valid. Reason: Must contain an archive ARN."),
        ({"EventSourceArn": ARCHIVE + "x"}, "ValidationException",
         "Parameter EventSourceArn is not valid. Reason: Archive shop-archivex does not exist."),
        ({"Destination": {"Arn": ARCHIVE}}, "ValidationException",
         "Parameter Destination.Arn is not valid. Reason: Must contain an event bus ARN."),
        ({"Destination": {"Arn": BUS + "x"}}, "ResourceNotFoundException", "Event bus shopx does not exist."),
        ({"Destination": {"Arn": BUS, "FilterArns": [RULE + "nobody"]}}, "ValidationException",
         "Parameter Destination.FilterArns is not valid. Reason: Rule clerk-nobody does not exist."),
        ({"ReplayName": "a b"}, "ValidationException",
         CONSTRAINT.format("'a b'", "replayName") + r"Member must satisfy regular expression pattern: [\.\-_A-Za-z0-9]+"),
        ({"EventStartTime": None}, "ValidationException",
         CONSTRAINT.format("null", "eventStartTime") + "Member must not be null"),
        ({"EventStartTime": "yesterday"}, "SerializationException", "EventStartTime has the wrong type."),
        ({"EventStartTime": 1e300}, "SerializationException", "EventStartTime is not a timestamp."),
    ],
)  # fmt: skip
def test_a_replay_that_cannot_be_is_refused_in_the_words_of_aws(
    laptop: Laptop, changes: dict[str, object], code: str, message: str
) -> None:
    good = {
        "ReplayName": "x",
        "EventSourceArn": ARCHIVE,
        "EventStartTime": START.timestamp(),
        "EventEndTime": (START + HOUR).timestamp(),
        "Destination": {"Arn": BUS},
    }

    answer = call(laptop, "StartReplay", **{**good, **changes})

    assert (answer["__type"], answer["message"]) == (code, message)


def test_a_name_is_used_once(laptop: Laptop) -> None:
    replay(laptop)

    assert replay(laptop) == {"__type": "ResourceAlreadyExistsException", "message": "Replay again.1 already exists."}


def test_ten_replays_run_at_a_time(laptop: Laptop) -> None:
    started = [replay(laptop, f"again.{number}")["State"] for number in range(10)]
    refused = replay(laptop, "again.10")["__type"]
    laptop.drain()
    later_on = replay(laptop, "again.10")["State"]

    assert (started, refused, later_on) == (["STARTING"] * 10, "LimitExceededException", "STARTING")


def test_replays_are_listed_by_one_filter_and_forgotten_after_ninety_days(laptop: Laptop) -> None:
    replay(laptop, "again.1")
    laptop.drain()
    replay(laptop, "replay.1")

    def listed(**filters: str) -> Any:
        answer = call(laptop, "ListReplays", **filters)
        return [one["ReplayName"] for one in answer["Replays"]] if "Replays" in answer else answer["__type"]

    assert listed(NamePrefix="again.") == ["again.1"]
    assert listed(State="STARTING") == ["replay.1"]
    assert sorted(listed(EventSourceArn=ARCHIVE)) == ["again.1", "replay.1"]
    assert listed(EventSourceArn=ARCHIVE + "x") == []
    assert listed(State="zebra") == "ValidationException"
    assert listed(State="RUNNING", NamePrefix="x") == "ValidationException"
    laptop.advance(timedelta(days=90))
    replay(laptop, "again.2")
    assert sorted(listed()) == ["again.1", "again.2", "replay.1"]
    laptop.advance(timedelta(days=1))
    replay(laptop, "again.3")
    assert listed() == ["again.3", "again.2"]


def test_boto3_starts_and_follows_a_replay(laptop: Laptop, desk: Desk) -> None:
    with served(laptop) as aws:
        ask(laptop, "a")
        laptop.drain()

        aws.events.start_replay(
            ReplayName="again.1",
            EventSourceArn=ARCHIVE,
            EventStartTime=START,
            EventEndTime=START + HOUR,
            Destination={"Arn": BUS, "FilterArns": [RULE + "listen"]},
        )
        laptop.drain()
        found = aws.events.describe_replay(ReplayName="again.1")

        assert desk.items() == ["a", "a"]
        assert (found["State"], found["EventStartTime"]) == ("COMPLETED", START)
        assert [one["ReplayName"] for one in aws.events.list_replays()["Replays"]] == ["again.1"]
        assert [one["ArchiveName"] for one in aws.events.list_archives()["Archives"]] == ["shop-archive"]
        with pytest.raises(aws.events.exceptions.ResourceNotFoundException, match=r"Replay nobody does not exist\."):
            aws.events.describe_replay(ReplayName="nobody")
