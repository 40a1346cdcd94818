"""Every subscriber of the food delivery system, resource by resource and input by input."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.infra.mocks import ACCOUNT, REGION, Deployment
from tests.infra.stack import deployed

PREFIX = "food-delivery-dev"
BUS = f"arn:aws:events:{REGION}:{ACCOUNT}:event-bus/{PREFIX}"
TOPIC = f"arn:aws:sns:{REGION}:{ACCOUNT}:watch"
PAGES = f"{TOPIC}-pages"
DAY = 86_400


class Expected(NamedTuple):
    """What a subscriber's declaration says, read by a person."""

    module: str
    handler: str
    consumes: tuple[str, ...]
    """Of `food.`, as service/DetailType."""
    publishes: tuple[str, ...] = ()
    tables: tuple[str, ...] = ()
    secret: str | None = None
    queue: bool = False
    retries: int = 2
    settings: tuple[str, ...] = ()


SUBSCRIBERS = {
    "orders.update_order_status": Expected(
        "functions.orders.update_order_status",
        "update_order_status",
        (
            "restaurants/RestaurantConfirmedOrder",
            "deliveries/DeliveryPartnerAssigned",
            "restaurants/RestaurantOrderConfirmationFailed",
            "payments/PaymentFailed",
        ),
        tables=("orders.orders",),
    ),
    "payments.process_payment": Expected(
        "functions.payments.process_payment",
        "process_payment",
        ("orders/OrderPlaced",),
        ("PaymentFailed", "PaymentSuccess"),
        ("payments.charges",),
        "gateway_key",
        queue=True,
        retries=5,
    ),
    "payments.reverse_payment": Expected(
        "functions.payments.reverse_payment",
        "reverse_payment",
        ("restaurants/RestaurantOrderConfirmationFailed",),
        ("PaymentReversed",),
        ("payments.charges",),
        "gateway_key",
        queue=True,
        retries=5,
    ),
    "restaurants.confirm_order": Expected(
        "functions.restaurants.confirm_order",
        "confirm_order",
        ("payments/PaymentSuccess",),
        ("RestaurantConfirmedOrder", "RestaurantOrderConfirmationFailed"),
        ("restaurants.diaries", "restaurants.tickets"),
    ),
    "deliveries.assign_delivery_partner": Expected(
        "functions.deliveries.assign_delivery_partner",
        "assign_delivery_partner",
        ("restaurants/RestaurantConfirmedOrder",),
        ("DeliveryPartnerAssigned",),
        ("deliveries.assignments", "deliveries.diaries"),
    ),
    "loyalty.add_loyalty_points": Expected(
        "functions.loyalty.add_loyalty_points",
        "add_loyalty_points",
        ("restaurants/RestaurantConfirmedOrder",),
        tables=("loyalty.awards",),
    ),
    "notifications.notify_customer": Expected(
        "functions.notifications.notify_customer",
        "notify_customer",
        (
            "restaurants/RestaurantConfirmedOrder",
            "deliveries/DeliveryPartnerAssigned",
            "restaurants/RestaurantOrderConfirmationFailed",
            "payments/PaymentReversed",
            "payments/PaymentFailed",
        ),
        tables=("notifications.mailbox",),
    ),
}

REPLAY = "contradance replay --stack dev --subscriber {name} --from MOMENT --to MOMENT"
_DEAD = "has dead letters. Read them with: contradance dlq list --stack dev --subscriber {name}"
_WAITS = "See why it fails with: contradance logs --stack dev --subscriber {name}"
_THROTTLED = "Lambda throttled an invocation; it tries again. Raise the function's concurrency, or the account's"
_ROLE = "Lambda could not put an event on the dead letter queue. Check the role's policy"
_RULE = "EventBridge could neither deliver an event nor put it on the dead letter queue. Find out why with"
ALARMS = {
    "dead-letters": ("ticket", f"{{queue}}-dead-letters {_DEAD}"),
    "backlog": ("ticket", f"an event has waited 30 minutes in {{queue}}. {_WAITS}"),
    "dropped": (
        "page",
        f"Lambda dropped an event without running the function; replay the event from the archive: {REPLAY}",
    ),
    "failed-lost": ("page", f"{_ROLE}; then replay the event from the archive: {REPLAY}"),
    "throttled": (
        "ticket",
        f"{_THROTTLED}: pulumi config set --stack dev --path 'functions[\"{{name}}\"].concurrency' NUMBER",
    ),
    "undelivered-lost": (
        "page",
        f"{_RULE}: contradance doctor --stack dev; then replay the event from the archive: {REPLAY}",
    ),
}
"""Severity and description of each alarm."""


