"""The whole program, as it registers its resources."""

import json
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.json_format import MessageToDict  # type: ignore[import-untyped]  # it has none

from contradance.deployed import Deployed
from contradance.gate import breaks
from contradance.runtime.aws.layout import EXPIRES, LEASE_EXPIRES, PARTITION, SHARD, SORT, UNPUBLISHED
from contradance.schemas.sources import read_promises
from functions.choreography import food_delivery
from tests.cli.project import ROOT
from tests.infra.library import library
from tests.infra.mocks import ACCOUNT, REGION, Deployment, Recorder
from tests.infra.stack import deployed

DAY = 86_400
UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
"""How the engine writes what nobody knows yet."""
SECRET, SECRET_SIGNATURE = "4dabf18193072939515e22adb298388d", "1b47061264138c4ac30d75fd1eb44270"
"""How the engine is told that a value is a secret, so that it is encrypted in the state and shown to nobody."""


@pytest.fixture(scope="module")
def books(tmp_path_factory: pytest.TempPathFactory) -> Deployment:
    secrets = {"mail_key": "a key that opens nothing"}
    return deployed(
        tmp_path_factory.mktemp("zips"),
        library,
        secrets=secrets,
        stack="prod",
        config={
            "protect": "true",
            "tracing": "true",
            "schemaRegistry": "true",
            "settings": '{"fee": 0.75}',
            "functions": '{"readers.remind_reader": {"memory": 1024}}',
            "alarmMail": "ada@example.com",
            "logDays": "365",
            "logLevel": "WARN",
            "tags": '{"cost": "42"}',
        },
    )


def test_the_outputs_are_what_operate_reads(food: Deployment) -> None:
    told = Deployed.model_validate(food.outputs["deployed"])

    assert set(told.functions) == {*food_delivery.functions, "contradance.sweeper"}
    assert told.bus_arn == f"arn:aws:events:{REGION}:{ACCOUNT}:event-bus/food-delivery-dev"
    assert told.archive_arn == f"arn:aws:events:{REGION}:{ACCOUNT}:archive/food-delivery-dev"
    payment = told.functions["payments.process_payment"]
    assert payment.rule_arn == f"arn:aws:events:{REGION}:{ACCOUNT}:rule/food-delivery-dev/{payment.rule_name}"
    assert payment.queue_url == payment.dead_letter_queue_url.removesuffix("-dead-letters")  # type: ignore[union-attr]
    assert told.functions["loyalty.add_loyalty_points"].queue_url is None
    assert told.functions["orders.place_order"].dead_letter_queue_url is None


def test_the_outputs_hold_what_the_contracts_promise(food: Deployment, tmp_path: Path) -> None:
    outputs = tmp_path / "outputs.json"
    outputs.write_text(json.dumps(food.outputs))

    promises = read_promises(str(outputs), ROOT, Path("contracts/schemas"))

    assert [*promises] == [contract.identity for contract in food_delivery.contracts]
    assert breaks(food_delivery, promises) == []


def test_the_outputs_name_what_was_registered(food: Deployment) -> None:
    told = Deployed.model_validate(food.outputs["deployed"])

    for name, function in told.functions.items():
        assert function.function_name == food.all("Function")[name]["name"]
        assert function.log_group == food.all("LogGroup")[name]["name"]
        if function.kind == "subscriber":
            assert function.rule_name == food.all("EventRule")[name]["name"]
    assert {alarm for function in told.functions.values() for alarm in function.alarms} | {*told.alarms} == {
        each["name"] for each in food.all("MetricAlarm").values()
    }


def test_people_read_the_outputs_flat(food: Deployment) -> None:
    told = food.outputs["deployed"]

    assert {name: value for name, value in food.outputs.items() if name != "deployed"} == {
        "api_url": told["apiUrl"],
        "archive": told["archiveName"],
        "bus_arn": told["busArn"],
        "fingerprint": told["fingerprint"],
        "replay_policy": food.outputs["replay_policy"],
    }


