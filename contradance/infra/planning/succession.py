"""Compares a plan with what the stack deployed last: what an update deletes or retains that holds data."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final, Literal

from contradance.deployed import INGRESS, Deployed, DeployedFunction
from contradance.errors import InvalidStack
from contradance.infra.planning.plan import StackPlan
from contradance.infra.planning.trigger import SubscriberPlan

LeavingCause = Literal["declaration", "services", "ingress"]
"""What no longer has a function or a table: the code, or the stack's key `services` or `ingress`."""
DataKind = Literal["dead letters", "queue", "log group", "table"]
TYPES: Final[dict[DataKind, str]] = {
    "dead letters": "aws:sqs/queue:Queue",
    "queue": "aws:sqs/queue:Queue",
    "log group": "aws:cloudwatch/logGroup:LogGroup",
    "table": "aws:dynamodb/table:Table",
}
"""Pulumi's type of each."""
_MISSING: Final[dict[LeavingCause, str]] = {
    "declaration": "declared",
    "services": "in the stack's services",
    "ingress": "configured",
}
_AGAIN: Final[dict[LeavingCause, str]] = {
    "declaration": "declare it again",
    "services": "add its service to the key services again",
    "ingress": "configure it again",
}
_HELD: Final[dict[DataKind, str]] = {
    "dead letters": "events that were not consumed",
    "queue": "events that wait to be consumed",
    "log group": "logs and journal",
    "table": "items",
}


@dataclass(frozen=True, slots=True)
class Leaving:
    """One resource that holds data and that the program no longer declares."""

    owner: str
    """Deployed name of its function or table."""
    kind: DataKind
    logical_name: str
    id: str
    """Its id in AWS: a queue's URL, or a name."""
    by: LeavingCause = "declaration"

    @property
    def import_command(self) -> str:
        """The `pulumi import` command that brings the resource back into the stack."""
        return f"pulumi import {TYPES[self.kind]} {self.logical_name} {self.id}"

    def __str__(self) -> str:
        name = self.id.rpartition("/")[2] if self.id.startswith("https:") else self.id
        return f"{self.kind} {name} ({_HELD[self.kind]})"


def leaving(plan: StackPlan, before: Deployed) -> tuple[Leaving, ...]:
    """Return the deployed resources with data that are not in the plan: those of functions, then tables."""
    found = (*_of_functions(plan, before), *_of_tables(plan, before))
    return tuple(replace(item, by=_cause(item.owner, plan)) for item in found)


def _cause(owner: str, plan: StackPlan) -> LeavingCause:
    """Return what no longer has the function or table with this deployed name."""
    services = plan.setup.config.services
    if owner == INGRESS:
        return "ingress"
    return "services" if services is not None and owner.partition(".")[0] not in services else "declaration"


def check_succession(plan: StackPlan, before: Deployed) -> None:
    """Raise `InvalidStack` for a table that gets or loses its sort key: AWS would replace it without its items.

    Raises:
        InvalidStack: the message names each table.
    """
    now = {table.identity: table.sorted for table in plan.tables}
    found = [
        f"  table {name} {'loses' if table.sorted else 'gets'} its sort key. DynamoDB cannot change a key: it would be another, "
        "empty table.\n  Fix: declare a table with a new name, and copy the items with a function."
        for name, table in before.tables.items()
        if name in now and now[name] != table.sorted
    ]
    if found:
        site = plan.setup.site
        raise InvalidStack(f"stack {site.stack!r} would lose data in {site.region}:\n" + "\n".join(found))


def describe_leaving(items: tuple[Leaving, ...], stack: str, *, retained: bool) -> Iterator[str]:
    """Yield a warning for each function or table with data that leaves the stack; without `retained` it is deleted."""
    for owner in dict.fromkeys(item.owner for item in items):
        mine = [item for item in items if item.owner == owner]
        what = "; ".join(map(str, mine))
        removed = any(item.kind in ("dead letters", "table", "log group") for item in mine)
        by = mine[0].by
        subject = f"{owner} is no longer {_MISSING[by] if removed else 'behind its queue'}"
        if retained:
            commands = "\n".join(
                f"    {item.import_command} --stack {stack} --protect=false --generate-code=false --yes"
                for item in mine
            )
            yield (
                f"{subject}. These stay in AWS, outside of this stack: {what}.\n"
                f"  To have them back, {_AGAIN[by]}, and before the update run:\n{commands}"
            )
        else:
            fix = (
                f"{_keep(owner, by)} To retain them: pulumi config set --stack {stack} protect true, and pulumi up before this "
                "change."
                if removed
                else "Write draining=True until contradance doctor reports that the queue is empty."
            )
            yield f"{subject}. This update deletes what it holds: {what}.\n  {fix}"


def _of_functions(plan: StackPlan, before: Deployed) -> Iterator[Leaving]:
    """Yield what holds data of functions that leave the stack, and the queues that functions no longer have."""
    workloads = {each.function.identity: each for each in plan.workloads}
    for name, function in before.functions.items():
        identity = function.deployed_name or name
        now = workloads.get(identity)
        if now is None:
            yield from _removed(identity, function)
        elif function.queue_url and not (isinstance(now, SubscriberPlan) and now.queue):
            yield Leaving(identity, "queue", identity, function.queue_url)


def _removed(identity: str, function: DeployedFunction) -> Iterator[Leaving]:
    """Yield what holds data of a function that leaves: dead letter queue and queue, if it has them, and log group."""
    if function.dead_letter_queue_url:
        yield Leaving(identity, "dead letters", f"{identity}.dead-letters", function.dead_letter_queue_url)
    if function.queue_url:
        yield Leaving(identity, "queue", identity, function.queue_url)
    yield Leaving(identity, "log group", identity, function.log_group)


def _of_tables(plan: StackPlan, before: Deployed) -> Iterator[Leaving]:
    """Yield each deployed table that the plan does not have."""
    now = {table.identity for table in plan.tables}
    for name, table in before.tables.items():
        if name not in now:
            yield Leaving(name, "table", name, table.table_name)


def _keep(owner: str, by: LeavingCause) -> str:
    """Return the sentence that names what keeps a function or a table, by what no longer has it."""
    if by == "ingress":
        return "To keep it, name the events that it publishes in the key ingress."
    service, _, name = owner.partition(".")
    if by == "services":
        return f"To keep it, add {service} to the key services, unless the service has moved to another stack."
    return f"If you renamed it, write deployed_as={name!r}: it keeps them."
