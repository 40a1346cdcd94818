import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from contradance.local.laptop import Laptop
from tests.local.desk import Desk, asked, opened

PUT_EVENTS = "AWSEvents.PutEvents"


@pytest.fixture
def laptop(tmp_path: Path) -> Iterator[Laptop]:
    with opened(tmp_path, Desk().clerk()) as running:
        yield running


def put(laptop: Laptop, *entries: object) -> tuple[int, Any]:
    answer = laptop.aws.answer(PUT_EVENTS, json.dumps({"Entries": entries}).encode())
    return answer.status, json.loads(answer.body)


def test_one_to_ten_entries_are_taken(laptop: Laptop) -> None:
    answers = [put(laptop, *[asked("a")] * number) for number in (1, 10)]

    assert [(status, len(answer["Entries"])) for status, answer in answers] == [(200, 1), (200, 10)]


@pytest.mark.parametrize(("number", "bound"), [(0, "greater than or equal to 1"), (11, "less than or equal to 10")])
def test_no_entries_and_eleven_are_refused_as_a_whole_in_the_words_of_aws(
    laptop: Laptop, number: int, bound: str
) -> None:
    status, answer = put(laptop, *[asked("a")] * number)

    assert (status, answer["__type"]) == (400, "ValidationException")
    assert answer["message"].endswith(f"at 'entries' failed to satisfy constraint: Member must have length {bound}")


@pytest.mark.parametrize("operation", ["AWSEvents.PutRule", "AmazonSQS.CreateQueue", "DynamoDB_20120810.GetItem", ""])
def test_an_operation_that_it_does_not_know_is_refused_by_name(laptop: Laptop, operation: str) -> None:
    answer = laptop.aws.answer(operation, b"{}")

    assert (answer.status, json.loads(answer.body)) == (
        400,
        {"__type": "UnknownOperationException", "message": f"The laptop does not answer {operation}."},
    )


def test_another_bus_is_refused_where_aws_would_drop_the_event(laptop: Laptop) -> None:
    status, answer = put(laptop, asked("a"), asked("b", EventBusName="elsewhere"))

    assert (status, answer["__type"]) == (400, "ResourceNotFoundException")
    assert "'elsewhere'" in answer["message"]
    assert "'shop'" in answer["message"]


def test_an_entry_that_names_no_bus_is_for_another_bus(laptop: Laptop) -> None:
    entry = asked("a")
    del entry["EventBusName"]

    status, answer = put(laptop, entry)

    assert (status, answer["__type"]) == (400, "ResourceNotFoundException")


def test_a_bus_may_be_named_by_its_arn(laptop: Laptop) -> None:
    status, _ = put(laptop, asked("a", EventBusName="arn:aws:events:us-east-1:000000000000:event-bus/shop"))

    assert status == 200


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"no json",
        b"\xff\xfe",
        b"[]",
        b"null",
        b"[" * 100_000,
        b'{"Entries": [5]}',
        b'{"Entries": ["text"]}',
        b'{"Entries": [null]}',
        b'{"Entries": [{"Source": 5, "DetailType": "a", "Detail": "{}"}]}',
        b'{"Entries": [{"Source": "a", "DetailType": "a", "Detail": {}}]}',
        b'{"Entries": [{"Source": "\\ud800", "DetailType": "a", "Detail": "{}"}]}',
    ],
    ids=range(12),
)
def test_what_is_not_in_the_shape_of_the_protocol_is_refused(laptop: Laptop, body: bytes) -> None:
    answer = laptop.aws.answer(PUT_EVENTS, body)

    assert (answer.status, json.loads(answer.body)["__type"]) == (400, "SerializationException")


@pytest.mark.parametrize(
    ("entries", "code"),
    [(None, "ValidationException"), ({}, "SerializationException"), ("text", "SerializationException")],
)
def test_entries_that_are_no_list_are_refused(laptop: Laptop, entries: object, code: str) -> None:
    answer = laptop.aws.answer(PUT_EVENTS, json.dumps({"Entries": entries}).encode())

    assert (answer.status, json.loads(answer.body)["__type"]) == (400, code)


def test_a_request_is_measured_in_bytes_of_utf8(laptop: Laptop) -> None:
    small = asked("a", Detail=json.dumps({"text": "x" * 600_000}, ensure_ascii=False))
    large = asked("a", Detail=json.dumps({"text": "ü" * 600_000}, ensure_ascii=False))

    accepted, _ = put(laptop, small)
    status, answer = put(laptop, large)

    assert accepted == 200
    assert (status, answer) == (
        400,
        {"__type": "ValidationException", "message": "Total size of the entries in the request is over the limit."},
    )


def test_bad_entries_among_good_ones_are_told_by_entry(laptop: Laptop) -> None:
    status, answer = put(laptop, asked("a"), asked("b", Detail="[]"), {"EventBusName": "shop"})

    assert (status, answer["FailedEntryCount"]) == (200, 2)
    assert [result.get("ErrorCode") for result in answer["Entries"]] == [None, "MalformedDetail", "InvalidArgument"]
