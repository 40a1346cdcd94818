"""JSON that AWS takes as text, and what botocore's models do not say of it: policies, patterns, dashboards, limits."""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Final

from contradance.errors import ContradanceError
from contradance.pattern import EventPattern
from tests.engine.wire import UNKNOWN, Value, unknown

RETENTION_DAYS: Final = frozenset(
    {0, 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653}
)
"""CloudWatch Logs keeps a log group's events for one of these. PutRetentionPolicy's documentation."""
PATTERN_CHARACTERS: Final = 2048
ENVIRONMENT_BYTES: Final = 4096
SECONDS: Final = {
    "visibilityTimeoutSeconds": (0, 43_200),
    "messageRetentionSeconds": (60, 1_209_600),
    "delaySeconds": (0, 900),
    "receiveWaitTimeSeconds": (0, 20),
}
"""Of a queue; SetQueueAttributes' documentation."""


def problems(kind: str, inputs: Mapping[str, Value]) -> Iterator[tuple[str, str]]:
    """Return what is wrong with the texts and numbers of `inputs`: the property, and what is wrong with it."""
    for name, check in _TEXTS.get(kind, {}).items():
        text = inputs.get(name)
        if isinstance(text, str) and text != UNKNOWN:
            try:
                document = json.loads(text)
            except ValueError:
                yield name, "is no JSON"
            else:
                yield from ((name, what) for what in check(document, text))
    yield from _tags(inputs)
    if kind in _LIMITS:
        yield from _LIMITS[kind](inputs)


def _policy(principals: bool) -> Callable[[Value, str], Iterator[str]]:
    def check(document: Value, _: str) -> Iterator[str]:
        if not isinstance(document, dict) or document.get("Version") != "2012-10-17":
            yield "is no policy of Version 2012-10-17"
            return
        statements = document.get("Statement")
        if not isinstance(statements, list) or not statements:
            yield "has no list of statements"
            return
        for number, statement in enumerate(statements):
            yield from _statement(f"Statement[{number}]", statement, principals=principals)

    return check


def _statement(place: str, statement: Value, *, principals: bool) -> Iterator[str]:
    if not isinstance(statement, dict):
        yield f"{place} should be an object"
        return
    wanted = {"Effect", "Action"} | ({"Principal"} if principals else {"Resource"})
    for name in sorted(wanted - statement.keys()):
        yield f"{place} lacks {name}"
    for name in sorted(statement.keys() - {"Sid", "Effect", "Action", "Resource", "Principal", "Condition"}):
        yield f"{place} has no element {name}"
    if principals is False and "Principal" in statement:
        yield f"{place} is a role's own, and may name no Principal"
    if not re.fullmatch(r"[A-Za-z0-9]*", str(statement.get("Sid", ""))):
        yield f"{place}.Sid should be letters and digits"
    condition = statement.get("Condition", {})
    for operator, conditions in condition.items() if isinstance(condition, dict) else ():
        if not re.fullmatch(
            r"((ForAllValues|ForAnyValue):)?(String|Arn|Numeric|Date)\w+(IfExists)?|Bool|Null", operator
        ):
            yield f"{place}.Condition has no operator {operator}"
        if not isinstance(conditions, dict) or not conditions:
            yield f"{place}.Condition.{operator} should name keys"


def _pattern(document: Value, text: str) -> Iterator[str]:
    if len(text) > PATTERN_CHARACTERS:
        yield f"has {len(text)} characters, more than {PATTERN_CHARACTERS}"
    try:
        EventPattern(text)
    except ContradanceError as refused:
        yield f"is no event pattern: {refused}"


def _redrive(document: Value, _: str) -> Iterator[str]:
    if not isinstance(document, dict) or document.keys() != {"deadLetterTargetArn", "maxReceiveCount"}:
        yield "should name deadLetterTargetArn and maxReceiveCount"
        return
    count = document["maxReceiveCount"]
    if not isinstance(count, int) or not 1 <= count <= 1000:
        yield "has a maxReceiveCount outside 1 to 1000"


def _dashboard(document: Value, _: str) -> Iterator[str]:
    widgets = document.get("widgets") if isinstance(document, dict) else None
    if not isinstance(widgets, list) or not widgets:
        yield "has no widgets"
        return
    for number, widget in enumerate(widgets):
        if not isinstance(widget, dict) or not {"type", "properties"} <= widget.keys():
            yield f"widgets[{number}] should have a type and properties"
        elif widget["type"] == "metric" and not (
            isinstance(widget["properties"], dict) and "region" in widget["properties"]
        ):
            yield f"widgets[{number}] names no region"