@pytest.fixture(scope="module")
def deployment(tmp_path_factory: pytest.TempPathFactory) -> Deployment:
    return deployed(
        tmp_path_factory.mktemp("zips"), config={"alarmTopic": TOPIC, "pageTopic": PAGES, "archiveDays": "30"}
    )


def test_every_subscriber_is_expected_here(deployment: Deployment) -> None:
    assert set(deployment.all("EventRule")) == set(SUBSCRIBERS)


@pytest.mark.parametrize("name", SUBSCRIBERS)
def test_a_subscriber_is_exactly_these_resources(name: str, deployment: Deployment) -> None:
    found = {
        (each.type, each.name): readable(each.inputs)
        for each in deployment.resources
        if each.custom and (each.name == name or each.name.startswith(f"{name}."))
    }

    expected = resources(name, SUBSCRIBERS[name], zip_path=str(found["Function", name]["code"]))
    assert found.keys() == expected.keys()
    for key, inputs in expected.items():
        assert found[key] == inputs, key


def test_a_function_runs_its_own_zip(deployment: Deployment) -> None:
    assert {name: Path(each["code"]).name for name, each in deployment.all("Function").items()} == {
        name: f"{name}.zip" for name in deployment.all("Function")
    }


def readable(inputs: Mapping[str, Any]) -> dict[str, Any]:
    """Return inputs with the JSON in them parsed, except for what AWS is to get byte for byte."""
    return {
        key: json.loads(value) if key.lower().endswith("policy") and isinstance(value, str) else value
        for key, value in inputs.items()
    }


def pattern(contract: str) -> str:
    """Return the part of a rule's pattern that matches one contract, as AWS gets it."""
    service, _, detail_type = contract.partition("/")
    return f'{{"detail":{{"metadata":{{"version":[1]}}}},"detail-type":["{detail_type}"],"source":["food.{service}"]}}'


