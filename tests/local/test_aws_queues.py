import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from botocore.exceptions import ClientError  # type: ignore[import-untyped]  # it carries no types
from hypothesis import given
from hypothesis import strategies as st

from contradance import Retry
from contradance.errors import LaptopError
from contradance.local.invocation.flight_notes import FlightNotes
from contradance.local.laptop import Laptop
from tests.local.aws import Clients, served
from tests.local.desk import Desk, always_fails, ask, asked, dead_letters, fails_until, invalid, later, opened

HOUR = 3600


@pytest.fixture
def desk() -> Desk:
    return Desk()


@pytest.fixture
def laptop(tmp_path: Path, desk: Desk) -> Iterator[Laptop]:
    functions = (
        desk.clerk(does=always_fails),
        desk.clerk("queued", fails_until(3), delivery="queue", retry=Retry(times=1)),
        desk.watchman("rate(1 day)"),
    )
    with opened(tmp_path, *functions) as running:
        yield running


@pytest.fixture
def aws(laptop: Laptop) -> Iterator[Clients]:
    with served(laptop) as clients:
        yield clients


def url(aws: Clients, name: str = "clerk-listen-dead-letters") -> str:
    return f"{aws.url}/000000000000/{name}"


def receive(aws: Clients, queue: str = "clerk-listen-dead-letters", **changes: object) -> list[dict[str, object]]:
    asked_for = {"MaxNumberOfMessages": 10, "MessageSystemAttributeNames": ["All"], "MessageAttributeNames": ["All"]}
    answer = aws.sqs.receive_message(QueueUrl=url(aws, queue), **asked_for | changes)
    found: list[dict[str, object]] = answer.get("Messages", [])
    return found


def test_there_is_a_queue_before_each_queued_function_and_one_for_the_dead_letters_of_each(aws: Clients) -> None:
    urls = aws.sqs.list_queues()["QueueUrls"]

    assert urls == [
        url(aws, name)
        for name in (
            "clerk-listen-dead-letters",
            "clerk-queued",
            "clerk-queued-dead-letters",
            "clerk-watch-dead-letters",
        )
    ]
    assert aws.sqs.get_queue_url(QueueName="clerk-queued")["QueueUrl"] == url(aws, "clerk-queued")
    assert aws.sqs.list_queues(QueueNamePrefix="clerk-q")["QueueUrls"] == urls[1:3]


def test_a_queue_that_does_not_exist_is_refused_as_boto3_knows_it(aws: Clients) -> None:
    with pytest.raises(aws.sqs.exceptions.QueueDoesNotExist) as caught:
        aws.sqs.receive_message(QueueUrl=url(aws, "nobody"))

    assert caught.value.response["Error"]["Code"] == "AWS.SimpleQueueService.NonExistentQueue"


def test_a_dead_letter_is_received_with_its_attributes(laptop: Laptop, aws: Clients) -> None:
    laptop.bus.put_events(Entries=[invalid(5)])
    laptop.drain()

    (message,) = receive(aws)

    reason = message["MessageAttributes"]["REASON"]  # type: ignore[index]  # as AWS has it
    assert reason == {"DataType": "String", "StringValue": "invalid"}
    assert message["Attributes"]["SentTimestamp"] == "1767225600000"  # type: ignore[index]  # the same
    assert message["Attributes"]["ApproximateReceiveCount"] == "1"  # type: ignore[index]  # the same
    assert json.loads(str(message["Body"]))["detail"]["data"] == {"item": 5}


def test_attributes_come_as_they_are_asked_for(laptop: Laptop, aws: Clients) -> None:
    laptop.bus.put_events(Entries=[invalid(5)])
    laptop.drain()

    (bare,) = receive(aws, MessageSystemAttributeNames=[], MessageAttributeNames=[], VisibilityTimeout=0)
    (some,) = receive(aws, MessageSystemAttributeNames=["SentTimestamp"], MessageAttributeNames=["REA.*"])

    assert not {"Attributes", "MessageAttributes"} & bare.keys()
    assert list(some["Attributes"]) == ["SentTimestamp"]  # type: ignore[call-overload]  # as AWS has it
    assert list(some["MessageAttributes"]) == ["REASON"]  # type: ignore[call-overload]  # the same