def _schema(document: Value, _: str) -> Iterator[str]:
    if not isinstance(document, dict) or document.get("$schema") != "http://json-schema.org/draft-04/schema#":
        yield "is no JSON Schema of draft 4"


def _tags(inputs: Mapping[str, Value]) -> Iterator[tuple[str, str]]:
    tags = inputs.get("tags")
    for key, value in tags.items() if isinstance(tags, dict) else ():
        allowed = re.fullmatch(r"[\w\s.:/=+\-@]{1,128}", key) and re.fullmatch(r"[\w\s.:/=+\-@]{0,256}", str(value))
        if not allowed or key.lower().startswith("aws:"):
            yield f"tags.{key}", "is no tag that AWS takes"


def _queue(inputs: Mapping[str, Value]) -> Iterator[tuple[str, str]]:
    for name, (least, most) in SECONDS.items():
        seconds = inputs.get(name)
        if isinstance(seconds, int) and not least <= seconds <= most:
            yield name, f"is {seconds}, outside {least} to {most}"


def _log_group(inputs: Mapping[str, Value]) -> Iterator[tuple[str, str]]:
    days = inputs.get("retentionInDays", 0)
    if days not in RETENTION_DAYS:
        yield "retentionInDays", f"is {days}, which CloudWatch Logs does not keep"


def _function(inputs: Mapping[str, Value]) -> Iterator[tuple[str, str]]:
    environment = inputs.get("environment")
    variables = environment.get("variables") if isinstance(environment, dict) else None
    if isinstance(variables, dict):
        size = len(json.dumps(variables).encode())
        if not unknown(variables) and size > ENVIRONMENT_BYTES:
            yield "environment", f"has {size} bytes, more than {ENVIRONMENT_BYTES}"
        for name in variables:
            if name.startswith("AWS_LAMBDA_") or not re.fullmatch(r"[A-Za-z][A-Za-z0-9_]+", name):
                yield f"environment.variables.{name}", "is no name that Lambda takes"


def _target(inputs: Mapping[str, Value]) -> Iterator[tuple[str, str]]:
    policy = inputs.get("retryPolicy")
    if isinstance(policy, dict) and policy.keys() != {"maximumEventAgeInSeconds", "maximumRetryAttempts"}:
        yield "retryPolicy", "should set both fields: the provider sends 0 for one that is left out"


def _table(inputs: Mapping[str, Value]) -> Iterator[tuple[str, str]]:
    attributes, indexes = inputs.get("attributes"), inputs.get("globalSecondaryIndexes")
    defined = (
        {str(one["name"]) for one in attributes if isinstance(one, dict)} if isinstance(attributes, list) else set()
    )
    keyed = [inputs, *(one for one in (indexes if isinstance(indexes, list) else []) if isinstance(one, dict))]
    used = {str(one[key]) for one in keyed for key in ("hashKey", "rangeKey") if one.get(key)}
    listed = [part for one in keyed if isinstance(parts := one.get("keySchemas"), list) for part in parts]
    used |= {str(part["attributeName"]) for part in listed if isinstance(part, dict)}
    if defined != used:
        yield "attributes", f"should define the keys' attributes and no others: {', '.join(sorted(used))}"


_TEXTS: Final[dict[str, dict[str, Callable[[Value, str], Iterator[str]]]]] = {
    "aws:cloudwatch/dashboard:Dashboard": {"dashboardBody": _dashboard},
    "aws:cloudwatch/eventArchive:EventArchive": {"eventPattern": _pattern},
    "aws:cloudwatch/eventRule:EventRule": {"eventPattern": _pattern},
    "aws:iam/role:Role": {"assumeRolePolicy": _policy(principals=True)},
    "aws:iam/rolePolicy:RolePolicy": {"policy": _policy(principals=False)},
    "aws:schemas/schema:Schema": {"content": _schema},
    "aws:sqs/queue:Queue": {"redrivePolicy": _redrive, "policy": _policy(principals=True)},
    "aws:sqs/queuePolicy:QueuePolicy": {"policy": _policy(principals=True)},
}

_LIMITS: Final[dict[str, Callable[[Mapping[str, Value]], Iterator[tuple[str, str]]]]] = {
    "aws:cloudwatch/eventTarget:EventTarget": _target,
    "aws:cloudwatch/logGroup:LogGroup": _log_group,
    "aws:dynamodb/table:Table": _table,
    "aws:lambda/function:Function": _function,
    "aws:sqs/queue:Queue": _queue,
}
