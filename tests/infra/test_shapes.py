"""Everything that is registered, as AWS's own models of its APIs see it."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

import botocore.session  # type: ignore[import-untyped]  # it has no types
import pytest

from contradance.pattern import EventPattern
from tests.infra.aws_calls import Call, calls
from tests.infra.library import library
from tests.infra.mocks import ACCOUNT, REGION, Deployment, Registered
from tests.infra.shapes import problems
from tests.infra.stack import deployed

FULL = {
    "tracing": "true",
    "schemaRegistry": "true",
    "alarmMail": "ada@example.com",
    "apiAuth": "jwt",
    "jwtIssuer": "https://id.example.com",
    "jwtAudience": '["library"]',
    "corsOrigins": '["https://example.com"]',
    "ingress": '["BookLent"]',
    "protect": "true",
    "secretsKey": f"arn:aws:kms:{REGION}:{ACCOUNT}:key/11112222-3333-4444-5555-666677778888",
    "functions": '{"loans.renew_loan": {"memory": 1024, "concurrency": 7}}',
    "settings": '{"fee": 1}',
    "tags": '{"cost centre": "42"}',
}


@pytest.fixture(scope="module")
def everything(food: Deployment, tmp_path_factory: pytest.TempPathFactory) -> list[Registered]:
    """Return what the food delivery system registers, and what a library does that is configured in every way."""
    books = deployed(tmp_path_factory.mktemp("zips"), library, config=FULL, secrets={"mail_key": "hush"})
    return [each for deployment in (food, books) for each in deployment.resources if each.custom]


def test_every_call_is_one_that_aws_takes(everything: list[Registered]) -> None:
    found = [f"{each.name}: {problem}" for each in everything for call in calls(each) for problem in problems(call)]

    assert found == []


def test_every_kind_of_resource_is_among_them(everything: list[Registered]) -> None:
    from tests.infra.aws_calls import _TRANSLATIONS  # noqa: PLC0415 - read for this alone

    assert {each.type for each in everything} == set(_TRANSLATIONS)


@pytest.mark.parametrize(
    "call",
    [
        Call("events", "PutRule", {"Name": "a b"}),
        Call("events", "PutRule", {"EventPattern": "{}"}),
        Call("events", "PutRule", {"Name": "x" * 65}),
        Call("events", "PutRule", {"Name": "x", "State": "ON"}),
        Call(
            "events",
            "PutTargets",
            {"Rule": "x", "Targets": [{"Id": "1", "Arn": "a", "RetryPolicy": {"MaximumRetryAttempts": 186}}]},
        ),
        Call("events", "PutRule", {"Name": "x", "Colour": "red"}),
        Call("lambda", "CreateFunction", {"FunctionName": "x", "Role": "r", "Code": {}}),
        Call("lambda", "PutFunctionEventInvokeConfig", {"FunctionName": "x", "MaximumEventAgeInSeconds": 0}),
        Call("sqs", "CreateQueue", {"QueueName": 5}),
    ],
)
def test_a_call_that_aws_would_not_take_is_found_out(call: Call) -> None:
    assert problems(call)


def documents(everything: list[Registered]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for each in everything:
        for key, value in each.inputs.items():
            if key in ("policy", "assumeRolePolicy"):
                yield f"{each.type} {each.name}", json.loads(value)


def test_every_policy_is_one_that_iam_takes(everything: list[Registered]) -> None:
    for place, document in documents(everything):
        assert set(document) == {"Version", "Statement"}, place
        assert document["Version"] == "2012-10-17"
        sids = [statement["Sid"] for statement in document["Statement"]]
        assert len(sids) == len(set(sids)), place
        for statement in document["Statement"]:
            assert set(statement) <= {"Sid", "Effect", "Action", "Resource", "Principal", "Condition"}, place
            assert re.fullmatch(r"[A-Za-z0-9]+", statement["Sid"]), place
            for resource in statement.get("Resource", []):
                assert resource == "*" or re.fullmatch(r"arn:aws:[a-z]+:[a-z0-9-]*:\d{12}:\S+", resource), place


def test_every_action_is_an_operation_of_its_service(everything: list[Registered]) -> None:
    session = botocore.session.get_session()
    names = {"events": "events", "dynamodb": "dynamodb", "lambda": "lambda", "logs": "logs", "sqs": "sqs"}
    names |= {"ssm": "ssm", "kms": "kms", "xray": "xray", "sts": "sts"}
    aliases = {"lambda:InvokeFunction": "Invoke", "xray:PutTelemetryRecords": "PutTelemetryRecords"}
    for place, document in documents(everything):
        for statement in document["Statement"]:
            for action in statement["Action"]:
                service, _, operation = action.partition(":")
                model = session.get_service_model(names[service])
                assert aliases.get(action, operation) in model.operation_names, f"{place}: {action}"


def test_every_other_json_text_is_canonical_and_means_something(everything: list[Registered]) -> None:
    texts: list[tuple[str, str]] = []
    for each in everything:
        texts += [
            (each.name, value)
            for key, value in each.inputs.items()
            if key in ("redrivePolicy", "redriveAllowPolicy", "content", "dashboardBody", "policy", "assumeRolePolicy")
        ]
    for name, text in texts:
        parsed = json.loads(text)
        assert text == json.dumps(parsed, sort_keys=True, separators=(",", ":"), ensure_ascii=False), name


def test_every_pattern_is_the_one_that_the_laptop_evaluates(everything: list[Registered]) -> None:
    from functions.choreography import food_delivery  # noqa: PLC0415 - beside the library's

    laptop = {
        each.function.name: each.subscription.pattern
        for choreography in (food_delivery, library)
        for each in choreography.subscriptions
    }
    rules = {each.name: each.inputs["eventPattern"] for each in everything if each.type == "EventRule"}

    assert rules == {name: pattern.canonical for name, pattern in laptop.items()}
    assert {name: EventPattern(text) for name, text in rules.items()} == laptop


def test_queues_say_what_sqs_takes(everything: list[Registered]) -> None:
    """SQS has its attributes as texts, of which its model says nothing. SQS API reference, SetQueueAttributes."""
    for each in everything:
        for call in calls(each):
            if call.operation == "CreateQueue":
                attributes = call.parameters["Attributes"]
                assert 0 <= int(attributes.get("VisibilityTimeout", 0)) <= 43_200
                assert 60 <= int(attributes["MessageRetentionPeriod"]) <= 1_209_600
                received = json.loads(attributes.get("RedrivePolicy", '{"maxReceiveCount": 1}'))["maxReceiveCount"]
                assert 1 <= received <= 1_000
                assert re.fullmatch(r"[A-Za-z0-9_-]{1,80}", call.parameters["QueueName"])


def test_the_provider_is_told_of_nothing_else(everything: list[Registered]) -> None:
    odd = Registered("EventBus", "bus", {"name": "x", "colour": "red"}, custom=True)

    with pytest.raises(AssertionError, match="colour"):
        calls(odd)
