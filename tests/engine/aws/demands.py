"""What AWS demands of the account before it creates or deletes a resource: that what it names is there, that a role may
be assumed and may do what it is for, that nothing hangs on what goes."""

import json
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Final

from tests.engine.aws.account import Account, Resource
from tests.engine.wire import UNKNOWN, Value

API: Final = "aws:apigatewayv2/api:Api"
BUS: Final = "aws:cloudwatch/eventBus:EventBus"
RULE: Final = "aws:cloudwatch/eventRule:EventRule"
TARGET: Final = "aws:cloudwatch/eventTarget:EventTarget"
ROLE: Final = "aws:iam/role:Role"
ROLE_POLICY: Final = "aws:iam/rolePolicy:RolePolicy"
FUNCTION: Final = "aws:lambda/function:Function"
QUEUE: Final = "aws:sqs/queue:Queue"

NAMED: Final = {
    "apiId": API,
    "authorizerId": "aws:apigatewayv2/authorizer:Authorizer",
    "eventBusName": BUS,
    "groupName": "aws:scheduler/scheduleGroup:ScheduleGroup",
    "function": FUNCTION,
    "functionName": FUNCTION,
    "logGroup": "aws:cloudwatch/logGroup:LogGroup",
    "queueUrl": QUEUE,
    "registryName": "aws:schemas/registry:Registry",
    "role": ROLE,
    "rule": RULE,
}
"""Properties that name another resource, by its id, its name or its ARN."""
ALWAYS_THERE: Final = ("default",)
"""What every account has."""
HANGS_ON: Final = {
    BUS: (RULE, "aws:cloudwatch/eventArchive:EventArchive"),
    RULE: (TARGET,),
    ROLE: (ROLE_POLICY,),
    "aws:schemas/registry:Registry": ("aws:schemas/schema:Schema",),
}
"""What AWS does not delete while one of these still names it."""


def before_creation(account: Account, kind: str, inputs: Mapping[str, Value]) -> Iterator[str]:
    """Return why AWS would not create this resource now."""
    there = account.every()
    yield from _missing(account, inputs, there)
    if kind == FUNCTION:
        yield from _trusts(there, inputs["role"], "lambda.amazonaws.com")
    elif kind == "aws:scheduler/schedule:Schedule":
        target = inputs["target"]
        assert isinstance(target, dict)
        yield from _trusts(there, target["roleArn"], "scheduler.amazonaws.com")
        yield from _may(there, target["roleArn"], "lambda:InvokeFunction", target["arn"])
    elif kind == "aws:lambda/functionEventInvokeConfig:FunctionEventInvokeConfig":
        config = inputs.get("destinationConfig")
        failure = config.get("onFailure") if isinstance(config, dict) else None
        if isinstance(failure, dict):
            yield from _may(there, _function(there, inputs).inputs["role"], "sqs:SendMessage", failure["destination"])
    elif kind == "aws:lambda/eventSourceMapping:EventSourceMapping":
        yield from _queue_for(there, inputs)


def before_deletion(account: Account, gone: Resource) -> Iterator[str]:
    """Return why AWS would not delete this resource now."""
    names = {gone.outputs.get("id"), gone.inputs.get("name"), gone.outputs.get("arn")}
    for other in account.every(*HANGS_ON.get(gone.type, ("none",))):
        if names & {value for value in other.inputs.values() if isinstance(value, str)}:
            yield f"{other.type} {other.id} is still there"


def named(inputs: Mapping[str, Value], there: list[Resource]) -> Iterator[tuple[str, str, list[Resource]]]:
    """Return where `inputs` name another resource, how, and which of those that are there they can mean.

    Of a function's environment it may make what it likes, and tags are words.
    """
    for place, text in _texts("", inputs):
        wanted = NAMED.get(place.rpartition(".")[2])
        if (
            text == UNKNOWN
            or text in ALWAYS_THERE
            or text.endswith(":event-bus/default")
            or place.startswith(("environment.", "tags."))
        ):
            continue
        if wanted is not None:
            yield place, text, [one for one in there if one.type == wanted and text in _handles(one)]
        elif text.startswith("arn:aws:"):
            yield place, text, [one for one in there if _is_of(text, one)]


def _handles(resource: Resource) -> set[Value]:
    """Return what a resource may be named by."""
    return {resource.outputs["id"], resource.outputs.get("arn"), resource.inputs.get("name")}


def _is_of(arn: str, resource: Resource) -> bool:
    """Return whether an ARN is a resource's, or that of a part of it."""
    own = [str(resource.outputs[name]) for name in ("arn", "executionArn") if name in resource.outputs]
    return any(arn == one or arn.startswith((f"{one}:", f"{one}/")) for one in own)


def _missing(account: Account, inputs: Mapping[str, Value], there: list[Resource]) -> Iterator[str]:
    for place, text, found in named(inputs, there):
        if text.startswith("arn:aws:") and text.split(":")[4] != account.number:
            yield f"{place} is in another account"
        elif not found:
            yield f"{place} names nothing that is there"


def _texts(place: str, value: Value | Mapping[str, Value]) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield place, value
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from _texts(f"{place}.{key}".lstrip("."), item)
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from _texts(f"{place}[{number}]", item)


def _function(there: list[Resource], inputs: Mapping[str, Value]) -> Resource:
    return next(one for one in there if one.type == FUNCTION and inputs["functionName"] in _handles(one))


def _queue_for(there: list[Resource], inputs: Mapping[str, Value]) -> Iterator[str]:
    function = _function(there, inputs)
    queue = next(one for one in there if one.type == QUEUE and one.outputs["arn"] == inputs["eventSourceArn"])
    for action in ("sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"):
        yield from _may(there, function.inputs["role"], action, inputs["eventSourceArn"])
    visibility, timeout = queue.inputs.get("visibilityTimeoutSeconds", 30), function.inputs.get("timeout", 3)
    assert isinstance(visibility, int)
    assert isinstance(timeout, int)
    if visibility < timeout:
        yield f"the queue's visibility timeout of {visibility} s is shorter than the function's timeout of {timeout} s"


def _trusts(there: list[Resource], arn: Value, service: str) -> Iterator[str]:
    role = next((one for one in there if one.type == ROLE and one.outputs["arn"] == arn), None)
    if role is None:
        return
    for statement in json.loads(str(role.inputs["assumeRolePolicy"]))["Statement"]:
        principals = statement["Principal"].get("Service", [])
        if service in ([principals] if isinstance(principals, str) else principals):
            return
    yield f"{service} may not assume the role {role.id}"


def _may(there: list[Resource], arn: Value, action: str, resource: Value) -> Iterator[str]:
    role = next((one for one in there if one.type == ROLE and one.outputs["arn"] == arn), None)
    if role is None:
        return
    for policy in there:
        if policy.type == ROLE_POLICY and policy.inputs["role"] in _handles(role):
            for statement in json.loads(str(policy.inputs["policy"]))["Statement"]:
                if (
                    statement["Effect"] == "Allow"
                    and _any(statement["Action"], action)
                    and _any(statement["Resource"], resource)
                ):
                    return
    yield f"the role {role.id} may not {action} on {resource}"


def _any(patterns: str | list[str], value: Value) -> bool:
    return any(fnmatchcase(str(value), pattern) for pattern in ([patterns] if isinstance(patterns, str) else patterns))
