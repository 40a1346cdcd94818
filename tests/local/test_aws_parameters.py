"""Each parameter of an AWS operation counts or is refused by name: none is ignored. AWS's own models list them."""

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import boto3  # type: ignore[import-untyped]  # it carries no types
import pytest
from botocore.exceptions import ClientError  # type: ignore[import-untyped]  # the same
from botocore.session import get_session  # type: ignore[import-untyped]  # the same

from contradance import Retry
from contradance.local.aws.protocol import AwsRequest
from contradance.local.events.entry import envelope
from contradance.local.laptop import Laptop
from tests.local.aws import Clients, served
from tests.local.desk import START, Desk, always_fails, asked, opened

SERVICES = {"AWSEvents": "events", "AmazonSQS": "sqs"}
DEAD_LETTERS = "http://127.0.0.1/000000000000/clerk-listen-dead-letters"
SOURCE = "http://127.0.0.1/000000000000/clerk-queued"
BUS = "arn:aws:events:us-east-1:000000000000:event-bus/shop"
TEXT = {"DataType": "String", "StringValue": "x"}


@pytest.fixture
def desk() -> Desk:
    return Desk()


@pytest.fixture
def laptop(tmp_path: Path, desk: Desk) -> Iterator[Laptop]:
    queued = desk.clerk("queued", delivery="queue", retry=Retry(times=4))
    with opened(tmp_path, desk.clerk(does=always_fails), queued) as running:
        yield running


@pytest.fixture
def aws(laptop: Laptop) -> Iterator[Clients]:
    with served(laptop) as clients:
        yield clients


def call(laptop: Laptop, target: str, **parameters: object) -> tuple[int, Any]:
    answer = laptop.aws.answer(target, json.dumps(parameters).encode())
    return answer.status, json.loads(answer.body)


def operations(laptop: Laptop) -> list[str]:
    return sorted(laptop.aws._operations)


def sample(shape: Any, name: str) -> Any:
    """Return a value of a shape in AWS's models."""
    known = {
        "QueueUrl": DEAD_LETTERS,
        "EventBusName": "shop",
        "Arn": BUS,
        "Rule": "clerk-listen",
        "Name": "clerk-listen",
        "EventSourceArn": BUS.replace("event-bus/shop", "archive/shop-archive"),
        "EventPattern": '{"source": ["a"]}',
        "AttributeNames": "All",
    }
    if shape.type_name == "structure":
        return {member: sample(inner, member) for member, inner in shape.members.items()}
    if shape.type_name == "list":
        return [sample(shape.member, name)]
    if shape.type_name == "map":
        return {}
    end_later = START.timestamp() - len(name)  # the name EventEndTime is the shorter one
    numbers: dict[str, Any] = {"integer": 1, "timestamp": end_later}
    return numbers.get(shape.type_name, known.get(name, "a"))


