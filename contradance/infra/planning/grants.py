"""What a function's role may do: derived from its signature and its `uses=[...]`, and nothing more.

One statement has `*` for a resource, because AWS has no finer grain there: X-Ray's.
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
"""Inside a transaction, too: DynamoDB asks for what each of its items is."""
_CONSUME: Final = ("sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage")


def logging(site: Site, log_group: str) -> Statement:
    """Allow to write to one log group, which the role cannot create."""
    group = site.arn("logs", f"log-group:{log_group}")
    return Statement("Log", ("logs:CreateLogStream", "logs:PutLogEvents"), (f"{group}:*",))


def tracing() -> Statement:
    """Allow X-Ray's two calls, which take no resource."""
    return Statement("Trace", ("xray:PutTelemetryRecords", "xray:PutTraceSegments"), ("*",))


def publishing(bus: BusPlan, contracts: Iterable[type[Contract]]) -> Iterator[Statement]:
    """Allow to publish these contracts and no others: one statement for each source.

    One for all would allow every source with every detail-type. `Null` is there because `ForAllValues` holds of a
    request that names no source at all.
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


def remembering(site: Site, once_table: str, function: str) -> Statement:
    """Allow a function its own once-records: those whose key begins with its name."""
    return Statement(
        "Once",
        _ONCE,
        (site.arn("dynamodb", f"table/{once_table}"),),
        {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": [f"{function}{ONCE_SEPARATOR}*"]}},
    )


def sweeping(site: Site, once_table: str) -> Iterator[Statement]:
    """Allow the sweeper to find what is unpublished, whichever function left it, and to mark it published."""
    table = site.arn("dynamodb", f"table/{once_table}")
    yield Statement("Find", ("dynamodb:Query",), (f"{table}/index/{UNPUBLISHED}",))
    yield Statement("Mark", _ONCE, (table,))


def using_tables(site: Site, grants: Collection[Grant], names: Mapping[str, str]) -> Iterator[Statement]:
    """Allow the tables that a function uses; write includes read."""
    written = {grant.table for grant in grants if grant.access == "write"}
    read = {grant.table for grant in grants} - written
    for sid, actions, chosen in (("Read", _READ, read), ("Write", tuple(sorted(_READ + _WRITE)), written)):
        if chosen:
            yield Statement(
                sid, actions, tuple(site.arn("dynamodb", f"table/{names[table]}") for table in sorted(chosen))
            )


def reading_secrets(site: Site, names: Iterable[str], key: str | None) -> Iterator[Statement]:
    """Allow to read these parameters, and to decrypt with `key` where the account has its own."""
    arns = tuple(site.arn("ssm", f"parameter{name}") for name in sorted(names))
    if arns:
        yield Statement("Secrets", ("ssm:GetParameter",), arns)
        if key:
            yield Statement(
                "Decrypt",
                ("kms:Decrypt",),
                (key,),
                {"StringEquals": {"kms:EncryptionContext:PARAMETER_ARN": list(arns)}},
            )


def dead_lettering(queue_arn: str) -> Statement:
    """Allow to send to the function's own dead letter queue: Lambda does so, and the consumer itself."""
    return Statement("DeadLetter", ("sqs:SendMessage",), (queue_arn,))


def consuming(queue_arn: str) -> Statement:
    """Allow Lambda to poll the function's own queue."""
    return Statement("Consume", _CONSUME, (queue_arn,))


def remembers(function: AnyFunction) -> bool:
    """Whether the function has once-records: all have, but a route that only reads."""
    trigger = function.trigger
    writes = any(isinstance(use, Grant) and use.access == "write" for use in function.uses)
    return not (isinstance(trigger, Route) and trigger.method == "GET" and not function.publishes and not writes)


def linked_secrets(function: AnyFunction) -> tuple[str, ...]:
    """Return the names of the secrets that a function uses."""
    return tuple(sorted(use.name for use in function.uses if isinstance(use, Secret)))


def linked_tables(function: AnyFunction) -> tuple[Grant, ...]:
    """Return the tables that a function uses."""
    return tuple(use for use in function.uses if isinstance(use, Grant))
