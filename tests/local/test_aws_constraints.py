"""What AWS's service models require of each parameter, the laptop requires too: botocore's models are walked."""

import json
import re
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

import pytest
from botocore.session import get_session  # type: ignore[import-untyped]  # it carries no types

from contradance.local.laptop import Laptop
from tests.local.desk import Desk, always_fails, opened

SERVICES: Final = {"AWSEvents": "events", "AmazonSQS": "sqs"}
ARN: Final = "arn:aws:events:us-east-1:000000000000:"
QUEUE: Final = "http://127.0.0.1/000000000000/clerk-listen-dead-letters"
ENTRY: Final = {"Source": "a.b", "DetailType": "C", "Detail": "{}", "EventBusName": "shop"}
VALID: Final[dict[str, Any]] = {
    "ArchiveName": "shop-archive", "AttributeNames": ["All"], "Destination": {"Arn": f"{ARN}event-bus/shop"},
    "Event": '{"id":"1","account":"1","source":"a","time":"t","region":"r","detail-type":"d"}', "EventBusName": "shop",
    "EventEndTime": 2, "EventPattern": '{"source":["a"]}', "EventSourceArn": f"{ARN}archive/shop-archive", "EventStartTime": 1,
    "MessageBody": "a", "Name": "clerk-listen", "QueueName": "clerk-queued", "QueueUrl": QUEUE, "Rule": "clerk-listen",
    "ReceiptHandle": f"a.{'0' * 32}", "ReplayName": "r", "TargetArn": "arn", "VisibilityTimeout": 0,
}  # fmt: skip
"""Valid values of parameters that operations require, by name."""
OTHER_CODES: Final = {
    "AWSEvents.PutEvents EndpointId": "UnsupportedOperation",
    "AWSEvents.PutEvents Entries.Time": "InvalidArgument",
    "AWSEvents.TestEventPattern EventPattern": "InvalidEventPatternException",
    "AmazonSQS.DeleteMessageBatch Entries": "EmptyBatchRequest",
    "AmazonSQS.ChangeMessageVisibilityBatch Entries": "EmptyBatchRequest",
    "AmazonSQS.DeleteMessageBatch Entries.Id": "InvalidBatchEntryId",
    "AmazonSQS.ChangeMessageVisibilityBatch Entries.Id": "InvalidBatchEntryId",
    "AmazonSQS.GetQueueAttributes AttributeNames": "InvalidAttributeName",
    "AmazonSQS.ReceiveMessage AttributeNames": "InvalidAttributeName",
    "AmazonSQS.ReceiveMessage MessageSystemAttributeNames": "InvalidAttributeName",
    "AmazonSQS.ReceiveMessage ReceiveRequestAttemptId": "UnsupportedOperation",
    "AmazonSQS.SendMessage MessageDeduplicationId": "UnsupportedOperation",
    "AmazonSQS.SendMessage MessageSystemAttributes": "InvalidParameterValue",
    **{
        f"AmazonSQS.SendMessage {attributes}.{name}": "InvalidParameterValue"
        for attributes in ("MessageAttributes", "MessageSystemAttributes")
        for name in ("DataType", "BinaryValue", "StringListValues", "BinaryListValues")
    },
}
"""Other errors of AWS and of the laptop for these parameters; `InvalidArgument` refuses an entry alone."""
MOST_BYTES: Final = 16 * 1024
"""Largest error, whatever the request holds."""
MISTYPED: Final[tuple[Any, ...]] = (5, "text", True, ["text"], [5], [[]], {"a": 5}, {"a": {}}, 1.5)


class Violation(NamedTuple):
    """A request with one invalid parameter."""

    operation: str
    path: str
    request: dict[str, Any]
    is_type: bool = False

    @property
    def codes(self) -> set[str]:
        """The errors that refuse it."""
        missing = "MissingParameter" if self.operation.startswith("AmazonSQS.") else "ValidationException"
        other = OTHER_CODES.get(f"{self.operation} {self.path}")
        return {"SerializationException" if self.is_type else missing, *([other] if other else [])}


@pytest.fixture(scope="module")
def laptop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Laptop]:
    desk = Desk()
    with opened(tmp_path_factory.mktemp("state"), desk.clerk(does=always_fails)) as running:
        yield running


def error_code(laptop: Laptop, operation: str, request: Any) -> str:
    """Return the error with which a request is refused, or the error of its only entry; an empty text if neither is."""
    answer = laptop.aws.answer(operation, json.dumps(request).encode())
    body = json.loads(answer.body)
    assert answer.status in (200, 400), (operation, request, answer)
    assert len(answer.body) < MOST_BYTES
    return str(body["__type"]) if answer.status == 400 else str(body.get("Entries", [{}])[0].get("ErrorCode", ""))


def input_shape(operation: str) -> Any:
    prefix, _, name = operation.partition(".")
    return get_session().get_service_model(SERVICES[prefix]).operation_model(name).input_shape