def resources(name: str, expected: Expected, zip_path: str) -> dict[tuple[str, str], Any]:
    """Return every resource of a subscriber, as it should be."""
    service = name.partition(".")[0]
    physical = f"{PREFIX}-{name.replace('.', '-')}"
    rule_arn = f"arn:aws:events:{REGION}:{ACCOUNT}:rule/{PREFIX}/{physical}"
    queue_arn = f"arn:aws:sqs:{REGION}:{ACCOUNT}:{physical}"
    dlq_arn = f"{queue_arn}-dead-letters"
    dlq_url = f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/{physical}-dead-letters"
    function_arn = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{physical}"
    log_group = f"/aws/lambda/{physical}"
    tags = {"app": "food-delivery", "stack": "dev", "service": service, "function": name}
    max_age = DAY if name == "payments.reverse_payment" else 6 * 3600
    parts = [pattern(contract) for contract in expected.consumes]
    consumed = ", ".join(contract.partition("/")[2] for contract in expected.consumes)
    dead_letters = f"{name}.dead-letters"
    table = f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{PREFIX}-"

    def allow_rule(queue: str) -> dict[str, Any]:
        return policy(
            Sid="Rule",
            Action=["sqs:SendMessage"],
            Resource=[queue],
            Principal={"Service": "events.amazonaws.com"},
            Condition={"ArnEquals": {"aws:SourceArn": rule_arn}},
        )

    variables = {
        "CONTRADANCE_BUS": BUS,
        "CONTRADANCE_DEAD_LETTERS": dlq_url,
        "CONTRADANCE_FUNCTION": f"{expected.module}:{expected.handler}",
        "CONTRADANCE_ONCE_TABLE": f"{PREFIX}-once",
        "CONTRADANCE_REMEMBER_SECONDS": str(30 * DAY + max_age),
        "CONTRADANCE_TABLES": json.dumps(
            {table: f"{PREFIX}-{table.replace('.', '-')}" for table in expected.tables}, separators=(",", ":")
        ),
        "POWERTOOLS_LOG_LEVEL": "INFO",
        "POWERTOOLS_METRICS_NAMESPACE": "food-delivery",
        "POWERTOOLS_SERVICE_NAME": service,
    }
    statements: list[dict[str, object]] = [
        {
            "Sid": "Log",
            "Effect": "Allow",
            "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
            "Resource": [f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{log_group}:*"],
        }
    ]
    if expected.publishes:
        statements.append(
            {
                "Sid": "Publish",
                "Effect": "Allow",
                "Action": ["events:PutEvents"],
                "Resource": [BUS],
                "Condition": {
                    "ForAllValues:StringEquals": {
                        "events:source": [f"food.{service}"],
                        "events:detail-type": list(expected.publishes),
                    },
                    "Null": {"events:source": "false", "events:detail-type": "false"},
                },
            }
        )
    statements += [
        {
            "Sid": "Once",
            "Effect": "Allow",
            "Action": ["dynamodb:GetItem", "dynamodb:UpdateItem"],
            "Resource": [f"{table}once"],
            "Condition": {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": [f"{name}|*"]}},
        },
        {
            "Sid": "Write",
            "Effect": "Allow",
            "Action": [
                "dynamodb:DeleteItem",
                "dynamodb:GetItem",
                "dynamodb:PutItem",
                "dynamodb:Query",
                "dynamodb:Scan",
            ],
            "Resource": [f"{table}{used.replace('.', '-')}" for used in expected.tables],
        },
    ]
    if expected.secret:
        parameter = f"/food-delivery/dev/{expected.secret}"
        variables["CONTRADANCE_SECRETS"] = json.dumps({expected.secret: parameter}, separators=(",", ":"))
        statements.append(
            {
                "Sid": "Secrets",
                "Effect": "Allow",
                "Action": ["ssm:GetParameters"],
                "Resource": [f"arn:aws:ssm:{REGION}:{ACCOUNT}:parameter{parameter}"],
            }
        )
    statements.append({"Sid": "DeadLetter", "Effect": "Allow", "Action": ["sqs:SendMessage"], "Resource": [dlq_arn]})
    if expected.queue:
        statements.append(
            {
                "Sid": "Consume",
                "Effect": "Allow",
                "Action": [
                    "sqs:ChangeMessageVisibility",
                    "sqs:DeleteMessage",
                    "sqs:GetQueueAttributes",
                    "sqs:ReceiveMessage",
                ],
                "Resource": [queue_arn],
            }
        )
    made: dict[tuple[str, str], Any] = {
        ("EventRule", name): {
            "name": physical,
            "eventBusName": PREFIX,
            "eventPattern": parts[0] if len(parts) == 1 else '{"$or":[' + ",".join(parts) + "]}",
            "state": "ENABLED",
            "description": f"{name} consumes {consumed}",
            "tags": tags,
        },
        ("EventTarget", name): {
            "rule": physical,
            "eventBusName": PREFIX,
            "targetId": "function",
            "arn": queue_arn if expected.queue else function_arn,
            "retryPolicy": {"maximumRetryAttempts": 185, "maximumEventAgeInSeconds": max_age},
            "deadLetterConfig": {"arn": dlq_arn},
        },
        ("Queue", dead_letters): {
            "name": f"{physical}-dead-letters",
            "messageRetentionSeconds": 14 * DAY,
            "redriveAllowPolicy": {"redrivePermission": "byQueue", "sourceQueueArns": [queue_arn]},
            "sqsManagedSseEnabled": True,
            "tags": tags,
        },
        ("QueuePolicy", dead_letters): {"queueUrl": dlq_url, "policy": allow_rule(dlq_arn)},
        ("Function", name): {
            "name": physical,
            "role": f"arn:aws:iam::{ACCOUNT}:role/{physical}",
            "runtime": "python3.13",
            "architectures": ["arm64"],
            "handler": "contradance.runtime.aws.entry.handler",
            "code": zip_path,
            "layers": [f"arn:aws:lambda:{REGION}:{ACCOUNT}:layer:{PREFIX}:1"],
            "timeout": 10 * 30 + 5 if expected.queue else 30,
            "memorySize": 256,
            "environment": {"variables": variables},
            "loggingConfig": {
                "logFormat": "JSON",
                "logGroup": log_group,
                "applicationLogLevel": "INFO",
                "systemLogLevel": "WARN",
            },
            "tracingConfig": {"mode": "PassThrough"},
            "tags": tags,
        },
        ("LogGroup", name): {"name": log_group, "retentionInDays": 30, "tags": tags},
        ("Role", name): {
            "name": physical,
            "assumeRolePolicy": policy(
                Sid="AssumeRole", Action=["sts:AssumeRole"], Principal={"Service": "lambda.amazonaws.com"}
            ),
            "tags": tags,
        },
        ("RolePolicy", name): {
            "name": "function",
            "role": physical,
            "policy": {"Version": "2012-10-17", "Statement": statements},
        },
    }
    watched = {
        "dead-letters": ("AWS/SQS", "ApproximateNumberOfMessagesVisible", {"QueueName": f"{physical}-dead-letters"}),
        "undelivered-lost": (
            "AWS/Events",
            "InvocationsFailedToBeSentToDlq",
            {"EventBusName": PREFIX, "RuleName": physical},
        ),
        "throttled": ("AWS/Lambda", "Throttles", {"FunctionName": physical}),
        "failed-lost": ("AWS/Lambda", "DestinationDeliveryFailures", {"FunctionName": physical}),
        "dropped": ("AWS/Lambda", "AsyncEventsDropped", {"FunctionName": physical}),
    }
    if expected.queue:
        made |= {
            ("Queue", name): {
                "name": physical,
                "visibilityTimeoutSeconds": 6 * (10 * 30 + 5),
                "messageRetentionSeconds": 10 * DAY,
                "redrivePolicy": {"deadLetterTargetArn": dlq_arn, "maxReceiveCount": 3 * (expected.retries + 1)},
                "sqsManagedSseEnabled": True,
                "tags": tags,
            },
            ("QueuePolicy", name): {
                "queueUrl": dlq_url.removesuffix("-dead-letters"),
                "policy": allow_rule(queue_arn),
            },
            ("EventSourceMapping", name): {
                "functionName": physical,
                "eventSourceArn": queue_arn,
                "batchSize": 10,
                "enabled": True,
                "functionResponseTypes": ["ReportBatchItemFailures"],
                "tags": tags,
            },
        }
        watched["backlog"] = ("AWS/SQS", "ApproximateAgeOfOldestMessage", {"QueueName": physical})
    made |= {
        ("Permission", name): {
            "statementId": "Invoke",
            "action": "lambda:InvokeFunction",
            "function": physical,
            "principal": "events.amazonaws.com",
            "sourceArn": rule_arn,
        },
        ("FunctionEventInvokeConfig", name): {
            "functionName": physical,
            "maximumRetryAttempts": min(expected.retries, 2),
            "maximumEventAgeInSeconds": min(max_age, 6 * 3600),
            "destinationConfig": {"onFailure": {"destination": dlq_arn}},
        },
    }
    for purpose, (namespace, metric, dimensions) in watched.items():
        severity, description = ALARMS[purpose]
        topic = PAGES if severity == "page" else TOPIC
        made["MetricAlarm", f"{name}.{purpose}"] = {
            "name": f"{physical}-{purpose}",
            "alarmDescription": f"{severity}: {name}: {description.format(name=name, queue=physical)}",
            "namespace": namespace,
            "metricName": metric,
            "dimensions": dimensions,
            "statistic": "Maximum" if namespace == "AWS/SQS" else "Sum",
            "comparisonOperator": "GreaterThanOrEqualToThreshold",
            "threshold": 30 * 60 if purpose == "backlog" else 1,
            "evaluationPeriods": 1,
            "period": 60,
            "treatMissingData": "notBreaching",
            "alarmActions": [topic],
            "okActions": [topic],
            "tags": {**tags, "severity": severity},
        }
    return made


def policy(**statement: Any) -> dict[str, Any]:
    """Return a policy of one Allow."""
    return {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **statement}]}
