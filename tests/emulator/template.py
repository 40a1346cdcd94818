"""The resources of a program as one template of CloudFormation, for cfn-lint, which has AWS's own schema of each type.

An input is the property of the same name in Pascal case, unless its row below has another name: an input without a
property is thereby an error of cfn-lint. References between resources are the strings that the mocks return.
"""

import json
from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple

from tests.infra.aws_calls import Inputs, pascal
from tests.infra.mocks import Registered

Properties = dict[str, Any]


class Row(NamedTuple):
    """How a type of the provider is spelled in CloudFormation."""

    type: str
    names: Mapping[str, str] = {}
    """Properties whose names differ from the inputs'."""
    documents: tuple[str, ...] = ()
    """Inputs with JSON as text, which CloudFormation takes as an object."""
    map_of_tags: bool = False
    left_out: Mapping[str, str] = {}
    """Inputs that CloudFormation does not have, each with the reason."""


NOT_LINTED: Final = {
    "Parameter": "CloudFormation does not create a SecureString; tests/infra/test_shapes.py has its call",
}
"""Types that no template can express, each with the reason."""


def template(resources: Iterable[Registered]) -> dict[str, Any]:
    """Return a template with every resource that AWS creates; KeyError for a type without a row."""
    found: dict[str, dict[str, Any]] = {}
    targets: dict[tuple[str, str], list[Any]] = {}
    for each in resources:
        if each.type == "EventTarget":
            targets.setdefault((each.inputs["eventBusName"], each.inputs["rule"]), []).append(_target(each.inputs))
        elif each.custom and each.type not in NOT_LINTED:
            logical = f"{each.type}{len(found)}"
            found[logical] = {
                "Type": ROWS[each.type].type,
                "Metadata": {"name": each.name},
                "Properties": properties(each.type, each.inputs),
            }
    for one in found.values():
        if one["Type"] == "AWS::Events::Rule":
            rule = one["Properties"]
            rule["Targets"] = targets.pop((rule["EventBusName"], rule["Name"]))
    assert not targets, f"targets of rules that are not registered: {[*targets]}"
    return {"AWSTemplateFormatVersion": "2010-09-09", "Resources": found}


def properties(kind: str, inputs: Inputs) -> Properties:
    """Return the properties of one resource."""
    row = ROWS[kind]
    made: Properties = {}
    for key, value in inputs.items():
        name = row.names.get(key, key[0].upper() + key[1:])
        if key == "tags":
            made["Tags"] = value if row.map_of_tags else _pairs(value, "Key")
        elif key in row.documents:
            made[name] = json.loads(value)
        elif key not in row.left_out:
            made[name] = pascal(value)
    made.update(_RESHAPED[kind](inputs) if kind in _RESHAPED else {})
    return {name: value for name, value in made.items() if value is not None}


def _pairs(given: Mapping[str, str], key: str) -> list[dict[str, str]]:
    return [{key: name, "Value": value} for name, value in given.items()]


def _renamed(given: Mapping[str, Any], names: Mapping[str, str]) -> Properties:
    return {names.get(key, key[0].upper() + key[1:]): pascal(value) for key, value in given.items()}


def _target(inputs: Inputs) -> Properties:
    """Return a target as a part of its rule."""
    part = {name: value for name, value in inputs.items() if name not in ("rule", "eventBusName")}
    return _renamed(part, {"targetId": "Id"})


def _alarm(inputs: Inputs) -> Properties:
    queries, dimensions = inputs.get("metricQueries"), inputs.get("dimensions")
    return {
        "Dimensions": dimensions and _pairs(dimensions, "Name"),
        "Metrics": queries and [_query(each) for each in queries],
    }


def _query(given: Mapping[str, Any]) -> Properties:
    query = _renamed(given, {"metric": "MetricStat"})
    if "metric" in given:
        statistic = query["MetricStat"]
        metric = {name: statistic.pop(name) for name in ("Namespace", "MetricName")}
        statistic["Metric"] = {**metric, "Dimensions": _pairs(statistic.pop("Dimensions"), "Name")}
    return query


def _table(inputs: Inputs) -> Properties:
    keys = [(inputs["hashKey"], "HASH"), (inputs.get("rangeKey"), "RANGE")]
    attribute = {"name": "AttributeName", "type": "AttributeType"}
    return {
        "KeySchema": [{"AttributeName": name, "KeyType": kind} for name, kind in keys if name],
        "AttributeDefinitions": [_renamed(one, attribute) for one in inputs["attributes"]],
        "GlobalSecondaryIndexes": [_index(one) for one in inputs.get("globalSecondaryIndexes") or []] or None,
        "PointInTimeRecoverySpecification": _renamed(
            inputs["pointInTimeRecovery"], {"enabled": "PointInTimeRecoveryEnabled"}
        ),
        "SSESpecification": _renamed(inputs["serverSideEncryption"], {"enabled": "SSEEnabled"}),
    }


