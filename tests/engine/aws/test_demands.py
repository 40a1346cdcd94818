"""The stand-in refuses what AWS would refuse, whoever asks: no engine is needed to see it."""

import json
from pathlib import Path

import pytest

from tests.engine.aws import demands
from tests.engine.aws.account import Account, Properties, Resource
from tests.engine.aws.kinds import kind_of

INVOKE_CONFIG = "aws:lambda/functionEventInvokeConfig:FunctionEventInvokeConfig"
MAPPING = "aws:lambda/eventSourceMapping:EventSourceMapping"
TRUST = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "lambda.amazonaws.com"}}


@pytest.fixture
def account(tmp_path: Path) -> Account:
    return Account(tmp_path / "account.sqlite", "123456789012", "eu-central-1")


def create(account: Account, kind: str, inputs: Properties) -> Properties:
    outputs = inputs | kind_of(kind).answer(account, inputs)
    assert account.add(Resource(kind, str(outputs["id"]), inputs, outputs))
    return outputs


def refusals(account: Account, kind: str, inputs: Properties) -> list[str]:
    return list(demands.before_creation(account, kind, inputs))


def policy(*statements: object) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


@pytest.fixture
def queue(account: Account) -> Properties:
    return create(account, demands.QUEUE, {"name": "late", "visibilityTimeoutSeconds": 30})


@pytest.fixture
def function(account: Account) -> Properties:
    role = create(account, demands.ROLE, {"name": "remind", "assumeRolePolicy": policy(TRUST)})
    return create(account, demands.FUNCTION, {"name": "remind", "role": role["arn"], "timeout": 30})


def grant(account: Account, *actions: str, resource: object) -> None:
    text = policy({"Effect": "Allow", "Action": list(actions), "Resource": resource})
    create(account, demands.ROLE_POLICY, {"name": "own", "role": "remind", "policy": text})


def test_a_rule_needs_its_bus(account: Account) -> None:
    rule: Properties = {"name": "remind", "eventBusName": "library"}

    before = refusals(account, demands.RULE, rule)
    create(account, demands.BUS, {"name": "library"})

    assert before == ["eventBusName names nothing that is there"]
    assert refusals(account, demands.RULE, rule) == []


def test_what_an_arn_names_must_be_there(account: Account, function: Properties) -> None:
    target: Properties = {"rule": "remind", "arn": function["arn"]}
    create(account, demands.RULE, {"name": "remind"})

    gone = target | {"deadLetterConfig": {"arn": account.arn("sqs", "late")}}
    strange = target | {"arn": "arn:aws:lambda:eu-central-1:999999999999:function:remind"}

    assert refusals(account, demands.TARGET, target) == []
    assert refusals(account, demands.TARGET, gone) == ["deadLetterConfig.arn names nothing that is there"]
    assert refusals(account, demands.TARGET, strange) == ["arn is in another account"]


def test_a_function_needs_a_role_that_lambda_may_assume(account: Account) -> None:
    trust = policy(TRUST | {"Principal": {"Service": "scheduler.amazonaws.com"}})
    role = create(account, demands.ROLE, {"name": "remind", "assumeRolePolicy": trust})

    refused = refusals(account, demands.FUNCTION, {"name": "remind", "role": role["arn"]})

    assert refused == ["lambda.amazonaws.com may not assume the role remind"]


def test_a_destination_needs_a_role_that_may_write_to_it(
    account: Account, function: Properties, queue: Properties
) -> None:
    config: Properties = {
        "functionName": function["name"],
        "destinationConfig": {"onFailure": {"destination": queue["arn"]}},
    }

    before = refusals(account, INVOKE_CONFIG, config)
    grant(account, "sqs:SendMessage", resource=queue["arn"])

    assert before == [f"the role remind may not sqs:SendMessage on {queue['arn']}"]
    assert refusals(account, INVOKE_CONFIG, config) == []


def test_a_queue_is_polled_by_who_may_and_for_no_longer_than_it_hides_a_message(
    account: Account, function: Properties, queue: Properties
) -> None:
    mapping: Properties = {"functionName": function["name"], "eventSourceArn": queue["arn"]}
    slow = Resource(demands.FUNCTION, "remind", function | {"timeout": 31}, function)

    before = refusals(account, MAPPING, mapping)
    grant(account, "sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes", resource=queue["arn"])
    granted = refusals(account, MAPPING, mapping)
    account.change(slow)

    assert [said.split(" on ")[0] for said in before] == [
        "the role remind may not sqs:ReceiveMessage",
        "the role remind may not sqs:DeleteMessage",
        "the role remind may not sqs:GetQueueAttributes",
    ]
    assert granted == []
    assert refusals(account, MAPPING, mapping) == [
        "the queue's visibility timeout of 30 s is shorter than the function's timeout of 31 s"
    ]


def test_a_rule_with_targets_and_a_bus_with_rules_are_not_deleted(account: Account, function: Properties) -> None:
    create(account, demands.BUS, {"name": "library"})
    create(account, demands.RULE, {"name": "remind", "eventBusName": "library"})
    create(
        account,
        demands.TARGET,
        {"rule": "remind", "targetId": "one", "eventBusName": "library", "arn": function["arn"]},
    )

    refused = {
        one.type: list(demands.before_deletion(account, one)) for one in account.every(demands.BUS, demands.RULE)
    }

    assert refused[demands.BUS] == [f"{demands.RULE} library/remind is still there"]
    assert refused[demands.RULE] == [f"{demands.TARGET} library-remind-one is still there"]
