"""What a role's policy says to a call, as far as the policies of this repository go: Allow, and a few conditions."""

import json
from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any, NamedTuple

from contradance.runtime.aws.layout import PARTITION
from tests.infra.mocks import ACCOUNT, REGION

_IN_A_TRANSACTION = {"Put": "PutItem", "Update": "UpdateItem", "Delete": "DeleteItem"}


class Asked(NamedTuple):
    """One permission that a call needs."""

    action: str
    resource: str
    said: Mapping[str, Sequence[str]] = {}
    """Condition keys of the request, and their values."""


def asked(service: str, operation: str, request: Mapping[str, Any]) -> Iterator[Asked]:
    """Yield every permission that a call of the runtime needs."""
    if operation == "TransactWriteItems":
        for item in request["TransactItems"]:
            ((kind, change),) = item.items()
            yield _item(_IN_A_TRANSACTION[kind], change)
    elif service == "dynamodb":
        yield _item(operation, request)
    elif operation == "PutEvents":
        for entry in request["Entries"]:
            said = {"events:source": [entry["Source"]], "events:detail-type": [entry["DetailType"]]}
            yield Asked("events:PutEvents", entry["EventBusName"], said)
    elif service == "sqs":
        yield Asked(f"sqs:{operation}", _arn("sqs", request["QueueUrl"].rpartition("/")[2]))
    else:
        for name in request["Names"]:
            yield Asked(f"{service}:{operation}", _arn(service, f"parameter{name}"))


def allows(policy: str, one: Asked) -> bool:
    """Whether a role's policy document allows what is asked."""
    return any(
        one.action in statement["Action"]
        and any(fnmatchcase(one.resource, resource) for resource in statement["Resource"])
        and all(_holds(operator, keys, one.said) for operator, keys in statement.get("Condition", {}).items())
        for statement in json.loads(policy)["Statement"]
    )


def _item(action: str, request: Mapping[str, Any]) -> Asked:
    key = request.get("Key") or request.get("Item")
    index = f"/index/{request['IndexName']}" if "IndexName" in request else ""
    said = {"dynamodb:LeadingKeys": [key[PARTITION]["S"]]} if key else {}
    return Asked(f"dynamodb:{action}", _arn("dynamodb", f"table/{request['TableName']}{index}"), said)


def _holds(operator: str, keys: Mapping[str, Any], said: Mapping[str, Sequence[str]]) -> bool:
    match operator:
        case "Null":
            return all((key not in said) == (wanted == "true") for key, wanted in keys.items())
        case "ForAllValues:StringEquals" | "ForAllValues:StringLike":
            return all(
                any(fnmatchcase(value, wanted) for wanted in patterns)
                for key, patterns in keys.items()
                for value in said.get(key, ())
            )
    raise AssertionError(f"no policy here has a condition {operator}")


def _arn(service: str, resource: str) -> str:
    return f"arn:aws:{service}:{REGION}:{ACCOUNT}:{resource}"
