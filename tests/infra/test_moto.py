"""The program against moto: what AWS would hold, read back, and where recorded orders' events would go."""

import contextlib
import json
import sqlite3
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import pytest
from moto import mock_aws
from moto.events.models import EventPattern as MotoPattern

from contradance.deployed import Deployed
from contradance.local.state.journal_table import STATE_FILE
from contradance.pattern import EventPattern
from contradance.retry import LAMBDA_MAX_AGE
from functions.choreography import food_delivery
from functions.demo import scenes
from tests.food import food
from tests.infra.mocks import ACCOUNT, Deployment
from tests.infra.moto_aws import MotoAws, client
from tests.infra.stack import deployed

BUS = "food-delivery-dev"


class Aws(NamedTuple):
    """A stack in moto."""

    deployment: Deployment
    recorder: MotoAws


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Aws]:
    with mock_aws(config={"lambda": {"use_docker": False}}):
        recorder = MotoAws(account=ACCOUNT)
        yield Aws(deployed(tmp_path_factory.mktemp("zips"), recorder=recorder), recorder)


class Recorded(NamedTuple):
    """What orders on the laptop led to."""

    events: Mapping[str, Any]
    """As they were delivered, by their own id."""
    consumers: Mapping[str, frozenset[str]]
    """The functions that each was delivered to."""


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Recorded:
    state = tmp_path_factory.mktemp("laptop")
    with food(state) as system:
        for scene in scenes:
            system.ask("POST", "/orders", scene.body)
            system.laptop.drain()
    with contextlib.closing(sqlite3.connect(state / STATE_FILE)) as connection:
        rows = connection.execute("SELECT event_id, envelope FROM event").fetchall()
        journal = connection.execute("SELECT record FROM journal").fetchall()
    consumers: dict[str, set[str]] = defaultdict(set)
    for (text,) in journal:
        record = json.loads(text)
        if record["event_id"]:
            consumers[record["event_id"]].add(record["function"])
    events = {event_id: json.loads(envelope) for event_id, envelope in rows}
    return Recorded(events, {event_id: frozenset(consumers[event_id]) for event_id in events})


def test_the_bus_holds_a_rule_for_each_subscriber_with_the_laptops_pattern(aws: Aws) -> None:
    rules = client("events").list_rules(EventBusName=BUS)["Rules"]

    ours = {rule["Name"]: rule for rule in rules if not rule["Name"].startswith("Events-Archive-")}
    assert {name: rule["EventPattern"] for name, rule in ours.items()} == {
        f"{BUS}-{each.function.name.replace('.', '-')}": each.subscription.pattern.canonical
        for each in food_delivery.subscriptions
    }
    assert {rule["State"] for rule in ours.values()} == {"ENABLED"}


def test_each_rule_has_one_target_with_both_fields_of_its_retry_policy_and_a_dead_letter_queue(aws: Aws) -> None:
    told = Deployed.model_validate(aws.deployment.outputs["deployed"])
    for each in food_delivery.subscriptions:
        deployed_one = told.functions[each.function.name]
        (target,) = client("events").list_targets_by_rule(Rule=deployed_one.rule_name, EventBusName=BUS)["Targets"]

        assert target["RetryPolicy"]["MaximumRetryAttempts"] == 185
        assert target["RetryPolicy"]["MaximumEventAgeInSeconds"] == each.function.retry.max_age.total_seconds()
        assert target["DeadLetterConfig"]["Arn"].endswith(f":{deployed_one.function_name}-dead-letters")
        service = "sqs" if each.subscription.delivery == "queue" else "lambda"
        assert target["Arn"].startswith(f"arn:aws:{service}:")
        assert target["Arn"].endswith(f":{deployed_one.function_name}")


def test_each_function_is_there_and_gives_up_into_its_dead_letter_queue(aws: Aws) -> None:
    lambda_ = client("lambda")
    for each in food_delivery.subscriptions:
        name = f"{BUS}-{each.function.name.replace('.', '-')}"
        configuration = lambda_.get_function_configuration(FunctionName=name)

        assert configuration["Role"] == f"arn:aws:iam::{ACCOUNT}:role/{name}"
        url = configuration["Environment"]["Variables"]["CONTRADANCE_DEAD_LETTERS"]
        attributes = client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
        assert attributes["MessageRetentionPeriod"] == str(14 * 86_400)
        assert json.loads(attributes["Policy"])["Statement"][0]["Principal"] == {"Service": "events.amazonaws.com"}
        if each.subscription.delivery == "direct":
            found = lambda_.get_function_event_invoke_config(FunctionName=name)
            assert found["DestinationConfig"]["OnFailure"]["Destination"] == attributes["QueueArn"]
            assert found["MaximumRetryAttempts"] == each.function.retry.times
            assert found["MaximumEventAgeInSeconds"] <= LAMBDA_MAX_AGE.total_seconds()


