"""Compares a plan with what the stack deployed last: refuses what would replace resources that hold data."""

from collections.abc import Iterator
from typing import Final

from contradance.deployed import Deployed
from contradance.errors import InvalidStack
from contradance.infra.planning.plan import StackPlan

_SHOWN: Final = 3
"""Most replaced resources that a message names."""


def check_succession(plan: StackPlan, before: Deployed) -> None:
    """Raise `InvalidStack` for an update that would replace what holds data, or that AWS would refuse half-way.

    Raises:
        InvalidStack: the message names every replaced resource and the fix.
    """
    found = [*_of_site(plan, before)] or [*_of_names(plan, before), *_of_kinds(plan, before), *_of_keys(plan, before)]
    if found:
        site = plan.setup.site
        raise InvalidStack(f"stack {site.stack!r} would lose data in {site.region}:\n" + "\n".join(found))


def _of_site(plan: StackPlan, before: Deployed) -> Iterator[str]:
    """Yield a problem for a stack with another name, application, region or account: all its resources have others."""
    site = plan.setup.site
    changed = (
        ("its choreography", before.app, site.app, f"name it {before.app!r} again"),
        ("the stack", before.stack or site.stack, site.stack, f"pulumi stack rename {before.stack}"),
        (
            "its region",
            before.region,
            site.region,
            f"pulumi config set --stack {site.stack} aws:region {before.region}",
        ),
        ("its account", before.account, site.account, f"use the AWS credentials of account {before.account}"),
    )
    for what, old, new, fix in changed:
        if old != new:
            yield (
                f"  {what} was {old!r} and is {new!r}. The names or places of all resources depend on it: tables, queues and "
                f"logs would be others, and empty.\n  Fix: {fix}; deploy anything else as a new stack."
            )


def _of_names(plan: StackPlan, before: Deployed) -> Iterator[str]:
    """Yield a problem for resources with data that keep their place in the program and get another name in AWS."""
    named = {each.function.identity: each.function.log_group for each in plan.workloads}
    tables = {table.identity: table.table_name for table in plan.tables}
    pairs = [
        (before.once_table or plan.setup.once_table, plan.setup.once_table),
        *((table.table_name, tables[name]) for name, table in before.tables.items() if name in tables),
        *(
            (function.log_group, named[function.deployed_name or name])
            for name, function in before.functions.items()
            if (function.deployed_name or name) in named
        ),
    ]
    replaced = [f"{old} by {new}" for old, new in pairs if old != new]
    if replaced:
        shown = ", ".join(replaced[:_SHOWN]) + (" and more" if len(replaced) > _SHOWN else "")
        yield (
            f"  {len(replaced)} of its resources would be replaced by empty ones with other names: {shown}.\n"
            "  Fix: deploy this as a new stack."
        )


def _of_kinds(plan: StackPlan, before: Deployed) -> Iterator[str]:
    """Yield a problem for each function of another kind: Pulumi creates its resources before it deletes the old ones."""
    kinds = {each.function.identity: each.function.kind for each in plan.workloads}
    for name, function in before.functions.items():
        identity = function.deployed_name or name
        kind = kinds.get(identity, function.kind)
        if kind != function.kind:
            yield (
                f"  {identity} was a {function.kind} and is a {kind}. Pulumi would create its resources before it deletes "
                "those of the same names, and with these its dead letters and logs.\n"
                "  Fix: give the handler another name, and no deployed_as=."
            )


def _of_keys(plan: StackPlan, before: Deployed) -> Iterator[str]:
    """Yield a problem for each table that gets or loses its sort key: AWS would replace it without its items."""
    now = {table.identity: table.sorted for table in plan.tables}
    for name, table in before.tables.items():
        if now.get(name, table.sorted) != table.sorted:
            yield (
                f"  table {name} {'loses' if table.sorted else 'gets'} its sort key. DynamoDB cannot change a key: it would "
                "be another, empty table.\n"
                "  Fix: declare a table with a new name, and copy the items with a function."
            )