def valid(shape: Any, name: str = "") -> Any:
    """Return a valid value of a shape, a structure with its required members alone."""
    if name == "Entries":
        return [ENTRY if "Detail" in shape.member.members else {**valid(shape.member), "Id": "a"}]
    if name in VALID:
        return VALID[name]
    if shape.type_name == "structure":
        return {member: valid(shape.members[member], member) for member in shape.required_members}
    if shape.type_name == "list":
        return [valid(shape.member, name.removesuffix("s"))]
    return {"map": {"AWSTraceHeader": {"DataType": "String", "StringValue": "a"}}, "integer": 1}.get(
        shape.type_name, "a"
    )


def violations(operation: str, shape: Any, request: Any, whole: Any, path: str = "") -> Iterator[Violation]:
    """Yield a request for each constraint of each member of `shape`, changed inside `request`, a part of `whole`."""

    def with_value(name: str, value: Any) -> dict[str, Any]:
        kept = {**request}
        request[name] = value
        copied: dict[str, Any] = json.loads(json.dumps(whole))
        request.clear()
        request.update(kept)
        return copied

    for name, member in shape.members.items():
        where = f"{path}{name}"
        if name in shape.required_members:
            yield Violation(operation, where, with_value(name, None))
        for value in broken(member, name):
            yield Violation(operation, where, with_value(name, value))
        for value in MISTYPED:
            if not fits(member, value):
                yield Violation(operation, where, with_value(name, value), is_type=True)
        yield from inner_violations(operation, member, request, whole, where)


def inner_violations(operation: str, shape: Any, request: Any, whole: Any, path: str) -> Iterator[Violation]:
    """Yield what breaks the constraints inside a member: a structure, or the structures in a list or a map."""
    structure = shape if shape.type_name == "structure" else getattr(shape, "member", getattr(shape, "value", None))
    if structure is None or structure.type_name != "structure":
        return
    name = path.rpartition(".")[2]
    before = request.get(name)
    request[name] = value = json.loads(json.dumps(valid(shape, name)))
    part = value if shape.type_name == "structure" else next(iter(value if isinstance(value, list) else value.values()))
    yield from violations(operation, structure, part, whole, f"{path}.")
    request[name] = before


def broken(shape: Any, name: str) -> Iterator[Any]:
    """Yield values that break one constraint of a shape each."""
    rules = shape.metadata
    if shape.type_name == "list":
        if "min" in rules:
            yield []
        if "max" in rules:
            yield valid(shape, name) * (rules["max"] + 1)
        yield from ([value] for value in broken(shape.member, name))
    elif shape.type_name == "map":
        yield from ({value: {"DataType": "String", "StringValue": "a"}} for value in broken(shape.key, name))
    elif shape.type_name == "integer":
        yield from (rules[bound] + step for bound, step in (("min", -1), ("max", 1)) if bound in rules)
    elif shape.type_name == "string":
        odd = (
            "",
            "a" * (rules.get("max", 0) + 1),
            "é",
            "a b",
            "\x00",
            "a\nb",
            "\x1b[2J",
            "<a>",
            "arn:aws:events:::x/",
            "\u202e",
        )
        yield from (text for text in odd if breaks(rules, text))


def breaks(rules: dict[str, Any], text: str) -> bool:
    """Whether a text breaks one of the constraints."""
    pattern = rules.get("pattern", "(?s:.*)").strip("^$")
    right_length = rules.get("min", 0) <= len(text) <= rules.get("max", len(text))
    return not (right_length and re.fullmatch(pattern, text, re.ASCII) and text in rules.get("enum", [text]))


def fits(shape: Any, value: Any) -> bool:
    """Whether a JSON value has the type of a shape, at any depth."""
    if shape.type_name == "structure":
        return isinstance(value, dict) and all(
            fits(shape.members[name], value[name]) for name in value if name in shape.members
        )
    if shape.type_name == "list":
        return isinstance(value, list) and all(fits(shape.member, one) for one in value)
    if shape.type_name == "map":
        return isinstance(value, dict) and all(fits(shape.value, one) for one in value.values())
    kinds: dict[str, tuple[type, ...]] = {"integer": (int,), "timestamp": (int, float)}
    return isinstance(value, kinds.get(shape.type_name, (str,))) and not isinstance(value, bool)


def test_every_constraint_in_the_models_of_aws_is_kept(laptop: Laptop) -> None:
    wrong, tried = [], 0
    for operation in sorted(laptop.aws._operations):
        shape = input_shape(operation)
        whole = valid(shape) | ({"EventBusName": "shop"} if "EventBusName" in shape.members else {})
        for one in violations(operation, shape, whole, whole):
            tried += 1
            code = error_code(laptop, operation, one.request)
            if code not in one.codes:
                wrong.append((operation, one.path, json.dumps(one.request)[:200], code))

    assert wrong == []
    assert tried > 700


def test_no_error_grows_with_its_request(laptop: Laptop) -> None:
    for operation in sorted(laptop.aws._operations):
        shape = input_shape(operation)
        texts = [name for name, member in shape.members.items() if member.type_name == "string"]
        lists = [name for name, member in shape.members.items() if member.type_name == "list"]
        for name, value in [*((one, "ü" * 50_000) for one in texts), *((one, ["ü" * 50_000]) for one in lists)]:
            error_code(laptop, operation, {**valid(shape), name: value})