def test_a_queue_between_rule_and_function_is_polled_for_partial_batches(aws: Aws) -> None:
    mappings = client("lambda").list_event_source_mappings()["EventSourceMappings"]

    assert {each["FunctionArn"].rpartition(":")[2] for each in mappings} == {
        f"{BUS}-payments-process_payment",
        f"{BUS}-payments-reverse_payment",
    }
    for each in mappings:
        assert each["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
        name = each["EventSourceArn"].rpartition(":")[2]
        url = client("sqs").get_queue_url(QueueName=name)["QueueUrl"]
        attributes = client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
        assert json.loads(attributes["RedrivePolicy"])["maxReceiveCount"] == 18
        assert attributes["VisibilityTimeout"] == "1830"  # six times the 305 seconds of a batch of ten


def test_tables_are_as_the_runtime_reads_them(aws: Aws) -> None:
    dynamodb = client("dynamodb")
    names = dynamodb.list_tables()["TableNames"]

    assert set(names) == {
        f"{BUS}-once",
        *(f"{BUS}-{table.replace('.', '-')}" for table in food_delivery.tables),
    }
    once = dynamodb.describe_table(TableName=f"{BUS}-once")["Table"]
    assert [index["IndexName"] for index in once["GlobalSecondaryIndexes"]] == ["unpublished"]
    ttl = dynamodb.describe_time_to_live(TableName=f"{BUS}-once")["TimeToLiveDescription"]
    assert ttl == {"TimeToLiveStatus": "ENABLED", "AttributeName": "forget_at"}
    for name in names:
        backups = dynamodb.describe_continuous_backups(TableName=name)["ContinuousBackupsDescription"]
        assert backups["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"] == "ENABLED"


def test_a_secret_is_an_encrypted_parameter(aws: Aws) -> None:
    parameter = client("ssm").get_parameter(Name="/food-delivery/dev/gateway_key", WithDecryption=False)["Parameter"]

    assert parameter["Type"] == "SecureString"
    assert parameter["Value"] != "a key that opens nothing"


def test_a_roles_policy_is_the_one_that_was_planned(aws: Aws) -> None:
    iam = client("iam")
    for name, planned in aws.deployment.all("RolePolicy").items():
        found = iam.get_role_policy(RoleName=planned["role"], PolicyName=planned["name"])["PolicyDocument"]

        assert found == json.loads(planned["policy"]), name


def test_the_archive_keeps_what_is_published(aws: Aws) -> None:
    archive = client("events").describe_archive(ArchiveName=BUS)

    assert archive["RetentionDays"] == 30
    assert archive["EventSourceArn"].endswith(f":event-bus/{BUS}")


def test_schedules_and_alarms_and_the_dashboard_are_there(aws: Aws) -> None:
    schedules = client("scheduler").list_schedules(GroupName=BUS)["Schedules"]
    alarms = client("cloudwatch").describe_alarms()["MetricAlarms"]

    assert [each["Name"] for each in schedules] == [f"{BUS}-contradance-sweeper"]
    assert {each["AlarmName"] for each in alarms} == {
        each["name"] for each in aws.deployment.all("MetricAlarm").values()
    }
    assert client("cloudwatch").list_dashboards()["DashboardEntries"][0]["DashboardName"] == BUS


def test_recorded_orders_made_every_kind_of_event(recorded: Recorded) -> None:
    kinds = {event["detail-type"] for event in recorded.events.values()}

    assert kinds == {contract.identity.detail_type for contract in food_delivery.contracts}


def test_patterns_read_back_route_recorded_events_as_the_laptop_did(aws: Aws, recorded: Recorded) -> None:
    told = Deployed.model_validate(aws.deployment.outputs["deployed"])
    patterns = {
        name: client("events").describe_rule(Name=function.rule_name, EventBusName=BUS)["EventPattern"]
        for name, function in told.functions.items()
        if function.rule_name
    }
    for event_id, event in recorded.events.items():
        by_motos = {name for name, text in patterns.items() if MotoPattern(text, json.loads(text)).matches_event(event)}
        by_ours = {name for name, text in patterns.items() if EventPattern(text).matches(event)}

        assert by_motos == by_ours == recorded.consumers[event_id], event["detail-type"]
