"""What the stand-in provider says to an engine, asked directly."""

import json
from pathlib import Path

import pytest
from pulumi.runtime.proto import provider_pb2

from tests.engine.aws.account import Properties
from tests.engine.aws.demands import BUS, RULE, TARGET
from tests.engine.aws.provider import Provider
from tests.engine.wire import ARCHIVE, SIGNATURE, UNKNOWN, Value, read, write

FUNCTION_CODE = "aws:lambda/function:Function"
LOG_GROUP = "aws:cloudwatch/logGroup:LogGroup"
ROLE_POLICY = "aws:iam/rolePolicy:RolePolicy"
QUEUE = "aws:sqs/queue:Queue"
TABLE = "aws:dynamodb/table:Table"
RULE_INPUTS: Properties = {
    "name": "remind",
    "eventBusName": "library",
    "eventPattern": '{"detail-type":["BookLent"]}',
    "description": "remind consumes BookLent",
    "state": "ENABLED",
}
TARGET_INPUTS: Properties = {
    "rule": "remind",
    "eventBusName": "library",
    "targetId": "function",
    "arn": "arn:aws:lambda:eu-central-1:123456789012:function:remind",
    "retryPolicy": {"maximumEventAgeInSeconds": 3600, "maximumRetryAttempts": 185},
    "deadLetterConfig": {"arn": "arn:aws:sqs:eu-central-1:123456789012:late"},
}


class Refused(Exception):
    """What a call was aborted with."""


class Context:
    """As much of a call's context as the provider uses."""

    def abort(self, code: object, details: str) -> None:
        raise Refused(details)


@pytest.fixture
def provider(tmp_path: Path) -> Provider:
    provider = Provider(tmp_path / "account.sqlite", "123456789012")
    provider.Configure(provider_pb2.ConfigureRequest(args=write({"region": "eu-central-1"})), Context())
    return provider


def check(provider: Provider, kind: str, inputs: Properties) -> list[tuple[str, str]]:
    request = provider_pb2.CheckRequest(type=kind, name="it", news=write(inputs))
    return [(failure.property, failure.reason) for failure in provider.Check(request, Context()).failures]


def diff(provider: Provider, kind: str, old: Properties, new: Properties) -> provider_pb2.DiffResponse:
    return provider.Diff(provider_pb2.DiffRequest(type=kind, old_inputs=write(old), news=write(new)), Context())


def create(provider: Provider, kind: str, inputs: Properties, *, preview: bool = False) -> Properties:
    request = provider_pb2.CreateRequest(type=kind, properties=write(inputs), preview=preview)
    return read(provider.Create(request, Context()).properties)


def test_what_aws_takes_passes(provider: Provider) -> None:
    assert check(provider, RULE, RULE_INPUTS) == []
    assert check(provider, TARGET, TARGET_INPUTS) == []


def test_what_is_not_known_yet_passes(provider: Provider) -> None:
    assert check(provider, TARGET, TARGET_INPUTS | {"arn": UNKNOWN, "rule": UNKNOWN}) == []


