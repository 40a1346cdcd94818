"""Who may do what: every role, to the action, the resource and the condition."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.infra.library import library
from tests.infra.mocks import ACCOUNT, REGION, Deployment
from tests.infra.stack import deployed

KEY = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/11112222-3333-4444-5555-666677778888"
Allowed = tuple[str, str, str]
"""Action, resource without `arn:aws:`, account and region; and condition."""


@pytest.fixture(scope="module")
def food(tmp_path_factory: pytest.TempPathFactory) -> Deployment:
    return deployed(tmp_path_factory.mktemp("zips"), config={"ingress": '["OrderPlaced"]'})


@pytest.fixture(scope="module")
def traced(tmp_path_factory: pytest.TempPathFactory) -> Deployment:
    secrets = {"mail_key": "a key that opens nothing"}
    return deployed(
        tmp_path_factory.mktemp("zips"), library, secrets=secrets, config={"tracing": "true", "secretsKey": KEY}
    )


def allowed(document: str) -> set[Allowed]:
    """Return what a policy allows, one action and resource at a time."""
    return set(_allowed(json.loads(document)))


def _allowed(document: Mapping[str, Any]) -> Iterator[Allowed]:
    for statement in document["Statement"]:
        assert statement["Effect"] == "Allow"
        condition = json.dumps(statement.get("Condition", {}), sort_keys=True).replace(f"{REGION}:{ACCOUNT}:", "")
        for action in statement["Action"]:
            for resource in statement["Resource"]:
                yield action, short(resource), condition if condition != "{}" else ""


def short(arn: str) -> str:
    return arn.replace(f"{REGION}:{ACCOUNT}:", "").removeprefix("arn:aws:")


def log(name: str, prefix: str = "food-delivery-dev") -> set[Allowed]:
    group = f"logs:log-group:/aws/lambda/{prefix}-{name}:*"
    return {("logs:CreateLogStream", group, ""), ("logs:PutLogEvents", group, "")}


def publish(bus: str, source: str, *detail_types: str) -> Allowed:
    condition = {
        "ForAllValues:StringEquals": {"events:detail-type": [*detail_types], "events:source": [source]},
        "Null": {"events:detail-type": "false", "events:source": "false"},
    }
    return ("events:PutEvents", f"events:event-bus/{bus}", json.dumps(condition, sort_keys=True))


def once(function: str, prefix: str = "food-delivery-dev") -> set[Allowed]:
    condition = json.dumps({"ForAllValues:StringLike": {"dynamodb:LeadingKeys": [f"{function}|*"]}})
    return {(f"dynamodb:{verb}Item", f"dynamodb:table/{prefix}-once", condition) for verb in ("Get", "Update")}


def read(table: str, prefix: str = "food-delivery-dev") -> set[Allowed]:
    return {(f"dynamodb:{action}", f"dynamodb:table/{prefix}-{table}", "") for action in ("GetItem", "Query", "Scan")}


def write(table: str, prefix: str = "food-delivery-dev") -> set[Allowed]:
    actions = ("DeleteItem", "PutItem")
    return read(table, prefix) | {(f"dynamodb:{action}", f"dynamodb:table/{prefix}-{table}", "") for action in actions}


BUS = "food-delivery-dev"
ROUTES = {
    "orders.place_order": {
        *log("orders-place_order"),
        publish(BUS, "food.orders", "OrderPlaced"),
        *once("orders.place_order"),
        *write("orders-orders"),
    },
    "orders.show_order": {*log("orders-show_order"), *read("orders-orders")},
    "orders.list_orders": {*log("orders-list_orders"), *read("orders-orders")},
    "payments.show_payment": {*log("payments-show_payment"), *read("payments-charges")},
    "loyalty.show_loyalty_points": {*log("loyalty-show_loyalty_points"), *read("loyalty-awards")},
    "notifications.list_notifications": {*log("notifications-list_notifications"), *read("notifications-mailbox")},
    "contradance.ingress": {*log("contradance-ingress"), publish(BUS, "food.orders", "OrderPlaced")},
}
SOURCES = ["food.deliveries", "food.orders", "food.payments", "food.restaurants"]
SWEEPER = {
    *log("contradance-sweeper"),
    (
        "events:PutEvents",
        f"events:event-bus/{BUS}",
        json.dumps(
            {
                "ForAllValues:StringEquals": {"events:source": SOURCES},
                "Null": {"events:source": "false"},
            },
            sort_keys=True,
        ),
    ),
    ("dynamodb:Query", "dynamodb:table/food-delivery-dev-once/index/unpublished", ""),
    ("dynamodb:GetItem", "dynamodb:table/food-delivery-dev-once", ""),
    ("dynamodb:UpdateItem", "dynamodb:table/food-delivery-dev-once", ""),
}
"""What subscribers may do is in test_subscribers."""


@pytest.mark.parametrize("name", ROUTES)
def test_a_route_may_do_what_its_signature_says_and_nothing_else(name: str, food: Deployment) -> None:
    assert allowed(food.all("RolePolicy")[name]["policy"]) == ROUTES[name]


def test_the_sweeper_may_publish_every_event_of_the_services_and_mark_it_so(food: Deployment) -> None:
    assert allowed(food.all("RolePolicy")["contradance.sweeper"]["policy"]) == SWEEPER


def test_there_is_no_role_besides(food: Deployment) -> None:
    subscribers = set(food.all("EventRule"))

    assert set(food.all("RolePolicy")) == {
        *subscribers,
        *ROUTES,
        "contradance.sweeper",
        "contradance.sweeper.schedule",
    }
    assert set(food.all("Role")) == set(food.all("RolePolicy"))
    assert {each["role"] for each in food.all("RolePolicy").values()} == {
        each["name"] for each in food.all("Role").values()
    }


def test_a_schedules_role_may_invoke_its_function_and_dead_letter(traced: Deployment) -> None:
    name = "city-library-dev-loans-find_overdue"

    assert allowed(traced.all("RolePolicy")["loans.find_overdue.schedule"]["policy"]) == {
        ("lambda:InvokeFunction", f"lambda:function:{name}", ""),
        ("sqs:SendMessage", f"sqs:{name}-dead-letters", ""),
    }
    assert allowed(traced.all("RolePolicy")["contradance.sweeper.schedule"]["policy"]) == {
        ("lambda:InvokeFunction", "lambda:function:city-library-dev-contradance-sweeper", ""),
    }


def test_scheduler_takes_a_role_for_schedules_of_this_stack_alone(traced: Deployment) -> None:
    trust = json.loads(traced.all("Role")["loans.find_overdue.schedule"]["assumeRolePolicy"])

    (statement,) = trust["Statement"]
    assert statement["Principal"] == {"Service": "scheduler.amazonaws.com"}
    assert statement["Condition"] == {
        "StringEquals": {
            "aws:SourceAccount": ACCOUNT,
            "aws:SourceArn": f"arn:aws:scheduler:{REGION}:{ACCOUNT}:schedule-group/city-library-dev",
        }
    }


def test_lambda_takes_every_other_role(food: Deployment) -> None:
    for name, role in food.all("Role").items():
        if not name.endswith(".schedule"):
            (statement,) = json.loads(role["assumeRolePolicy"])["Statement"]
            assert statement["Principal"] == {"Service": "lambda.amazonaws.com"}, name
            assert "Condition" not in statement


def test_a_secret_is_decrypted_with_the_accounts_own_key_where_there_is_one(traced: Deployment) -> None:
    found = allowed(traced.all("RolePolicy")["readers.remind_reader"]["policy"])

    parameter = "ssm:parameter/city-library/dev/mail_key"
    context = {"StringEquals": {"kms:EncryptionContext:PARAMETER_ARN": [f"arn:aws:{parameter}"]}}
    assert found == {
        *log("readers-remind_reader", "city-library-dev"),
        *once("readers.remind_reader", "city-library-dev"),
        ("ssm:GetParameters", parameter, ""),
        ("kms:Decrypt", short(KEY), json.dumps(context)),
        ("sqs:SendMessage", "sqs:city-library-dev-readers-remind_reader-dead-letters", ""),
        ("xray:PutTraceSegments", "*", ""),
        ("xray:PutTelemetryRecords", "*", ""),
    }


def test_a_function_that_runs_by_the_clock_publishes_and_reads_what_it_says(traced: Deployment) -> None:
    name = "city-library-dev-loans-find_overdue"

    assert allowed(traced.all("RolePolicy")["loans.find_overdue"]["policy"]) == {
        *log("loans-find_overdue", "city-library-dev"),
        publish("city-library-dev", "library.loans", "ReminderDue"),
        *once("loans.find_overdue", "city-library-dev"),
        *read("loans-loans", "city-library-dev"),
        ("sqs:SendMessage", f"sqs:{name}-dead-letters", ""),
        ("xray:PutTraceSegments", "*", ""),
        ("xray:PutTelemetryRecords", "*", ""),
    }


def test_nothing_is_allowed_on_everything_but_tracing(food: Deployment, traced: Deployment) -> None:
    every = [
        one
        for deployment in (food, traced)
        for kind in ("RolePolicy", "QueuePolicy")
        for each in deployment.all(kind).values()
        for one in allowed(each["policy"])
    ]

    assert {action for action, resource, _ in every if resource == "*"} == {
        "xray:PutTraceSegments",
        "xray:PutTelemetryRecords",
    }
    assert [action for action, _, _ in every if "*" in action] == []


@pytest.mark.parametrize("configured", ["food", "traced"])
def test_a_queue_takes_events_from_its_own_rule_alone(configured: str, request: pytest.FixtureRequest) -> None:
    deployment: Deployment = request.getfixturevalue(configured)
    rules = deployment.all("EventRule")
    for name, policy in deployment.all("QueuePolicy").items():
        (statement,) = json.loads(policy["policy"])["Statement"]
        rule = rules[name.removesuffix(".dead-letters")]

        assert statement["Principal"] == {"Service": "events.amazonaws.com"}
        assert statement["Action"] == ["sqs:SendMessage"]
        assert statement["Condition"]["ArnEquals"]["aws:SourceArn"].endswith(
            f":rule/{rule['eventBusName']}/{rule['name']}"
        )
        (resource,) = statement["Resource"]
        assert policy["queueUrl"].endswith(resource.rpartition(":")[2])


def test_a_function_is_invoked_by_its_own_rule_or_route_alone(food: Deployment, tmp_path: Path) -> None:
    sources = {name: short(each["sourceArn"]) for name, each in food.all("Permission").items()}

    assert sources == {
        **{name: f"events:rule/{BUS}/{BUS}-{name.replace('.', '-')}" for name in food.all("EventRule")},
        "orders.place_order": "execute-api:api1/*/POST/orders",
        "orders.show_order": "execute-api:api1/*/GET/orders/*",
        "orders.list_orders": "execute-api:api1/*/GET/orders",
        "payments.show_payment": "execute-api:api1/*/GET/payments/*",
        "loyalty.show_loyalty_points": "execute-api:api1/*/GET/customers/*/loyalty",
        "notifications.list_notifications": "execute-api:api1/*/GET/customers/*/notifications",
        "contradance.ingress": "execute-api:api1/*/POST/events/*",
    }
