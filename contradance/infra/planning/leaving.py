"""What an update deletes, or leaves in AWS without the stack, that holds data."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

from contradance.deployed import INGRESS, Deployed, DeployedFunction
from contradance.infra.planning.plan import StackPlan
from contradance.infra.planning.trigger import SubscriberPlan

DataKind = Literal["dead letters", "queue", "log group", "table"]
TYPES: Final[dict[DataKind, str]] = {
    "dead letters": "aws:sqs/queue:Queue",
    "queue": "aws:sqs/queue:Queue",
    "log group": "aws:cloudwatch/logGroup:LogGroup",
    "table": "aws:dynamodb/table:Table",
}
"""Pulumi's type of each."""
LeavingCause = Literal["declaration", "services", "ingress"]
"""What no longer has a function or a table: the code, or the stack's key `services` or `ingress`."""
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

    @property
    def import_command(self) -> str:
        """The `pulumi import` command that brings the resource back into the stack."""
        return f"pulumi import {TYPES[self.kind]} {self.logical_name} {self.id}"

    def __str__(self) -> str:
        name = self.id.rpartition("/")[2] if self.id.startswith("https:") else self.id
        return f"{self.kind} {name} ({_HELD[self.kind]})"


def leaving(plan: StackPlan, before: Deployed) -> tuple[Leaving, ...]:
    """Return the deployed resources with data that are not in the plan: those of functions, then tables."""
    return (*_of_functions(plan, before), *_of_tables(plan, before))


def describe_leaving(plan: StackPlan, before: Deployed) -> Iterator[str]:
    """Yield a warning for each function and table that leaves: what is deleted or stays, and how to have it back.

    The last update decides: Pulumi stores with each resource whether its deletion retains it in AWS.
    """
    stack, retained = plan.setup.site.stack, bool(before.protect)
    items = leaving(plan, before)
    for owner in dict.fromkeys(item.owner for item in items):
        mine = [item for item in items if item.owner == owner]
        what = "; ".join(map(str, mine))
        removed = any(item.kind in ("dead letters", "table", "log group") for item in mine)
        cause = _cause(plan, owner)
        subject = f"{owner} is no longer {_MISSING[cause] if removed else 'behind its queue'}"
        if retained:
            commands = "\n".join(
                f"    {item.import_command} --stack {stack} --protect=false --generate-code=false --yes"
                for item in mine
            )
            yield (
                f"{subject}. These stay in AWS, outside of this stack: {what}.\n"
                f"  To have them back, {_AGAIN[cause]}, and before the update run:\n{commands}"
            )
        else:
            fix = (
                f"{_keep(owner, cause)} To retain them: without this change, pulumi config set --stack {stack} protect true; "
                "pulumi up."
                if removed
                else "Write draining=True until contradance doctor reports that the queue is empty."
            )
            yield f"{subject}. This update deletes what it holds: {what}.\n  {fix}"


def _cause(plan: StackPlan, owner: str) -> LeavingCause:
    """Return what no longer has the function or table with this deployed name."""
    services = plan.setup.config.services
    if owner == INGRESS:
        return "ingress"
    return "services" if services is not None and owner.partition(".")[0] not in services else "declaration"


def _keep(owner: str, cause: LeavingCause) -> str:
    """Return the sentence that names what keeps a function or a table, by what no longer has it."""
    if cause == "ingress":
        return "To keep it, name the events that it publishes in the key ingress."
    if cause == "services":
        service = owner.partition(".")[0]
        return (
            f"To keep it, add {service} to the key services, or move it to another stack: contradance move {service}."
        )
    return f"If you renamed it, or moved it to another service, write deployed_as={owner!r}: it keeps them."


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