def test_a_preview_registers_what_an_update_does_and_knows_all_but_ids(tmp_path: Path, food: Deployment) -> None:
    class Unbuilt(Recorder):
        def outputs(self, *_: Any) -> dict[str, Any]:
            return {}

    preview = deployed(tmp_path, recorder=Unbuilt(), preview=True)

    assert {(each.type, each.name) for each in preview.resources} == {(e.type, e.name) for e in food.resources}
    unknown = {
        (request.type.rpartition(":")[2], key)
        for request in preview.requests
        for key, value in MessageToDict(request.object).items()
        if UNKNOWN in json.dumps(value)
    }
    assert unknown == {
        ("EventArchive", "eventSourceArn"),
        ("EventSourceMapping", "eventSourceArn"),
        ("EventTarget", "arn"),
        ("EventTarget", "deadLetterConfig"),
        ("Function", "environment"),
        ("Function", "layers"),
        ("Function", "role"),
        ("FunctionEventInvokeConfig", "destinationConfig"),
        ("Integration", "integrationUri"),
        ("Permission", "sourceArn"),
        ("QueuePolicy", "queueUrl"),
        ("Schedule", "target"),
        ("Stage", "accessLogSettings"),
    }


def test_a_second_run_registers_the_same(tmp_path: Path) -> None:
    first, second = deployed(tmp_path), deployed(tmp_path)

    assert _by_name(first) == _by_name(second)
    assert first.outputs == second.outputs


def _by_name(deployment: Deployment) -> dict[tuple[str, str], Any]:
    return {(each.type, each.name): each.inputs for each in deployment.resources}


def test_every_resource_has_a_name_of_its_own(food: Deployment, books: Deployment) -> None:
    for deployment in (food, books):
        keys = [(each.type, each.name) for each in deployment.resources if each.custom]
        assert len(keys) == len(set(keys))
        physical = [(each.type, each.inputs["name"]) for each in deployment.resources if "name" in each.inputs]
        named = [one for one in physical if one[0] != "RolePolicy" and one != ("Stage", "$default")]
        assert len(named) == len(set(named))


def test_a_resource_is_a_child_of_what_it_belongs_to(food: Deployment) -> None:
    parents = {
        (request.type.rpartition(":")[2], request.name): request.parent.rpartition("::")[2] for request in food.requests
    }

    assert parents["Application", "food-delivery"] == "food-delivery-dev"
    assert parents["EventBus", "bus"] == "food-delivery"
    for name in food.all("EventRule"):
        assert parents["Subscriber", name] == "food-delivery"
        for kind in ("EventRule", "EventTarget", "LogGroup", "Role", "RolePolicy", "Function"):
            assert parents[kind, name] == name
        assert parents["Queue", f"{name}.dead-letters"] == name
    assert all(parents[kind, name] for kind, name in parents if kind != "Stack")


def test_nothing_is_delivered_before_it_can_be_handled_or_given_up(food: Deployment) -> None:
    needed = {
        request.name: {urn.rpartition("$")[2].split("::", 1)[0] for urn in request.dependencies}
        for request in food.requests
        if request.type.endswith(":EventTarget")
    }

    for name, kinds in needed.items():
        queued = name.startswith("payments.")
        between = ("EventSourceMapping",) if queued else ("Function",)
        assert {kind.rpartition(":")[2] for kind in kinds} == {
            "EventBus",
            "EventRule",
            "Queue",
            "QueuePolicy",
            "Permission",
            "FunctionEventInvokeConfig",
            *between,
        }


def test_a_function_is_there_after_all_that_it_needs(food: Deployment) -> None:
    (request,) = [
        one
        for one in food.requests
        if one.type.endswith("function:Function") and one.name == "payments.process_payment"
    ]

    needed = {(urn.split("::")[2].rpartition(":")[2], urn.split("::")[3]) for urn in request.dependencies}
    assert {
        ("LogGroup", "payments.process_payment"),
        ("RolePolicy", "payments.process_payment"),
        ("Table", "payments.charges"),
        ("Table", "once"),
        ("Parameter", "gateway_key"),
    } <= needed