def test_every_parameter_in_the_models_of_aws_is_read_or_refused(
    laptop: Laptop, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: set[str] = set()
    typed, refuse = AwsRequest._typed, AwsRequest.refuse

    def spy_typed(self: AwsRequest, name: str, kind: Any) -> Any:
        read.add(name)
        return typed(self, name, kind)

    def spy_refuse(self: AwsRequest, name: str, reason: str) -> None:
        read.add(name)
        refuse(self, name, reason)

    monkeypatch.setattr(AwsRequest, "_typed", spy_typed)
    monkeypatch.setattr(AwsRequest, "refuse", spy_refuse)
    ignored = []
    for target in operations(laptop):
        prefix, _, operation = target.partition(".")
        shape = get_session().get_service_model(SERVICES[prefix]).operation_model(operation).input_shape
        needed = [*shape.required_members, *({"EventBusName"} & shape.members.keys())]
        required = {one: sample(shape.members[one], one) for one in needed}
        for name, member in shape.members.items():
            read.clear()
            call(laptop, target, **{**required, name: sample(member, name)})
            if name not in read:
                ignored.append(f"{target} {name}")

    assert ignored == []


@pytest.mark.parametrize(
    ("target", "parameters", "named"),
    [
        ("AWSEvents.PutEvents", {"Entries": [], "EndpointId": "a.b"}, "EndpointId"),
        ("AmazonSQS.SendMessage", {"QueueUrl": SOURCE, "MessageBody": "a", "MessageDeduplicationId": "a"}, "MessageDeduplicationId"),
        ("AmazonSQS.ReceiveMessage", {"QueueUrl": DEAD_LETTERS, "ReceiveRequestAttemptId": "a"}, "ReceiveRequestAttemptId"),
    ],
)  # fmt: skip
def test_what_the_laptop_cannot_honour_is_refused_by_name(
    laptop: Laptop, target: str, parameters: dict[str, object], named: str
) -> None:
    status, answer = call(laptop, target, **parameters)

    assert (status, answer["__type"]) == (400, "UnsupportedOperation")
    assert answer["message"].startswith(f"The laptop does not honour {named}: ")


@pytest.mark.parametrize(
    ("target", "parameters", "code", "message"),
    [
        ("ReceiveMessage", {"MaxNumberOfMessages": 11}, "InvalidParameterValue",
         "Value 11 for parameter MaxNumberOfMessages is invalid. Reason: Must be between 1 and 10, if provided."),
        ("ReceiveMessage", {"MaxNumberOfMessages": 0}, "InvalidParameterValue",
         "Value 0 for parameter MaxNumberOfMessages is invalid. Reason: Must be between 1 and 10, if provided."),
        ("ReceiveMessage", {"WaitTimeSeconds": 21}, "InvalidParameterValue",
         "Value 21 for parameter WaitTimeSeconds is invalid. Reason: Must be >= 0 and <= 20, if provided."),
        ("ReceiveMessage", {"VisibilityTimeout": 43_201}, "InvalidParameterValue",
         "Value 43201 for parameter VisibilityTimeout is invalid. Reason: Must be between 0 and 43200, if provided."),
        ("ChangeMessageVisibility", {"ReceiptHandle": "a"}, "MissingParameter",
         "The request must contain the parameter VisibilityTimeout."),
        ("SendMessage", {"MessageBody": "a", "DelaySeconds": 901}, "InvalidParameterValue",
         "Value 901 for parameter DelaySeconds is invalid. Reason: DelaySeconds must be >= 0 and <= 900."),
        ("SendMessage", {"MessageBody": "a", "DelaySeconds": "5"}, "SerializationException",
         "DelaySeconds has the wrong type."),
        ("GetQueueUrl", {"QueueName": "clerk-queued", "QueueOwnerAWSAccountId": "111111111111"}, "QueueDoesNotExist",
         "The specified queue does not exist."),
        ("GetQueueUrl", {"QueueName": "clerk queued"}, "InvalidParameterValue",
         "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length"),
        ("GetQueueAttributes", {"AttributeNames": ["Colour"]}, "InvalidAttributeName", "Unknown Attribute Colour."),
        ("ReceiveMessage", {"AttributeNames": ["All", "Colour"]}, "InvalidAttributeName", "Unknown Attribute Colour."),
        ("ReceiveMessage", {"MessageSystemAttributeNames": ["Policy"]}, "InvalidAttributeName", "Unknown Attribute Policy."),
        ("ListQueues", {"MaxResults": 1001}, "InvalidParameterValue",
         "Value 1001 for parameter MaxResults is invalid. Reason: Must be an integer between 1 and 1000."),
        ("SendMessage", {"MessageBody": "a", "MessageGroupId": "a b"}, "InvalidParameterValue",
         ("Value a b for parameter MessageGroupId is invalid. Reason: MessageGroupId can only include alphanumeric and "
          "punctuation characters. 1 to 128 in length.")),
        ("SendMessage", {"MessageBody": "a", "MessageSystemAttributes": {"Trace": TEXT}}, "InvalidParameterValue",
         "The message system attribute name 'Trace' is invalid."),
        ("SendMessage", {"MessageBody": "a", "MessageSystemAttributes": {"AWSTraceHeader": {**TEXT, "DataType": "String.x"}}},
         "InvalidParameterValue", "The message system attribute 'AWSTraceHeader' must be of type String."),
        ("DeleteMessageBatch", {"Entries": [{"Id": "a", "ReceiptHandle": "x.1"}, {"Id": "b"}]}, "MissingParameter",
         "The request must contain the parameter DeleteMessageBatchRequestEntry.2.ReceiptHandle."),
    ],
)  # fmt: skip
def test_a_wrong_parameter_has_the_code_and_the_words_of_sqs(
    laptop: Laptop, target: str, parameters: dict[str, object], code: str, message: str
) -> None:
    status, answer = call(laptop, f"AmazonSQS.{target}", QueueUrl=DEAD_LETTERS, **parameters)

    assert (status, answer) == (400, {"__type": code, "message": message})


@pytest.mark.parametrize(
    ("queue_url", "code"),
    [
        (DEAD_LETTERS, None),
        ("https://queue.amazonaws.com/000000000000/clerk-listen-dead-letters", None),
        ("/000000000000/clerk-listen-dead-letters", None),
        ("clerk-listen-dead-letters", None),
        ("http://127.0.0.1/111111111111/clerk-listen-dead-letters", "QueueDoesNotExist"),
        ("http://127.0.0.1/000000000000/none", "QueueDoesNotExist"),
        ("\x00", "QueueDoesNotExist"),
        *((odd, "InvalidAddress") for odd in ("http://[", "http://[::1", f"{DEAD_LETTERS}/", f"{DEAD_LETTERS}?x", "http://x", "//")),
        ("//[x]/clerk-listen-dead-letters", "InvalidAddress"),
        ("http://a\u2100b/000000000000/none", "QueueDoesNotExist"),
    ],
    ids=ascii,
)  # fmt: skip
def test_the_url_of_a_queue_is_read_or_refused(laptop: Laptop, queue_url: str, code: str | None) -> None:
    _, answer = call(laptop, "AmazonSQS.ReceiveMessage", QueueUrl=queue_url)

    assert answer.get("__type") == code


@pytest.mark.parametrize("character", ["\x00", "\x08", "\x0b", "\x1b", "\x1f", "\ufffe", "\uffff"], ids=ascii)
@pytest.mark.parametrize("queue", [SOURCE, DEAD_LETTERS], ids=["source", "dead letters"])
def test_a_body_with_characters_that_sqs_does_not_take_is_refused(laptop: Laptop, queue: str, character: str) -> None:
    status, answer = call(laptop, "AmazonSQS.SendMessage", QueueUrl=queue, MessageBody=f"a{character}b")

    assert (status, answer["__type"]) == (400, "InvalidMessageContents")
    assert answer["message"].startswith("Invalid characters found. Valid unicode characters are #x9 | #xA | #xD")


def test_tabs_lines_and_every_other_character_are_taken(laptop: Laptop) -> None:
    body = "\t\n\r \x7f\x85ü\u202e\ud7ff\ue000\ufffd\U0001f600\U0010ffff"

    status, _ = call(laptop, "AmazonSQS.SendMessage", QueueUrl=DEAD_LETTERS, MessageBody=body)

    assert status == 200


@pytest.mark.parametrize(
    ("attributes", "message"),
    [
        ({"a": {"DataType": "String", "StringValue": ""}},
         "Message (user) attribute 'a' must contain a non-empty value of type 'String'."),
        ({"a": {"DataType": "Number.int"}},
         "Message (user) attribute 'a' must contain a non-empty value of type 'Number'."),
        ({"a": {"DataType": "Number", "StringValue": "ten"}},
         "Can't cast the value of message (user) attribute 'a' to a number."),
        ({"a": {"StringValue": "x"}}, "The message attribute 'a' must contain non-empty message attribute type."),
        ({"a": {"DataType": "Text", "StringValue": "x"}}, "The message attribute 'a' has an invalid message attribute type."),
        *(
            ({"a": {"DataType": "Number", "StringValue": number}}, "Can't cast the value of message (user) attribute 'a' to a number.")
            for number in ("1e127", "-1E400", "1e-129", "1" * 39, "0x1", "1_0", "\u0661", " 1", ".")
        ),
        ({"a": {**TEXT, "DataType": "String." + "x" * 250}}, "The message attribute 'a' has an invalid message attribute type."),
        *(
            ({"a": {**TEXT, name: value}}, f"The message attribute 'a' with type 'String' must use field 'StringValue', not {name}.")
            for name, value in (("BinaryValue", "eA=="), ("StringListValues", ["x"]), ("BinaryListValues", ["eA=="]))
        ),
        ({"AWS.a": TEXT}, "The message attribute name 'AWS.a' is invalid."),
        ({"a\x1b": TEXT}, "The message attribute name 'a\\x1b' is invalid."),
        ({f"a{number}": TEXT for number in range(11)},
         "Number of message attributes [11] exceeds the allowed maximum [10]."),
    ],
)  # fmt: skip
def test_a_wrong_attribute_is_refused_in_the_words_of_sqs(
    laptop: Laptop, attributes: dict[str, object], message: str
) -> None:
    status, answer = call(
        laptop, "AmazonSQS.SendMessage", QueueUrl=DEAD_LETTERS, MessageBody="a", MessageAttributes=attributes
    )

    assert (status, answer) == (400, {"__type": "InvalidParameterValue", "message": message})


@pytest.mark.parametrize("number", ["0", "-0.000e9999", "1e126", "1E-128", "9" * 38, "9" * 38 + "0" * 80, "+.5", "1."])
def test_every_number_of_sqs_is_taken(laptop: Laptop, number: str) -> None:
    attributes = {"a": {"DataType": "Number", "StringValue": number}}

    status, _ = call(
        laptop, "AmazonSQS.SendMessage", QueueUrl=DEAD_LETTERS, MessageBody="a", MessageAttributes=attributes
    )

    assert status == 200


@pytest.mark.parametrize("where", ["DataType", "StringValue"])
def test_an_attribute_with_a_control_character_is_refused(laptop: Laptop, where: str) -> None:
    attributes = {"a": {**TEXT, where: "String.\x1b[2J"}}

    status, answer = call(
        laptop, "AmazonSQS.SendMessage", QueueUrl=DEAD_LETTERS, MessageBody="a", MessageAttributes=attributes
    )

    assert (status, answer["__type"]) == (400, "InvalidParameterValue")


def event(item: str) -> str:
    return json.dumps(envelope(asked(item), START))


def test_a_delayed_message_waits_on_a_source_queue(laptop: Laptop, desk: Desk) -> None:
    call(laptop, "AmazonSQS.SendMessage", QueueUrl=SOURCE, MessageBody=event("a"), DelaySeconds=300)
    call(laptop, "AmazonSQS.SendMessage", QueueUrl=SOURCE, MessageBody=event("b"))

    laptop.drain()

    assert [(one.item, one.at) for one in desk.calls] == [("b", START), ("a", START + timedelta(seconds=300))]


def test_a_delayed_message_waits_on_a_dead_letter_queue(laptop: Laptop) -> None:
    call(laptop, "AmazonSQS.SendMessage", QueueUrl=DEAD_LETTERS, MessageBody="a", DelaySeconds=300)

    early = call(laptop, "AmazonSQS.ReceiveMessage", QueueUrl=DEAD_LETTERS)
    laptop.advance(timedelta(seconds=300))
    late = call(laptop, "AmazonSQS.ReceiveMessage", QueueUrl=DEAD_LETTERS)

    assert early == (200, {})
    assert late[1]["Messages"][0]["Body"] == "a"


def test_a_queue_is_purged_once_a_minute(laptop: Laptop) -> None:
    first = call(laptop, "AmazonSQS.PurgeQueue", QueueUrl=DEAD_LETTERS)
    second = call(laptop, "AmazonSQS.PurgeQueue", QueueUrl=DEAD_LETTERS)
    other = call(laptop, "AmazonSQS.PurgeQueue", QueueUrl=DEAD_LETTERS.replace("listen", "queued"))
    laptop.advance(timedelta(seconds=60))
    third = call(laptop, "AmazonSQS.PurgeQueue", QueueUrl=DEAD_LETTERS)

    assert (first[0], other[0], third[0]) == (200, 200, 200)
    assert second == (
        403,
        {
            "__type": "PurgeQueueInProgress",
            "message": "Only one PurgeQueue operation on clerk-listen-dead-letters is allowed every 60 seconds.",
        },
    )


def test_a_second_purge_is_refused_as_boto3_knows_it(aws: Clients) -> None:
    url = f"{aws.url}/000000000000/clerk-listen-dead-letters"
    aws.sqs.purge_queue(QueueUrl=url)

    with pytest.raises(aws.sqs.exceptions.PurgeQueueInProgress):
        aws.sqs.purge_queue(QueueUrl=url)


def test_a_queue_has_the_attributes_of_one_on_aws(aws: Clients) -> None:
    every = get_session().get_service_model("sqs").shape_for("QueueAttributeName").enum
    source, dead_letters = (f"{aws.url}/000000000000/clerk-queued{suffix}" for suffix in ("", "-dead-letters"))

    found = aws.sqs.get_queue_attributes(QueueUrl=source, AttributeNames=["All"])["Attributes"]
    for name in every:
        aws.sqs.get_queue_attributes(QueueUrl=dead_letters, AttributeNames=[name])

    assert json.loads(found["RedrivePolicy"]) == {
        "deadLetterTargetArn": "arn:aws:sqs:us-east-1:000000000000:clerk-queued-dead-letters",
        "maxReceiveCount": 5,
    }
    assert found["CreatedTimestamp"] == found["LastModifiedTimestamp"] == str(int(START.timestamp()))
    assert found["MaximumMessageSize"] == "1048576"
    assert (
        "RedrivePolicy" not in aws.sqs.get_queue_attributes(QueueUrl=dead_letters, AttributeNames=["All"])["Attributes"]
    )


@pytest.mark.parametrize(
    ("operation", "parameters"),
    [
        ("ListArchives", {"EventSourceArn": f"{BUS}x"}),
        ("StartReplay", {"ReplayName": "a", "EventSourceArn": BUS.replace("event-bus/shop", "archive/shop-archive"),
         "EventStartTime": 1, "EventEndTime": 2, "Destination": {"Arn": f"{BUS}x"}}),
    ],
)  # fmt: skip
def test_an_unknown_bus_is_not_found(laptop: Laptop, operation: str, parameters: dict[str, object]) -> None:
    status, answer = call(laptop, f"AWSEvents.{operation}", **parameters)

    assert (status, answer) == (
        400,
        {"__type": "ResourceNotFoundException", "message": "Event bus shopx does not exist."},
    )


def test_an_archive_has_its_time(aws: Clients) -> None:
    assert aws.events.describe_archive(ArchiveName="shop-archive")["CreationTime"] == START
    assert aws.events.list_archives()["Archives"][0]["CreationTime"] == START


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"Qualifier": "live"}, "ResourceNotFoundException"),
        ({"Qualifier": "1"}, "ResourceNotFoundException"),
        ({"FunctionName": "clerk-listen:live"}, "ResourceNotFoundException"),
        ({"FunctionName": "clerk-listen:$LATEST", "Qualifier": "live"}, "InvalidParameterValueException"),
        ({"LogType": "Tail"}, "UnsupportedOperation"),
        ({"ClientContext": "e30="}, "UnsupportedOperation"),
        ({"DurableExecutionName": "a"}, "UnsupportedOperation"),
        ({"TenantId": "a"}, "UnsupportedOperation"),
    ],
    ids=str,
)
def test_an_option_of_invoke_that_would_change_something_is_refused(
    aws: Clients, desk: Desk, options: dict[str, str], code: str
) -> None:
    with pytest.raises(ClientError) as caught:
        aws.lambda_.invoke(**{"FunctionName": "clerk-listen", "InvocationType": "Event", "Payload": b"{}", **options})

    assert caught.value.response["Error"]["Code"] == code
    assert desk.calls == []


@pytest.mark.parametrize(
    "options", [{"Qualifier": "$LATEST"}, {"FunctionName": "clerk-listen:$LATEST"}, {"LogType": "None"}]
)
def test_an_option_of_invoke_that_changes_nothing_is_taken(aws: Clients, options: dict[str, str]) -> None:
    given = {"FunctionName": "clerk-listen", "InvocationType": "Event", "Payload": b"{}", **options}

    assert aws.lambda_.invoke(**given)["StatusCode"] == 202


def test_every_parameter_of_invoke_is_among_those_that_are_tried_here() -> None:
    members = boto3.client("lambda", region_name="us-east-1").meta.service_model.operation_model("Invoke").input_shape

    assert {*members.members} == {
        *("FunctionName", "InvocationType", "LogType", "ClientContext", "DurableExecutionName"),
        *("Payload", "Qualifier", "TenantId"),
    }