def _index(given: Mapping[str, Any]) -> Properties:
    made = _renamed(given, {"name": "IndexName", "keySchemas": "KeySchema", "projectionType": "Projection"})
    return {**made, "Projection": {"ProjectionType": made["Projection"]}}


def _zip(inputs: Inputs) -> Properties:
    """Return where the zip is; the provider uploads it, CloudFormation reads it from S3."""
    return {"S3Bucket": "zips", "S3Key": inputs["code"].rpartition("/")[2]}


ROWS: Final[Mapping[str, Row]] = {
    "Api": Row("AWS::ApiGatewayV2::Api", map_of_tags=True),
    "Authorizer": Row("AWS::ApiGatewayV2::Authorizer", {"identitySources": "IdentitySource"}),
    "Dashboard": Row("AWS::CloudWatch::Dashboard"),
    "EventArchive": Row(
        "AWS::Events::Archive", {"name": "ArchiveName", "eventSourceArn": "SourceArn"}, ("eventPattern",)
    ),
    "EventBus": Row("AWS::Events::EventBus"),
    "EventRule": Row("AWS::Events::Rule", documents=("eventPattern",)),
    "EventSourceMapping": Row("AWS::Lambda::EventSourceMapping"),
    "Function": Row("AWS::Lambda::Function", {"name": "FunctionName"}),
    "FunctionEventInvokeConfig": Row("AWS::Lambda::EventInvokeConfig"),
    "Integration": Row("AWS::ApiGatewayV2::Integration", {"timeoutMilliseconds": "TimeoutInMillis"}),
    "LayerVersion": Row("AWS::Lambda::LayerVersion", left_out={"code": "it is `Content`"}),
    "LogGroup": Row("AWS::Logs::LogGroup", {"name": "LogGroupName"}),
    "MetricAlarm": Row(
        "AWS::CloudWatch::Alarm",
        {"name": "AlarmName", "okActions": "OKActions"},
        left_out={"metricQueries": "they are `Metrics`"},
    ),
    "Permission": Row(
        "AWS::Lambda::Permission", {"function": "FunctionName"}, left_out={"statementId": "CloudFormation chooses it"}
    ),
    "Queue": Row(
        "AWS::SQS::Queue",
        {
            "name": "QueueName",
            "messageRetentionSeconds": "MessageRetentionPeriod",
            "visibilityTimeoutSeconds": "VisibilityTimeout",
        },
        ("redrivePolicy", "redriveAllowPolicy"),
    ),
    "QueuePolicy": Row(
        "AWS::SQS::QueuePolicy", {"policy": "PolicyDocument"}, ("policy",), left_out={"queueUrl": "it is in `Queues`"}
    ),
    "Registry": Row("AWS::EventSchemas::Registry", {"name": "RegistryName"}),
    "Role": Row(
        "AWS::IAM::Role", {"name": "RoleName", "assumeRolePolicy": "AssumeRolePolicyDocument"}, ("assumeRolePolicy",)
    ),
    "RolePolicy": Row(
        "AWS::IAM::RolePolicy", {"name": "PolicyName", "policy": "PolicyDocument", "role": "RoleName"}, ("policy",)
    ),
    "Route": Row("AWS::ApiGatewayV2::Route"),
    "Schedule": Row("AWS::Scheduler::Schedule"),
    "ScheduleGroup": Row("AWS::Scheduler::ScheduleGroup"),
    "Schema": Row("AWS::EventSchemas::Schema", {"name": "SchemaName"}),
    "Stage": Row("AWS::ApiGatewayV2::Stage", {"name": "StageName"}, map_of_tags=True),
    "Table": Row(
        "AWS::DynamoDB::Table",
        {"name": "TableName", "ttl": "TimeToLiveSpecification"},
        left_out=dict.fromkeys(
            ("attributes", "hashKey", "rangeKey", "pointInTimeRecovery", "serverSideEncryption"), "`_table` has it"
        ),
    ),
    "Topic": Row("AWS::SNS::Topic", {"name": "TopicName"}),
    "TopicSubscription": Row("AWS::SNS::Subscription", {"topic": "TopicArn"}),
}

_RESHAPED: Final[Mapping[str, Any]] = {
    "Authorizer": lambda inputs: {"JwtConfiguration": _renamed(inputs["jwtConfiguration"], {"audiences": "Audience"})},
    "Function": lambda inputs: {"Code": _zip(inputs)},
    "FunctionEventInvokeConfig": lambda _: {"Qualifier": "$LATEST"},  # what the provider sets for none
    "LayerVersion": lambda inputs: {"Content": _zip(inputs)},
    "MetricAlarm": _alarm,
    "QueuePolicy": lambda inputs: {"Queues": [inputs["queueUrl"]]},
    "Table": _table,
}
