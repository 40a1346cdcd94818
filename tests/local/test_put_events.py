import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from contradance import Retry
from contradance.local.laptop import Laptop
from tests.local.desk import Desk, always_fails, asked, dead_letters, opened


@pytest.fixture
def desk() -> Desk:
    return Desk()


@pytest.fixture
def laptop(tmp_path: Path, desk: Desk) -> Iterator[Laptop]:
    with opened(tmp_path, desk.clerk()) as running:
        yield running


@pytest.mark.parametrize("part", ["Source", "DetailType", "Detail"])
@pytest.mark.parametrize("given", [None, ""])
def test_an_entry_without_a_required_part_is_refused_in_the_words_of_aws(
    laptop: Laptop, part: str, given: str | None
) -> None:
    answer = laptop.bus.put_events(Entries=[asked("a", **{part: given})])

    assert answer == {
        "FailedEntryCount": 1,
        "Entries": [
            {
                "ErrorCode": "InvalidArgument",
                "ErrorMessage": f"Parameter {part} is not valid. Reason: {part} is a required argument.",
            }
        ],
    }


def test_a_part_that_is_not_there_at_all_is_refused_too(laptop: Laptop) -> None:
    answer = laptop.bus.put_events(Entries=[{"DetailType": "Asked", "Detail": "{}"}])

    assert answer["Entries"][0]["ErrorMessage"].startswith("Parameter Source is not valid.")


@pytest.mark.parametrize(
    "detail",
    [
        "no json",
        "[]",
        '"text"',
        "null",
        "5",
        "{",
        '{"a": NaN}',
        '{"a": -Infinity}',
        '{"half a surrogate pair": "\\ud800"}',
        '{"the same, written out": "\ud800"}',
        '{"a":' * 2000 + "1" + "}" * 2000,
        '{"a":' * 1001 + "1" + "}" * 1001,
        '{"a":1e999}',
        '{"a":-1e400}',
        '{"a":' + "9" * 400 + ".0}",
        '{"a":9223372036854775808}',
        '{"a":-9223372036854775809}',
        '{"a":' + "1" * 5_000 + "}",
    ],
    ids=range(18),
)
def test_a_detail_that_is_no_json_object_is_malformed(laptop: Laptop, detail: str) -> None:
    answer = laptop.bus.put_events(Entries=[asked("a", Detail=detail)])

    assert answer == {
        "FailedEntryCount": 1,
        "Entries": [{"ErrorCode": "MalformedDetail", "ErrorMessage": "Detail is malformed."}],
    }


def test_every_entry_stands_for_itself_and_results_come_in_the_order_of_the_entries(laptop: Laptop, desk: Desk) -> None:
    entries = [asked("a"), asked("b", Detail="[]"), asked("c"), asked("d", Source="")]

    answer = laptop.bus.put_events(Entries=entries)
    laptop.drain()

    assert answer["FailedEntryCount"] == 2
    assert [sorted(result) for result in answer["Entries"]] == [
        ["EventId"],
        ["ErrorCode", "ErrorMessage"],
        ["EventId"],
        ["ErrorCode", "ErrorMessage"],
    ]
    assert sorted(desk.items()) == ["a", "c"]


def test_each_accepted_entry_gets_an_id_of_its_own(laptop: Laptop) -> None:
    answer = laptop.bus.put_events(Entries=[asked("a"), asked("a")])

    assert len({result["EventId"] for result in answer["Entries"]}) == 2


def test_an_event_that_no_rule_matches_is_accepted_and_delivered_to_nobody(laptop: Laptop, desk: Desk) -> None:
    answer = laptop.bus.put_events(Entries=[asked("a", DetailType="Unknown")])
    laptop.drain()

    assert answer["FailedEntryCount"] == 0
    assert desk.calls == []


DETAIL = asked("a")["Detail"].replace('{"item":"a"}', '{"item":"ü"}')


def delivered(state: Path, **changes: Any) -> tuple[str, str]:
    """Return (event id, the text that was delivered): a queue's dead letter is the event as it came."""
    clerk = Desk().clerk("queued", always_fails, delivery="queue", retry=Retry(times=0))
    with opened(state, clerk) as laptop:
        answer = laptop.bus.put_events(Entries=[{**asked("a"), "Detail": DETAIL, **changes}])
        laptop.drain()
        (dead,) = dead_letters(laptop)
        return answer["Entries"][0]["EventId"], dead.body


def test_the_delivered_envelope_is_as_eventbridge_writes_it_to_the_byte(tmp_path: Path) -> None:
    event_id, text = delivered(tmp_path, Resources=["arn:aws:x"])

    assert text == (
        f'{{"version":"0","id":"{event_id}","detail-type":"Asked","source":"shop.desk","account":"000000000000",'
        '"time":"2026-01-01T00:00:00Z","region":"us-east-1","resources":["arn:aws:x"],'
        f'"detail":{DETAIL}}}'
    )