def test_every_queue_is_encrypted_and_keeps_dead_letters_longest(food: Deployment, books: Deployment) -> None:
    for deployment in (food, books):
        for name, queue in deployment.all("Queue").items():
            assert queue["sqsManagedSseEnabled"] is True
            days = 14 if name.endswith(".dead-letters") else 10
            assert queue["messageRetentionSeconds"] == days * DAY
        for name, queue in deployment.all("Queue").items():
            if "redrivePolicy" in queue:
                dead = deployment.all("Queue")[f"{name}.dead-letters"]
                assert json.loads(queue["redrivePolicy"])["deadLetterTargetArn"].endswith(f":{dead['name']}")
                timeout = deployment.all("Function")[name]["timeout"]
                assert queue["visibilityTimeoutSeconds"] == 6 * timeout


def test_every_table_is_encrypted_and_can_be_restored(food: Deployment, books: Deployment) -> None:
    for deployment in (food, books):
        for table in deployment.all("Table").values():
            assert table["serverSideEncryption"] == {"enabled": False}  # by DynamoDB's own key
            assert table["pointInTimeRecovery"] == {"enabled": True}
            assert table["billingMode"] == "PAY_PER_REQUEST"
            assert table["hashKey"] == PARTITION


def test_a_table_has_a_sort_key_where_its_declaration_has_one(food: Deployment) -> None:
    tables = food.all("Table")

    assert {name for name, table in tables.items() if table.get("rangeKey") == SORT} == {
        "loyalty.awards",
        "notifications.mailbox",
    }
    assert tables["loyalty.awards"]["attributes"] == [{"name": "pk", "type": "S"}, {"name": "sk", "type": "S"}]
    assert tables["orders.orders"]["attributes"] == [{"name": "pk", "type": "S"}]


def test_the_once_table_forgets_and_the_sweeper_finds_what_is_unpublished(food: Deployment) -> None:
    once = food.all("Table")["once"]

    assert once["ttl"] == {"attributeName": EXPIRES, "enabled": True}
    (index,) = once["globalSecondaryIndexes"]
    assert index == {
        "name": UNPUBLISHED,
        "keySchemas": [
            {"attributeName": SHARD, "keyType": "HASH"},
            {"attributeName": LEASE_EXPIRES, "keyType": "RANGE"},
        ],
        "projectionType": "KEYS_ONLY",
    }
    assert {each["name"]: each["type"] for each in once["attributes"]} == {
        PARTITION: "S",
        SHARD: "S",
        LEASE_EXPIRES: "N",
    }


def test_a_protected_stack_keeps_its_tables_bus_and_archive(food: Deployment, books: Deployment) -> None:
    def protected(deployment: Deployment) -> set[str]:
        return {f"{one.type.rpartition(':')[2]} {one.name}" for one in deployment.requests if one.protect}

    assert protected(food) == set()
    assert protected(books) == {"Table once", "EventBus bus", "EventArchive archive"}
    assert {each["deletionProtectionEnabled"] for each in books.all("Table").values()} == {True}
    assert {each["deletionProtectionEnabled"] for each in food.all("Table").values()} == {False}


def test_a_protected_stack_retains_what_holds_data_of_functions_that_are_removed(
    food: Deployment, books: Deployment
) -> None:
    def retained(deployment: Deployment) -> set[str]:
        kinds = {f"{one.type.rpartition(':')[2]} {one.name}" for one in deployment.requests if one.retainOnDelete}
        return {kind for kind in kinds if "contradance." not in kind}

    functions = set(books.all("Function")) - {"contradance.sweeper", "contradance.ingress"}
    queues = {f"Queue {name}" for name in books.all("Queue")}
    assert retained(food) == set()
    assert retained(books) == {"Table loans.loans"} | {f"LogGroup {name}" for name in functions} | queues


def test_every_log_group_forgets(food: Deployment, books: Deployment) -> None:
    assert {each["retentionInDays"] for each in food.all("LogGroup").values()} == {30}
    assert {each["retentionInDays"] for each in books.all("LogGroup").values()} == {365}
    assert len(food.all("LogGroup")) == len(food.all("Function")) + 1


