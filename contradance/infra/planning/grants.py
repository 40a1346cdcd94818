"""Permissions of a function's role, derived from its signature and its `uses=[...]`.

Only X-Ray's statement has the resource `*`, because AWS supports no other resource for these calls.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Final

from contradance.contract import Contract
from contradance.function import AnyFunction
from contradance.httproute import Route
from contradance.infra.planning.site import BusPlan, Site
from contradance.infra.planning.statement import Statement
from contradance.runtime.aws.layout import ONCE_SEPARATOR, UNPUBLISHED
from contradance.settings import Secret
from contradance.table import Grant

_READ: Final = ("dynamodb:GetItem", "dynamodb:Query", "dynamodb:Scan")
_WRITE: Final = ("dynamodb:DeleteItem", "dynamodb:PutItem")
_ONCE: Final = ("dynamodb:GetItem", "dynamodb:UpdateItem")
"""Also for transactions: DynamoDB checks the permission of each item's own action."""
_CONSUME: Final = ("sqs:ChangeMessageVisibility", "sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage")


def logging(site: Site, log_group: str) -> Statement:
    """Return the permission to write to one log group; the role cannot create log groups."""
    group = site.arn("logs", f"log-group:{log_group}")
    return Statement("Log", ("logs:CreateLogStream", "logs:PutLogEvents"), (f"{group}:*",))


def tracing() -> Statement:
    """Return the permission for X-Ray's two calls."""
    return Statement("Trace", ("xray:PutTelemetryRecords", "xray:PutTraceSegments"), ("*",))


def publishing(bus: BusPlan, contracts: Iterable[type[Contract]]) -> Iterator[Statement]:
    """Yield the permissions to publish these contracts and no others: one statement for each source.

    One statement for all sources would allow every source with every detail-type. The condition `Null` is necessary
    because `ForAllValues` is also true for a request without a source.
    """
    detail_types: dict[str, set[str]] = defaultdict(set)
    for contract in contracts:
        detail_types[contract.identity.source].add(contract.identity.detail_type)
    for position, (source, names) in enumerate(sorted(detail_types.items())):
        yield Statement(
            f"Publish{position or ''}",
            ("events:PutEvents",),
            (bus.arn,),
            {
                "ForAllValues:StringEquals": {"events:source": [source], "events:detail-type": sorted(names)},
                "Null": {"events:source": "false", "events:detail-type": "false"},
            },
        )


def publishing_committed(bus: BusPlan, contracts: Iterable[type[Contract]]) -> Iterator[Statement]:
    """Yield the sweeper's permission to publish committed events: those of the sources of these contracts.

    It has no detail-types: an event that was committed before an update may have one that no function publishes any more.
    """
    sources = sorted({contract.identity.source for contract in contracts})
    if sources:
        yield Statement(
            "Publish",
            ("events:PutEvents",),
            (bus.arn,),
            {"ForAllValues:StringEquals": {"events:source": sources}, "Null": {"events:source": "false"}},
        )


def remembering(site: Site, once_table: str, function: str) -> Statement:
    """Return the permission for a function's own once-records: those whose key begins with its name."""
    return Statement(
        "Once",
        _ONCE,
        (site.arn("dynamodb", f"table/{once_table}"),),
        {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": [f"{function}{ONCE_SEPARATOR}*"]}},
    )


def sweeping(site: Site, once_table: str) -> Iterator[Statement]:
    """Yield the sweeper's permissions: to find the unpublished once-records of all functions and to update them."""
    table = site.arn("dynamodb", f"table/{once_table}")
    yield Statement("Find", ("dynamodb:Query",), (f"{table}/index/{UNPUBLISHED}",))
    yield Statement("Mark", _ONCE, (table,))


def using_tables(site: Site, grants: Collection[Grant], names: Mapping[str, str]) -> Iterator[Statement]:
    """Yield the permissions for the tables in `grants`, with their `names` in DynamoDB; write includes read."""
    written = {grant.table for grant in grants if grant.access == "write"}
    read = {grant.table for grant in grants} - written
    for sid, actions, chosen in (("Read", _READ, read), ("Write", tuple(sorted(_READ + _WRITE)), written)):
        if chosen:
            yield Statement(
                sid, actions, tuple(site.arn("dynamodb", f"table/{names[table]}") for table in sorted(chosen))
            )


def reading_secrets(site: Site, names: Iterable[str], key: str | None) -> Iterator[Statement]:
    """Yield the permissions to read these SSM parameters and, if `key` is not None, to decrypt them with it."""
    arns = tuple(site.arn("ssm", f"parameter{name}") for name in sorted(names))
    if arns:
        yield Statement("Secrets", ("ssm:GetParameters",), arns)
        if key:
            yield Statement(
                "Decrypt",
                ("kms:Decrypt",),
                (key,),
                {"StringEquals": {"kms:EncryptionContext:PARAMETER_ARN": list(arns)}},
            )


def dead_lettering(queue_arn: str) -> Statement:
    """Return the permission to send to the function's own dead letter queue, for Lambda and for the consumer itself."""
    return Statement("DeadLetter", ("sqs:SendMessage",), (queue_arn,))


def consuming(queue_arn: str) -> Statement:
    """Return the permission to poll the function's own queue (Lambda) and to hide its messages (the function)."""
    return Statement("Consume", _CONSUME, (queue_arn,))


def remembers(function: AnyFunction) -> bool:
    """Whether a function has once-records: all have, except a GET route that neither publishes nor writes."""
    trigger = function.trigger
    writes = any(isinstance(use, Grant) and use.access == "write" for use in function.uses)
    return not (isinstance(trigger, Route) and trigger.method == "GET" and not function.publishes and not writes)


def linked_secrets(function: AnyFunction) -> tuple[str, ...]:
    """Return the names of the secrets that a function uses, sorted."""
    return tuple(sorted(use.name for use in function.uses if isinstance(use, Secret)))


def linked_tables(function: AnyFunction) -> tuple[Grant, ...]:
    """Return the grants of the tables that a function uses, for reading or writing."""
    return tuple(use for use in function.uses if isinstance(use, Grant))