def test_without_resources_the_envelope_has_an_empty_list(tmp_path: Path) -> None:
    _, text = delivered(tmp_path)

    assert json.loads(text)["resources"] == []


@pytest.mark.parametrize("moment", [1_700_000_000, 1_700_000_000.9, datetime.fromtimestamp(1_700_000_000, UTC)])
def test_an_entry_may_say_when_it_happened(tmp_path: Path, moment: object) -> None:
    _, text = delivered(tmp_path, Time=moment)

    assert json.loads(text)["time"] == "2023-11-14T22:13:20Z"


TIME = "Parameter Time is not valid. Reason: Time must be a timestamp."


def test_a_time_that_no_calendar_has_is_refused(laptop: Laptop) -> None:
    answer = laptop.bus.put_events(Entries=[asked("a", Time=1e300)])

    assert answer["Entries"] == [{"ErrorCode": "InvalidArgument", "ErrorMessage": TIME}]


@pytest.mark.parametrize(
    "moment", [float("nan"), float("inf"), 10**400, -(10**15), True, "2026-01-01T00:00:00Z", [1], {}], ids=range(8)
)
def test_a_time_that_is_no_timestamp_is_refused(laptop: Laptop, moment: object) -> None:
    answer = laptop.bus.put_events(Entries=[asked("a", Time=moment)])

    assert answer["Entries"] == [{"ErrorCode": "InvalidArgument", "ErrorMessage": TIME}]


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        (-62_135_596_800, "0001-01-01T00:00:00Z"),
        (-62_135_596_799.5, "0001-01-01T00:00:00Z"),
        (-1.5, "1969-12-31T23:59:58Z"),
        (253_402_300_799, "9999-12-31T23:59:59Z"),
    ],
)
def test_every_time_of_the_calendar_is_delivered(tmp_path: Path, moment: float, text: str) -> None:
    _, event = delivered(tmp_path, Time=moment)

    assert json.loads(event)["time"] == text


@pytest.mark.parametrize("part", ["Source", "DetailType", "Detail"])
@pytest.mark.parametrize("given", [5, 1.5, True, ["a"], {"a": 1}], ids=repr)
def test_a_part_of_another_type_is_refused(laptop: Laptop, part: str, given: object) -> None:
    answer = laptop.bus.put_events(Entries=[asked("a", **{part: given})])

    assert answer["Entries"] == [
        {
            "ErrorCode": "InvalidArgument",
            "ErrorMessage": f"Parameter {part} is not valid. Reason: {part} must be a string.",
        }
    ]


@pytest.mark.parametrize("given", ["text", 5, {"a": 1}, [5], [None], ["\ud800"]], ids=range(6))
def test_resources_are_texts(laptop: Laptop, given: object) -> None:
    answer = laptop.bus.put_events(Entries=[asked("a", Resources=given)])

    assert answer["Entries"][0]["ErrorCode"] == "InvalidArgument"


@pytest.mark.parametrize("part", ["Source", "DetailType"])
def test_a_text_that_no_encoding_has_is_refused(laptop: Laptop, part: str) -> None:
    answer = laptop.bus.put_events(Entries=[asked("a", **{part: "a\ud800"})])

    assert answer["Entries"][0]["ErrorCode"] == "InvalidArgument"


def test_no_one_may_publish_as_an_aws_service(laptop: Laptop) -> None:
    answer = laptop.bus.put_events(
        Entries=[asked("a", Source="aws.ec2"), asked("b", Source="aws"), asked("c", Source="awsome.x")]
    )

    assert answer["Entries"][0] == {
        "ErrorCode": "NotAuthorizedForSourceException",
        "ErrorMessage": "Not authorized for the source.",
    }
    assert answer["FailedEntryCount"] == 1


def test_a_detail_type_has_at_most_128_characters(laptop: Laptop) -> None:
    answer = laptop.bus.put_events(Entries=[asked("a", DetailType="ü" * 128), asked("a", DetailType="ü" * 129)])

    assert [sorted(one) for one in answer["Entries"]] == [["EventId"], ["ErrorCode", "ErrorMessage"]]


@pytest.mark.parametrize(
    "value",
    [
        '{"a":' * 999 + "1" + "}" * 999,
        "[" * 999 + "]" * 999,
        "[9223372036854775807,-9223372036854775808]",
        "[1e308,1e-999,0.1234567890123456789012345]",
        '"1e999 12345678901234567890"',
        '{"a":1,"a":2}',
    ],
    ids=range(6),
)
def test_what_aws_accepts_is_accepted_and_delivered_whole(tmp_path: Path, value: str) -> None:
    detail = f'{DETAIL[:-1]},"more":{value}}}'

    _, text = delivered(tmp_path, Detail=detail)

    assert json.loads(text)["detail"] == json.loads(detail)
