import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from botocore.exceptions import ClientError  # type: ignore[import-untyped]  # it carries no types

from contradance.local.laptop import Laptop
from contradance.pattern import EventPattern
from tests.local.aws import Clients, served
from tests.local.desk import ROUTES, START, Desk, opened

BUS = "arn:aws:events:us-east-1:000000000000:event-bus/shop"
EVENT = {
    "version": "0",
    "id": "1",
    "account": "000000000000",
    "time": "2026-01-01T00:00:00Z",
    "region": "us-east-1",
    "resources": [],
    "source": "shop.desk",
    "detail-type": "Asked",
    "detail": {"metadata": {"version": 1}, "data": {"item": "a"}},
}


@pytest.fixture
def laptop(tmp_path: Path) -> Iterator[Laptop]:
    desk = Desk()
    functions = (desk.clerk(), desk.clerk("queued", delivery="queue"), desk.bystander(), *ROUTES)
    with opened(tmp_path, *functions) as running:
        yield running


@pytest.fixture
def aws(laptop: Laptop) -> Iterator[Clients]:
    with served(laptop) as clients:
        yield clients


def refused(caught: pytest.ExceptionInfo[ClientError]) -> tuple[str, str]:
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]


def test_there_is_one_bus_and_it_is_described(aws: Clients) -> None:
    buses = aws.events.list_event_buses()["EventBuses"]
    described = aws.events.describe_event_bus(Name="shop")

    created = {"CreationTime": START, "LastModifiedTime": START}
    assert buses == [{"Name": "shop", "Arn": BUS, **created}]
    assert {name: described[name] for name in created} == created
    assert (described["Name"], described["Arn"]) == ("shop", BUS)
    assert aws.events.list_event_buses(NamePrefix="x")["EventBuses"] == []


@pytest.mark.parametrize("given", [{}, {"Name": "elsewhere"}])
def test_another_bus_is_not_described(aws: Clients, given: dict[str, str]) -> None:
    with pytest.raises(ClientError) as caught:
        aws.events.describe_event_bus(**given)

    assert refused(caught) == (
        "ResourceNotFoundException",
        f"Event bus {given.get('Name', 'default')} does not exist.",
    )


def test_every_subscriber_is_a_rule_with_the_pattern_that_is_deployed(laptop: Laptop, aws: Clients) -> None:
    rules = aws.events.list_rules(EventBusName="shop")["Rules"]

    patterns = {
        one.function.name.replace(".", "-"): one.subscription.pattern for one in laptop.choreography.subscriptions
    }
    assert [rule["Name"] for rule in rules] == ["clerk-listen", "clerk-queued", "desk-bystander"]
    assert {rule["State"] for rule in rules} == {"ENABLED"}
    assert {rule["Name"]: EventPattern(rule["EventPattern"]) for rule in rules} == patterns
    assert rules[0]["Arn"] == "arn:aws:events:us-east-1:000000000000:rule/shop/clerk-listen"
    described = aws.events.describe_rule(Name="clerk-listen", EventBusName=BUS)
    assert {name: described[name] for name in rules[0]} == rules[0]


def test_rules_come_page_by_page(aws: Clients) -> None:
    pages = aws.events.get_paginator("list_rules").paginate(EventBusName="shop", PaginationConfig={"PageSize": 2})

    assert [[rule["Name"] for rule in page["Rules"]] for page in pages] == [
        ["clerk-listen", "clerk-queued"],
        ["desk-bystander"],
    ]


def test_a_rule_has_one_target_with_a_retry_policy_and_a_dead_letter_queue(aws: Clients) -> None:
    (direct,) = aws.events.list_targets_by_rule(Rule="clerk-listen", EventBusName="shop")["Targets"]
    (queued,) = aws.events.list_targets_by_rule(Rule="clerk-queued", EventBusName="shop")["Targets"]

    assert direct == {
        "Id": "clerk-listen",
        "Arn": "arn:aws:lambda:us-east-1:000000000000:function:clerk-listen",
        "DeadLetterConfig": {"Arn": "arn:aws:sqs:us-east-1:000000000000:clerk-listen-dead-letters"},
        "RetryPolicy": {"MaximumRetryAttempts": 185, "MaximumEventAgeInSeconds": 6 * 3600},
    }
    assert queued["Arn"] == "arn:aws:sqs:us-east-1:000000000000:clerk-queued"
    names = aws.events.list_rule_names_by_target(TargetArn=direct["Arn"], EventBusName="shop")["RuleNames"]
    assert names == ["clerk-listen"]


def test_a_rule_that_does_not_exist_is_refused_in_the_words_of_aws(aws: Clients) -> None:
    with pytest.raises(ClientError) as caught:
        aws.events.describe_rule(Name="nobody", EventBusName="shop")

    assert refused(caught) == ("ResourceNotFoundException", "Rule nobody does not exist on EventBus shop.")


@pytest.mark.parametrize(("item", "matches"), [("a", True), ("b", False)])
def test_a_pattern_is_tested_by_the_matcher_of_the_rules(aws: Clients, item: str, matches: bool) -> None:
    pattern = json.dumps({"detail": {"data": {"item": [item]}}})

    assert aws.events.test_event_pattern(EventPattern=pattern, Event=json.dumps(EVENT))["Result"] is matches


def test_a_pattern_that_is_none_is_refused_in_the_words_of_aws(aws: Clients) -> None:
    with pytest.raises(ClientError) as caught:
        aws.events.test_event_pattern(EventPattern='{"source": "x"}', Event=json.dumps(EVENT))

    code, message = refused(caught)
    assert code == "InvalidEventPatternException"
    assert message.startswith("Event pattern is not valid. Reason: ")


@pytest.mark.parametrize("event", ["no json", "[]", json.dumps({**EVENT, "id": None} | {"account": 1})[:-40]])
def test_an_event_that_is_none_is_refused(aws: Clients, event: str) -> None:
    with pytest.raises(ClientError) as caught:
        aws.events.test_event_pattern(EventPattern='{"source": ["x"]}', Event=event)

    assert refused(caught)[0] == "ValidationException"


def test_what_the_laptop_does_not_answer_is_refused_loudly(aws: Clients) -> None:
    with pytest.raises(ClientError) as on_events:
        aws.events.put_rule(Name="x", EventPattern="{}")
    with pytest.raises(ClientError) as on_queues:
        aws.sqs.create_queue(QueueName="x")
    with pytest.raises(ClientError) as on_functions:
        aws.lambda_.get_function(FunctionName="clerk-listen")
    with pytest.raises(ClientError) as in_cbor:
        aws.eventbridgev2.list_event_buses()

    assert refused(on_events) == ("UnknownOperationException", "The laptop does not answer AWSEvents.PutRule.")
    assert refused(on_queues)[1] == "The laptop does not answer AmazonSQS.CreateQueue."
    assert refused(in_cbor)[0] == "UnknownOperationException"
    assert refused(in_cbor)[1].startswith("The laptop does not answer ListEventBuses of ")
    assert refused(on_functions)[1].startswith("The laptop does not answer GET /2015-03-31/functions/")