def test_a_message_that_sqs_moved_keeps_its_id_its_time_and_its_count(
    laptop: Laptop, aws: Clients, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SQS moves what the consumer could not dead-letter, after three receives for each attempt."""

    def refused(*_: object) -> None:
        raise LaptopError("the queue does not answer")

    monkeypatch.setattr(FlightNotes, "send", refused)
    ask(laptop, "a")
    laptop.drain()

    (message,) = receive(aws, "clerk-queued-dead-letters")

    attributes: dict[str, str] = message["Attributes"]  # type: ignore[assignment]  # as AWS has it
    assert attributes["DeadLetterQueueSourceArn"] == "arn:aws:sqs:us-east-1:000000000000:clerk-queued"
    assert attributes["SentTimestamp"] == "1767225600000"
    assert attributes["ApproximateReceiveCount"] == "7"  # six times for two attempts, and now
    assert json.loads(str(message["Body"]))["detail"]["data"] == {"item": "a"}


def test_a_received_message_is_hidden_until_its_visibility_timeout(laptop: Laptop, aws: Clients) -> None:
    ask(laptop, "a")
    laptop.drain()

    first = receive(aws, VisibilityTimeout=60)
    meanwhile = receive(aws)
    laptop.advance(timedelta(seconds=60))
    again = receive(aws)

    assert [message["MessageId"] for message in first] == [message["MessageId"] for message in again]
    assert meanwhile == []
    assert again[0]["Attributes"]["ApproximateReceiveCount"] == "2"  # type: ignore[index]  # as AWS has it


def test_a_message_is_hidden_for_as_long_after_a_restart(tmp_path: Path, desk: Desk) -> None:
    clerk = desk.clerk(does=always_fails)
    with opened(tmp_path, clerk) as laptop, served(laptop) as aws:
        ask(laptop, "a")
        laptop.drain()
        receive(aws, VisibilityTimeout=HOUR)

    with opened(tmp_path, clerk, clock=later(HOUR)) as restarted, served(restarted) as aws:
        hidden = receive(aws)
    with opened(tmp_path, clerk, clock=later(2 * HOUR)) as restarted, served(restarted) as aws:
        shown = receive(aws)

    assert (len(hidden), len(shown)) == (0, 1)


def test_a_message_can_be_shown_again_at_once(laptop: Laptop, aws: Clients) -> None:
    ask(laptop, "a", "b")
    laptop.drain()
    first, second = receive(aws)

    aws.sqs.change_message_visibility(QueueUrl=url(aws), ReceiptHandle=first["ReceiptHandle"], VisibilityTimeout=0)
    entries = [{"Id": "1", "ReceiptHandle": second["ReceiptHandle"], "VisibilityTimeout": 0}]
    answer = aws.sqs.change_message_visibility_batch(QueueUrl=url(aws), Entries=entries)

    assert [entry["Id"] for entry in answer["Successful"]] == ["1"]
    assert len(receive(aws)) == 2


def test_visibility_is_changed_for_nobody_who_does_not_hold_the_message(laptop: Laptop, aws: Clients) -> None:
    ask(laptop, "a")
    laptop.drain()
    (message,) = receive(aws, VisibilityTimeout=0)
    receipt = str(message["ReceiptHandle"])

    with pytest.raises(aws.sqs.exceptions.MessageNotInflight):
        aws.sqs.change_message_visibility(QueueUrl=url(aws), ReceiptHandle=receipt, VisibilityTimeout=5)
    with pytest.raises(aws.sqs.exceptions.ReceiptHandleIsInvalid):
        aws.sqs.change_message_visibility(QueueUrl=url(aws), ReceiptHandle="zebra", VisibilityTimeout=5)


def test_a_message_is_deleted_by_its_latest_receipt_alone(laptop: Laptop, aws: Clients) -> None:
    ask(laptop, "a")
    laptop.drain()
    (old,) = receive(aws, VisibilityTimeout=0)
    (latest,) = receive(aws)

    aws.sqs.delete_message(QueueUrl=url(aws), ReceiptHandle=old["ReceiptHandle"])
    kept = dead_letters(laptop)
    aws.sqs.delete_message(QueueUrl=url(aws), ReceiptHandle=latest["ReceiptHandle"])

    assert len([one for one in kept if one.function == "clerk.listen"]) == 1
    assert [one for one in dead_letters(laptop) if one.function == "clerk.listen"] == []


def test_a_batch_says_of_each_entry_what_came_of_it(laptop: Laptop, aws: Clients) -> None:
    ask(laptop, "a")
    laptop.drain()
    (message,) = receive(aws)
    entries = [{"Id": "good", "ReceiptHandle": message["ReceiptHandle"]}, {"Id": "bad", "ReceiptHandle": "zebra"}]

    answer = aws.sqs.delete_message_batch(QueueUrl=url(aws), Entries=entries)

    assert [entry["Id"] for entry in answer["Successful"]] == ["good"]
    assert [(entry["Id"], entry["Code"]) for entry in answer["Failed"]] == [("bad", "ReceiptHandleIsInvalid")]


@pytest.mark.parametrize(
    ("ids", "code"),
    [
        ([], "AWS.SimpleQueueService.EmptyBatchRequest"),
        ([str(number) for number in range(11)], "AWS.SimpleQueueService.TooManyEntriesInBatchRequest"),
        (["a", "a"], "AWS.SimpleQueueService.BatchEntryIdsNotDistinct"),
        (["a b"], "AWS.SimpleQueueService.InvalidBatchEntryId"),
    ],
)
def test_a_batch_that_is_none_is_refused(aws: Clients, ids: list[str], code: str) -> None:
    with pytest.raises(ClientError) as caught:
        aws.sqs.delete_message_batch(QueueUrl=url(aws), Entries=[{"Id": one, "ReceiptHandle": "x"} for one in ids])

    assert caught.value.response["Error"]["Code"] == code


def test_counts_tell_what_can_be_received_and_what_is_hidden(laptop: Laptop, aws: Clients) -> None:
    ask(laptop, "a", "b", "c")
    laptop.drain()
    receive(aws, MaxNumberOfMessages=2)

    found = aws.sqs.get_queue_attributes(QueueUrl=url(aws), AttributeNames=["All"])["Attributes"]

    assert (found["ApproximateNumberOfMessages"], found["ApproximateNumberOfMessagesNotVisible"]) == ("1", "2")
    assert found["QueueArn"] == "arn:aws:sqs:us-east-1:000000000000:clerk-listen-dead-letters"
    with pytest.raises(aws.sqs.exceptions.InvalidAttributeName):
        aws.sqs.get_queue_attributes(QueueUrl=url(aws), AttributeNames=["Zebra"])


def test_a_purged_queue_is_empty_the_hidden_messages_too(laptop: Laptop, aws: Clients) -> None:
    ask(laptop, "a", "b")
    laptop.drain()
    receive(aws, MaxNumberOfMessages=1)

    aws.sqs.purge_queue(QueueUrl=url(aws))

    assert {one.function for one in dead_letters(laptop)} == {"clerk.queued"}


def test_a_message_on_a_source_queue_is_consumed_by_its_function_and_by_nobody_else(
    laptop: Laptop, aws: Clients, desk: Desk
) -> None:
    event = {
        "id": "1",
        "source": "shop.desk",
        "detail-type": "Asked",
        "detail": json.loads(asked("a")["Detail"]),
    }

    aws.sqs.send_message(QueueUrl=url(aws, "clerk-queued"), MessageBody=json.dumps(event))
    backlog = aws.sqs.get_queue_attributes(QueueUrl=url(aws, "clerk-queued"), AttributeNames=["All"])["Attributes"]
    laptop.drain()

    assert backlog["ApproximateNumberOfMessages"] == "1"
    assert [(call.function, call.item, call.attempt) for call in desk.calls] == [("queued", "a", 1), ("queued", "a", 2)]


def test_a_message_that_is_no_event_is_a_dead_letter_of_its_function(laptop: Laptop, aws: Clients) -> None:
    aws.sqs.send_message(QueueUrl=url(aws, "clerk-queued"), MessageBody="no event")
    laptop.drain()

    (dead,) = dead_letters(laptop)

    assert (dead.function, dead.attributes["REASON"]) == ("clerk.queued", "invalid")


def test_a_source_queue_is_read_by_its_function_alone(aws: Clients) -> None:
    with pytest.raises(ClientError) as caught:
        aws.sqs.receive_message(QueueUrl=url(aws, "clerk-queued"))

    assert caught.value.response["Error"]["Message"] == (
        "The laptop does not answer ReceiveMessage for clerk-queued: only its function reads a source queue."
    )


def test_a_message_with_attributes_comes_back_as_it_was_sent(aws: Clients) -> None:
    attributes = {
        "CODE": {"DataType": "String", "StringValue": "x"},
        "TIMES": {"DataType": "Number", "StringValue": "3"},
    }

    sent = aws.sqs.send_message(QueueUrl=url(aws), MessageBody="text", MessageAttributes=attributes)
    (message,) = receive(aws)

    assert (message["MessageId"], message["Body"]) == (sent["MessageId"], "text")
    assert message["MessageAttributes"] == attributes
    assert message["MD5OfMessageAttributes"] == sent["MD5OfMessageAttributes"]


@pytest.mark.parametrize("attribute", ["", "three"])
def test_a_message_over_one_mebibyte_is_refused_with_the_attributes_that_it_has(aws: Clients, attribute: str) -> None:
    attributes = {attribute: {"DataType": "String", "StringValue": "four"}} if attribute else {}
    room = 1024 * 1024 - (len(attribute + "String" + "four") if attribute else 0)
    aws.sqs.send_message(QueueUrl=url(aws), MessageBody="x" * room, MessageAttributes=attributes)

    with pytest.raises(ClientError) as caught:
        aws.sqs.send_message(QueueUrl=url(aws), MessageBody="x" * (room + 1), MessageAttributes=attributes)

    assert "must be shorter than 1048576 bytes" in caught.value.response["Error"]["Message"]


@pytest.mark.parametrize("operation", ["ReceiveMessage", "SendMessage", "DeleteMessage", "GetQueueUrl"])
@pytest.mark.parametrize("body", ["{}", '{"QueueUrl": 5, "QueueName": 5}', '{"QueueUrl": ["x"]}', "[]", "no"])
def test_what_is_not_in_the_shape_of_the_protocol_is_refused(laptop: Laptop, operation: str, body: str) -> None:
    answer = laptop.aws.answer(f"AmazonSQS.{operation}", body.encode())

    assert answer.status == 400
    assert json.loads(answer.body)["__type"] in ("MissingParameter", "SerializationException")


@pytest.fixture(scope="module")
def quiet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Laptop]:
    with opened(tmp_path_factory.mktemp("laptop"), Desk().clerk()) as running:
        yield running


VALUES: list[object] = [
    None,
    True,
    -1,
    2**70,
    1.5,
    "",
    "x",
    "x.y",
    "\ud800",
    [],
    [5],
    [{}],
    [{"Id": 5}],
    {},
    {"Id": "x"},
]
ODD = st.sampled_from(VALUES)
QUEUE = st.just("http://127.0.0.1/000000000000/clerk-listen-dead-letters")
NAMES = ["QueueUrl", "ReceiptHandle", "Entries", "MaxNumberOfMessages", "VisibilityTimeout", "MessageAttributes"]


@given(
    asked_for=st.dictionaries(st.sampled_from(NAMES), ODD | QUEUE),
    operation=st.sampled_from(
        [
            "ReceiveMessage",
            "DeleteMessageBatch",
            "ChangeMessageVisibilityBatch",
            "ChangeMessageVisibility",
            "SendMessage",
        ]
    ),
)
def test_no_request_makes_the_laptop_fail(quiet: Laptop, asked_for: dict[str, object], operation: str) -> None:
    answer = quiet.aws.answer(f"AmazonSQS.{operation}", json.dumps(asked_for).encode())

    assert answer.status in (200, 400)