def test_every_function_writes_json_to_its_own_log_group_and_has_no_other(food: Deployment, books: Deployment) -> None:
    for deployment in (food, books):
        groups = deployment.all("LogGroup")
        for name, function in deployment.all("Function").items():
            assert function["loggingConfig"]["logFormat"] == "JSON"
            assert function["loggingConfig"]["logGroup"] == groups[name]["name"]
            assert function["architectures"] == ["arm64"]
            assert len(function["layers"]) == 1
            assert function["environment"]["variables"]["POWERTOOLS_SERVICE_NAME"] == name.partition(".")[0]


def test_no_secret_is_in_plain_text_anywhere_but_in_its_parameter(food: Deployment) -> None:
    holders = {
        (each.type, each.name) for each in food.resources if "opens nothing" in json.dumps(each.inputs, default=str)
    }

    assert holders == {("Parameter", "gateway_key")}
    assert food.all("Parameter")["gateway_key"] == {
        "name": "/food-delivery/dev/gateway_key",
        "type": "SecureString",
        "value": {SECRET: SECRET_SIGNATURE, "value": "a key that opens nothing"},
        "tags": {"app": "food-delivery", "stack": "dev"},
    }


def test_configuration_reaches_functions(books: Deployment) -> None:
    functions = books.all("Function")
    reminding = functions["readers.remind_reader"]

    assert reminding["environment"]["variables"]["SETTING_FEE"] == "0.75"
    assert reminding["environment"]["variables"]["POWERTOOLS_LOG_LEVEL"] == "WARN"
    assert reminding["loggingConfig"]["applicationLogLevel"] == "INFO"  # else the journal would be dropped
    assert reminding["tracingConfig"] == {"mode": "Active"}
    assert reminding["reservedConcurrentExecutions"] == 5
    assert (reminding["memorySize"], reminding["timeout"]) == (1024, 60)
    assert "SETTING_FEE" not in functions["readers.praise_reader"]["environment"]["variables"]
    assert {each["tags"]["cost"] for each in functions.values()} == {"42"}


def test_a_queue_is_polled_by_no_more_than_the_function_has_room_for(books: Deployment) -> None:
    polling = books.all("EventSourceMapping")["readers.praise_reader"]

    assert polling["scalingConfig"] == {"maximumConcurrency": 4}
    assert polling["batchSize"] == 1


def test_a_schedule_says_which_moment_it_is_and_what_happens_when_it_fails(books: Deployment) -> None:
    queue = f"arn:aws:sqs:{REGION}:{ACCOUNT}:city-library-prod-loans-find_overdue-dead-letters"
    function = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:city-library-prod-loans-find_overdue"

    # The component of that name has no inputs; the resource's come last.
    schedule = [
        each.inputs for each in books.resources if each.name == "loans.find_overdue" and "target" in each.inputs
    ]
    assert schedule == [
        {
            "name": "city-library-prod-loans-find_overdue",
            "groupName": "city-library-prod",
            "scheduleExpression": "rate(1 day)",
            "scheduleExpressionTimezone": "UTC",
            "state": "ENABLED",
            "flexibleTimeWindow": {"mode": "OFF"},
            "target": {
                "arn": function,
                "roleArn": f"arn:aws:iam::{ACCOUNT}:role/city-library-prod-loans-find_overdue-schedule",
                "input": '{"schedule":"<aws.scheduler.schedule-arn>","scheduled_time":"<aws.scheduler.scheduled-time>"}',
                "retryPolicy": {"maximumRetryAttempts": 185, "maximumEventAgeInSeconds": 7200},
                "deadLetterConfig": {"arn": queue},
            },
        }
    ]
    assert books.all("FunctionEventInvokeConfig")["loans.find_overdue"] == {
        "functionName": "city-library-prod-loans-find_overdue",
        "maximumRetryAttempts": 1,
        "maximumEventAgeInSeconds": 7200,
        "destinationConfig": {"onFailure": {"destination": queue}},
    }