@pytest.mark.parametrize(
    ("kind", "inputs", "said"),
    [
        (RULE, RULE_INPUTS | {"name": "x" * 65}, "Name has a length"),
        (RULE, RULE_INPUTS | {"state": "ON"}, "State is 'ON'"),
        (RULE, RULE_INPUTS | {"colour": "red"}, "colour"),
        (RULE, {key: value for key, value in RULE_INPUTS.items() if key != "name"}, "'name'"),
        (RULE, RULE_INPUTS | {"eventPattern": '{"detail-type":"BookLent"}'}, "is no event pattern"),
        (RULE, RULE_INPUTS | {"eventPattern": json.dumps({"source": ["x" * 2048]})}, "more than 2048"),
        (
            TARGET,
            TARGET_INPUTS | {"retryPolicy": {"maximumEventAgeInSeconds": 3, "maximumRetryAttempts": 1}},
            "within 60",
        ),
        (TARGET, TARGET_INPUTS | {"retryPolicy": {"maximumRetryAttempts": 1}}, "both fields"),
        (LOG_GROUP, {"name": "logs", "retentionInDays": 8, "tags": {}}, "does not keep"),
        (LOG_GROUP, {"name": "logs", "retentionInDays": 7, "tags": {"aws:x": "y"}}, "no tag"),
        (ROLE_POLICY, {"name": "p", "role": "r", "policy": "{}"}, "Version 2012-10-17"),
        (ROLE_POLICY, {"name": "p", "role": "r", "policy": "{"}, "is no JSON"),
        (
            ROLE_POLICY,
            {
                "name": "p",
                "role": "r",
                "policy": '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"x"}]}',
            },
            "lacks Resource",
        ),
        (
            QUEUE,
            {"name": "q", "messageRetentionSeconds": 59, "sqsManagedSseEnabled": True, "tags": {}},
            "outside 60 to 1209600",
        ),
        (
            QUEUE,
            {
                "name": "q",
                "messageRetentionSeconds": 60,
                "sqsManagedSseEnabled": True,
                "tags": {},
                "redrivePolicy": '{"deadLetterTargetArn":"x","maxReceiveCount":0}',
            },
            "maxReceiveCount",
        ),
    ],
)
def test_what_aws_refuses_is_refused(provider: Provider, kind: str, inputs: Properties, said: str) -> None:
    reasons = [reason for _, reason in check(provider, kind, inputs)]

    assert any(said in reason for reason in reasons), reasons


def test_a_type_that_the_stand_in_does_not_know_is_refused_loudly(provider: Provider) -> None:
    (failure,) = check(provider, "aws:s3/bucket:Bucket", {"name": "x"})

    assert failure == ("", "no call can be made of it: 'Bucket'")


def test_code_is_the_same_code_wherever_it_lies(provider: Provider) -> None:
    def function(path: str, digest: str) -> Properties:
        code: Value = {SIGNATURE: ARCHIVE, "path": path, "hash": digest}
        return {"name": "remind", "code": code}

    here = function("here.zip", "1")

    assert (
        diff(provider, FUNCTION_CODE, here, function("there.zip", "1")).changes == provider_pb2.DiffResponse.DIFF_NONE
    )
    changed = diff(provider, FUNCTION_CODE, here, function("here.zip", "2"))
    assert ([*changed.diffs], [*changed.replaces]) == (["code"], [])


def test_a_new_name_makes_a_new_thing_before_the_old_one_goes_and_an_old_name_after(provider: Provider) -> None:
    renamed = diff(provider, RULE, RULE_INPUTS, RULE_INPUTS | {"name": "urge"})
    moved = diff(provider, RULE, RULE_INPUTS, RULE_INPUTS | {"eventBusName": "archive"})

    assert ([*renamed.replaces], renamed.deleteBeforeReplace) == (["name"], False)
    assert ([*moved.replaces], moved.deleteBeforeReplace) == (["eventBusName"], True)


def test_a_preview_knows_what_was_said_and_not_what_aws_answers(provider: Provider) -> None:
    foreseen = create(provider, BUS, {"name": "library"}, preview=True)
    made = create(provider, BUS, {"name": "library"})

    assert (foreseen["name"], foreseen["arn"]) == ("library", UNKNOWN)
    assert (made["name"], made["arn"]) == ("library", "arn:aws:events:eu-central-1:123456789012:event-bus/library")


def test_two_things_of_one_name_are_refused(provider: Provider) -> None:
    create(provider, BUS, {"name": "library"})

    with pytest.raises(Refused, match="already exists"):
        create(provider, BUS, {"name": "library"})


def test_what_is_gone_is_read_as_gone(provider: Provider) -> None:
    create(provider, BUS, {"name": "library"})
    there = provider.Read(provider_pb2.ReadRequest(type=BUS, id="library"), Context())

    provider.Delete(provider_pb2.DeleteRequest(type=BUS, id="library"), Context())

    assert there.id == "library"
    assert provider.Read(provider_pb2.ReadRequest(type=BUS, id="library"), Context()).id == ""
