"""The AWS calls that the provider makes of registered resources: its inputs, in the words of AWS's APIs.

An input that nobody translates is an error, so that nothing escapes what is checked of the calls.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

from tests.infra.mocks import Registered

Inputs = Mapping[str, Any]


class Call(NamedTuple):
    """One call of one API."""

    service: str
    operation: str
    parameters: dict[str, Any]


def calls(resource: Registered) -> list[Call]:
    """Return the calls that create a resource."""
    inputs = _Read(resource.inputs)
    made = list(_TRANSLATIONS[resource.type](inputs))
    assert not inputs.unread(), f"{resource.type} {resource.name}: nobody translates {inputs.unread()}"
    return [Call(call.service, call.operation, _given(call.parameters)) for call in made]


class _Read(dict[str, Any]):
    """Inputs that know which of them were read."""

    def __init__(self, inputs: Inputs) -> None:
        super().__init__(inputs)
        self._left = set(inputs)

    def __getitem__(self, key: str) -> Any:
        self._left.discard(key)
        return super().__getitem__(key)

    def get(self, key: str, default: Any = None) -> Any:
        self._left.discard(key)
        return super().get(key, default)

    def unread(self) -> set[str]:
        return self._left


def _given(value: Any) -> Any:
    """Leave out what is None: nobody says it."""
    if isinstance(value, Mapping):
        return {key: _given(item) for key, item in value.items() if item is not None}
    return [_given(item) for item in value] if isinstance(value, list) else value


def pascal(value: Any) -> Any:
    """Return `retryPolicy` as `RetryPolicy`, at every depth."""
    if isinstance(value, Mapping):
        return {key[0].upper() + key[1:]: pascal(item) for key, item in value.items()}
    return [pascal(item) for item in value] if isinstance(value, list) else value


def tagged(inputs: Inputs) -> list[dict[str, str]] | None:
    tags = inputs.get("tags")
    return None if tags is None else [{"Key": key, "Value": value} for key, value in tags.items()]


def zipped(path: str) -> dict[str, bytes]:
    return {"ZipFile": Path(path).read_bytes()}


def bus(i: Inputs) -> Iterator[Call]:
    yield Call("events", "CreateEventBus", {"Name": i["name"], "Description": i.get("description"), "Tags": tagged(i)})


def archive(i: Inputs) -> Iterator[Call]:
    yield Call(
        "events",
        "CreateArchive",
        {
            "ArchiveName": i["name"],
            "EventSourceArn": i["eventSourceArn"],
            "RetentionDays": i["retentionDays"],
            **({"EventPattern": i["eventPattern"]} if "eventPattern" in i else {}),
        },
    )


def rule(i: Inputs) -> Iterator[Call]:
    parameters = {
        "Name": i["name"],
        "EventBusName": i["eventBusName"],
        "EventPattern": i["eventPattern"],
        "State": i["state"],
        "Description": i["description"],
        "Tags": tagged(i),
    }
    yield Call("events", "PutRule", parameters)


def target(i: Inputs) -> Iterator[Call]:
    one = {
        "Id": i["targetId"],
        "Arn": i["arn"],
        "RetryPolicy": pascal(i["retryPolicy"]),
        "DeadLetterConfig": pascal(i["deadLetterConfig"]),
    }
    yield Call("events", "PutTargets", {"Rule": i["rule"], "EventBusName": i["eventBusName"], "Targets": [one]})


def queue(i: Inputs) -> Iterator[Call]:
    visibility = i.get("visibilityTimeoutSeconds")
    attributes = {
        "VisibilityTimeout": None if visibility is None else str(visibility),
        "MessageRetentionPeriod": str(i["messageRetentionSeconds"]),
        "SqsManagedSseEnabled": str(i["sqsManagedSseEnabled"]).lower(),
        "RedrivePolicy": i.get("redrivePolicy"),
        "RedriveAllowPolicy": i.get("redriveAllowPolicy"),
    }
    yield Call("sqs", "CreateQueue", {"QueueName": i["name"], "Attributes": attributes, "tags": i["tags"]})


def queue_policy(i: Inputs) -> Iterator[Call]:
    yield Call("sqs", "SetQueueAttributes", {"QueueUrl": i["queueUrl"], "Attributes": {"Policy": i["policy"]}})


def role(i: Inputs) -> Iterator[Call]:
    yield Call(
        "iam",
        "CreateRole",
        {"RoleName": i["name"], "AssumeRolePolicyDocument": i["assumeRolePolicy"], "Tags": tagged(i)},
    )


def role_policy(i: Inputs) -> Iterator[Call]:
    yield Call("iam", "PutRolePolicy", {"RoleName": i["role"], "PolicyName": i["name"], "PolicyDocument": i["policy"]})


def log_group(i: Inputs) -> Iterator[Call]:
    yield Call("logs", "CreateLogGroup", {"logGroupName": i["name"], "tags": i["tags"]})
    yield Call("logs", "PutRetentionPolicy", {"logGroupName": i["name"], "retentionInDays": i["retentionInDays"]})


def function(i: Inputs) -> Iterator[Call]:
    parameters = {
        "FunctionName": i["name"],
        "Role": i["role"],
        "Runtime": i["runtime"],
        "Architectures": i["architectures"],
        "Handler": i["handler"],
        "Code": zipped(i["code"]),
        "Layers": i["layers"],
        "Timeout": i["timeout"],
        "MemorySize": i["memorySize"],
        "Environment": {"Variables": i["environment"]["variables"]},
        "LoggingConfig": pascal(i["loggingConfig"]),
        "TracingConfig": pascal(i["tracingConfig"]),
        "Tags": i["tags"],
    }
    yield Call("lambda", "CreateFunction", parameters)
    concurrency = i.get("reservedConcurrentExecutions")
    if concurrency is not None:
        reserved = {"FunctionName": i["name"], "ReservedConcurrentExecutions": concurrency}
        yield Call("lambda", "PutFunctionConcurrency", reserved)


def layer(i: Inputs) -> Iterator[Call]:
    parameters = {
        "LayerName": i["layerName"],
        "Content": zipped(i["code"]),
        "CompatibleRuntimes": i["compatibleRuntimes"],
        "CompatibleArchitectures": i["compatibleArchitectures"],
    }
    yield Call("lambda", "PublishLayerVersion", parameters)


def permission(i: Inputs) -> Iterator[Call]:
    parameters = {
        "FunctionName": i["function"],
        "StatementId": i["statementId"],
        "Action": i["action"],
        "Principal": i["principal"],
        "SourceArn": i["sourceArn"],
    }
    yield Call("lambda", "AddPermission", parameters)


def invoke_config(i: Inputs) -> Iterator[Call]:
    parameters = {
        "FunctionName": i["functionName"],
        "MaximumRetryAttempts": i["maximumRetryAttempts"],
        "MaximumEventAgeInSeconds": i["maximumEventAgeInSeconds"],
        "DestinationConfig": pascal(i.get("destinationConfig")),
    }
    yield Call("lambda", "PutFunctionEventInvokeConfig", parameters)


def source_mapping(i: Inputs) -> Iterator[Call]:
    parameters = {
        "FunctionName": i["functionName"],
        "EventSourceArn": i["eventSourceArn"],
        "BatchSize": i["batchSize"],
        "Enabled": i["enabled"],
        "FunctionResponseTypes": i["functionResponseTypes"],
        "ScalingConfig": pascal(i.get("scalingConfig")),
        "Tags": i["tags"],
    }
    yield Call("lambda", "CreateEventSourceMapping", parameters)


def table(i: Inputs) -> Iterator[Call]:
    keys = [(i["hashKey"], "HASH"), (i.get("rangeKey"), "RANGE")]
    indexes = [
        {
            "IndexName": index["name"],
            "KeySchema": [
                {"AttributeName": key["attributeName"], "KeyType": key["keyType"]} for key in index["keySchemas"]
            ],
            "Projection": {"ProjectionType": index["projectionType"]},
        }
        for index in i.get("globalSecondaryIndexes") or []
    ]
    parameters = {
        "TableName": i["name"],
        "BillingMode": i["billingMode"],
        "KeySchema": [{"AttributeName": name, "KeyType": kind} for name, kind in keys if name],
        "AttributeDefinitions": [
            {"AttributeName": one["name"], "AttributeType": one["type"]} for one in i["attributes"]
        ],
        "GlobalSecondaryIndexes": indexes or None,
        "SSESpecification": {"Enabled": i["serverSideEncryption"]["enabled"]},
        "DeletionProtectionEnabled": i["deletionProtectionEnabled"],
        "Tags": tagged(i),
    }
    yield Call("dynamodb", "CreateTable", parameters)
    recovery = {"PointInTimeRecoveryEnabled": i["pointInTimeRecovery"]["enabled"]}
    yield Call(
        "dynamodb",
        "UpdateContinuousBackups",
        {"TableName": i["name"], "PointInTimeRecoverySpecification": recovery},
    )
    ttl = i.get("ttl")
    if ttl:
        forgetting = {"TableName": i["name"], "TimeToLiveSpecification": pascal(ttl)}
        yield Call("dynamodb", "UpdateTimeToLive", forgetting)


def parameter(i: Inputs) -> Iterator[Call]:
    value = i["value"]
    parameters = {
        "Name": i["name"],
        "Type": i["type"],
        "Value": value["value"] if isinstance(value, Mapping) else value,
        "KeyId": i.get("keyId"),
        "Tags": tagged(i),
    }
    yield Call("ssm", "PutParameter", parameters)


def alarm(i: Inputs) -> Iterator[Call]:
    def dimensions(given: Mapping[str, str] | None) -> list[dict[str, str]] | None:
        return None if given is None else [{"Name": name, "Value": value} for name, value in given.items()]

    def query(given: Mapping[str, Any]) -> dict[str, Any]:
        metric = given.get("metric")
        stat = metric and {
            "Metric": {
                "Namespace": metric["namespace"],
                "MetricName": metric["metricName"],
                "Dimensions": dimensions(metric["dimensions"]),
            },
            "Period": metric["period"],
            "Stat": metric["stat"],
        }
        return {
            "Id": given["id"],
            "Expression": given.get("expression"),
            "Label": given.get("label"),
            "ReturnData": given["returnData"],
            "MetricStat": stat,
        }

    queries = i.get("metricQueries")
    parameters = {
        "AlarmName": i["name"],
        "AlarmDescription": i["alarmDescription"],
        "ComparisonOperator": i["comparisonOperator"],
        "Threshold": float(i["threshold"]),
        "EvaluationPeriods": i["evaluationPeriods"],
        "TreatMissingData": i["treatMissingData"],
        "Namespace": i.get("namespace"),
        "MetricName": i.get("metricName"),
        "Dimensions": dimensions(i.get("dimensions")),
        "Statistic": i.get("statistic"),
        "ExtendedStatistic": i.get("extendedStatistic"),
        "Period": i.get("period"),
        "Metrics": queries and [query(each) for each in queries],
        "AlarmActions": i["alarmActions"],
        "OKActions": i["okActions"],
        "InsufficientDataActions": i.get("insufficientDataActions"),
        "Tags": tagged(i),
    }
    yield Call("cloudwatch", "PutMetricAlarm", parameters)


def dashboard(i: Inputs) -> Iterator[Call]:
    body = {"DashboardName": i["dashboardName"], "DashboardBody": i["dashboardBody"]}
    yield Call("cloudwatch", "PutDashboard", body)


def api(i: Inputs) -> Iterator[Call]:
    cors = i.get("corsConfiguration")
    parameters = {"Name": i["name"], "ProtocolType": i["protocolType"], "CorsConfiguration": pascal(cors)}
    yield Call("apigatewayv2", "CreateApi", {**parameters, "Tags": i["tags"]})


def stage(i: Inputs) -> Iterator[Call]:
    parameters = {
        "ApiId": i["apiId"],
        "StageName": i["name"],
        "AutoDeploy": i["autoDeploy"],
        "AccessLogSettings": pascal(i["accessLogSettings"]),
        "DefaultRouteSettings": pascal(i["defaultRouteSettings"]),
        "Tags": i["tags"],
    }
    settings = parameters["DefaultRouteSettings"]
    settings["ThrottlingRateLimit"] = float(settings["ThrottlingRateLimit"])
    yield Call("apigatewayv2", "CreateStage", parameters)


def integration(i: Inputs) -> Iterator[Call]:
    parameters = {
        "ApiId": i["apiId"],
        "IntegrationType": i["integrationType"],
        "IntegrationUri": i["integrationUri"],
        "PayloadFormatVersion": i["payloadFormatVersion"],
        "TimeoutInMillis": i["timeoutMilliseconds"],
    }
    yield Call("apigatewayv2", "CreateIntegration", parameters)


def route(i: Inputs) -> Iterator[Call]:
    parameters = {
        "ApiId": i["apiId"],
        "RouteKey": i["routeKey"],
        "Target": i["target"],
        "AuthorizationType": i["authorizationType"],
        "AuthorizerId": i.get("authorizerId"),
    }
    yield Call("apigatewayv2", "CreateRoute", parameters)


def authorizer(i: Inputs) -> Iterator[Call]:
    jwt = i["jwtConfiguration"]
    parameters = {
        "ApiId": i["apiId"],
        "Name": i["name"],
        "AuthorizerType": i["authorizerType"],
        "IdentitySource": i["identitySources"],
        "JwtConfiguration": {"Issuer": jwt["issuer"], "Audience": jwt["audiences"]},
    }
    yield Call("apigatewayv2", "CreateAuthorizer", parameters)


def schedule_group(i: Inputs) -> Iterator[Call]:
    yield Call("scheduler", "CreateScheduleGroup", {"Name": i["name"], "Tags": tagged(i)})


_WINDOW = {"StartDate": "startDate", "EndDate": "endDate"}


def schedule(i: Inputs) -> Iterator[Call]:
    parameters = {
        "Name": i["name"],
        "GroupName": i["groupName"],
        "ScheduleExpression": i["scheduleExpression"],
        "ScheduleExpressionTimezone": i["scheduleExpressionTimezone"],
        "State": i["state"],
        "FlexibleTimeWindow": pascal(i["flexibleTimeWindow"]),
        "Target": pascal(i["target"]),
        **{name: datetime.fromisoformat(i[key]) for name, key in _WINDOW.items() if key in i},
    }
    yield Call("scheduler", "CreateSchedule", parameters)


def topic(i: Inputs) -> Iterator[Call]:
    yield Call("sns", "CreateTopic", {"Name": i["name"], "Tags": tagged(i)})


def subscription(i: Inputs) -> Iterator[Call]:
    yield Call("sns", "Subscribe", {"TopicArn": i["topic"], "Protocol": i["protocol"], "Endpoint": i["endpoint"]})


def registry(i: Inputs) -> Iterator[Call]:
    yield Call("schemas", "CreateRegistry", {"RegistryName": i["name"], "Tags": i["tags"]})


def schema(i: Inputs) -> Iterator[Call]:
    parameters = {
        "RegistryName": i["registryName"],
        "SchemaName": i["name"],
        "Type": i["type"],
        "Content": i["content"],
        "Description": i["description"],
        "Tags": i["tags"],
    }
    yield Call("schemas", "CreateSchema", parameters)


_TRANSLATIONS: Mapping[str, Callable[[Inputs], Iterator[Call]]] = {
    "Api": api,
    "Authorizer": authorizer,
    "Dashboard": dashboard,
    "EventArchive": archive,
    "EventBus": bus,
    "EventRule": rule,
    "EventSourceMapping": source_mapping,
    "EventTarget": target,
    "Function": function,
    "FunctionEventInvokeConfig": invoke_config,
    "Integration": integration,
    "LayerVersion": layer,
    "LogGroup": log_group,
    "MetricAlarm": alarm,
    "Parameter": parameter,
    "Permission": permission,
    "Queue": queue,
    "QueuePolicy": queue_policy,
    "Registry": registry,
    "Role": role,
    "RolePolicy": role_policy,
    "Route": route,
    "Schedule": schedule,
    "ScheduleGroup": schedule_group,
    "Schema": schema,
    "Stage": stage,
    "Table": table,
    "Topic": topic,
    "TopicSubscription": subscription,
}