def test_the_sweeper_runs_every_minute_and_somebody_hears_when_it_does_not(books: Deployment) -> None:
    (schedule,) = [
        each.inputs for each in books.resources if each.name == "contradance.sweeper" and "target" in each.inputs
    ]
    alarm = books.all("MetricAlarm")["contradance.sweeper.behind"]

    assert schedule["scheduleExpression"] == "rate(1 minute)"
    assert "deadLetterConfig" not in schedule["target"]
    assert alarm["treatMissingData"] == "missing"  # "breaching" would notify at the first deployment
    assert alarm["insufficientDataActions"] == alarm["alarmActions"]
    assert [query.get("expression") for query in alarm["metricQueries"]] == [None, None, "FILL(m0,0)-FILL(m1,0)"]
    assert (alarm["comparisonOperator"], alarm["threshold"], alarm["evaluationPeriods"]) == ("LessThanThreshold", 1, 5)


def test_the_alarms_of_the_api_look_at_five_minutes(books: Deployment) -> None:
    alarms = {
        name: (alarm["metricName"], alarm["period"], alarm["threshold"], alarm["evaluationPeriods"])
        for name, alarm in books.all("MetricAlarm").items()
        if alarm.get("namespace") == "AWS/ApiGateway"
    }

    assert alarms == {"api.errors": ("5xx", 300, 5, 1), "api.latency": ("Latency", 300, 3000, 3)}


def test_alarms_tell_a_mail_address(books: Deployment) -> None:
    topic = f"arn:aws:sns:{REGION}:{ACCOUNT}:city-library-prod-alarms"

    assert books.all("TopicSubscription")["alarms"] == {
        "topic": topic,
        "protocol": "email",
        "endpoint": "ada@example.com",
    }
    assert {tuple(each["alarmActions"]) for each in books.all("MetricAlarm").values()} == {(topic,)}


def test_contracts_are_mirrored_where_the_stack_says_so(food: Deployment, books: Deployment) -> None:
    assert food.all("Schema") == {}
    schemas = books.all("Schema")
    assert set(schemas) == {"library.loans@BookLent-v1", "library.loans@ReminderDue-v1"}
    lent = schemas["library.loans@BookLent-v1"]
    assert (lent["type"], lent["registryName"]) == ("JSONSchemaDraft4", "city-library-prod")
    assert json.loads(lent["content"])["properties"]["pages"] == {
        "exclusiveMinimum": True,
        "minimum": 0,
        "title": "Pages",
        "type": "integer",
    }


def test_the_archive_keeps_events_as_long_as_the_stack_says(tmp_path: Path) -> None:
    archive = deployed(tmp_path, config={"archiveDays": "90"}).all("EventArchive")["archive"]

    assert archive == {
        "name": "food-delivery-dev",
        "eventSourceArn": f"arn:aws:events:{REGION}:{ACCOUNT}:event-bus/food-delivery-dev",
        "retentionDays": 90,
    }


def test_the_dashboard_shows_each_service_and_each_event(food: Deployment) -> None:
    body = json.loads(food.all("Dashboard")["dashboard"]["dashboardBody"])

    titles = [widget["properties"]["title"] for widget in body["widgets"]]
    assert "loyalty: age of events" in titles
    (placed,) = [
        each["properties"] for each in body["widgets"] if each["properties"]["title"] == "food.orders/OrderPlaced v1"
    ]
    rule = "food-delivery-dev-payments-process_payment"
    own = ["service", "orders", "contract", "food.orders/OrderPlaced v1", "subscriber", "orders.place_order"]
    assert placed["metrics"] == [
        ["food-delivery", "published", *own, {"label": "published by orders.place_order", "stat": "Sum"}],
        [
            "AWS/Events",
            "MatchedEvents",
            "EventBusName",
            "food-delivery-dev",
            "RuleName",
            rule,
            {"label": "matched for payments.process_payment", "stat": "Sum"},
        ],
    ]
    positions = [(widget["x"], widget["y"]) for widget in body["widgets"]]
    assert len(positions) == len(set(positions))
