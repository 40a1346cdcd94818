"""The outputs of a stack: `deployed`, which the `contradance` commands read, and a few of its values for people."""

from collections.abc import Mapping

import pulumi
from pydantic.alias_generators import to_camel

from contradance.deployed import OUTPUT
from contradance.infra.components.application import ApplicationComponent
from contradance.infra.planning.buses import ForeignBusPlan
from contradance.infra.planning.plan import StackPlan, Workload
from contradance.infra.planning.replay_policy import replay_policy
from contradance.infra.planning.table import TablePlan
from contradance.infra.planning.trigger import SchedulePlan, SubscriberPlan

StackOutputs = Mapping[str, object]


def outputs(
    plan: StackPlan, application: ApplicationComponent, fingerprint: str, contracts: StackOutputs
) -> StackOutputs:
    """Return the outputs: `deployed`, with the frozen schemas `contracts` by identity, and five values for people."""
    site, bus = plan.setup.site, plan.setup.bus
    archive_arn = site.arn("events", f"archive/{plan.archive}") if plan.archive else bus.archive_arn
    archive = archive_arn.rpartition("/")[2] if archive_arn else None
    api_url = application.api.url if application.api else None
    deployed: dict[str, object] = {
        "app": site.app,
        "stack": site.stack,
        "account": site.account,
        "region": site.region,
        "bus_name": bus.name,
        "bus_arn": bus.arn,
        "archive_name": archive,
        "archive_arn": archive_arn,
        "archive_days": plan.setup.config.archive_days,
        "log_days": plan.setup.config.log_days,
        "protect": plan.setup.config.protect,
        "point_in_time_recovery": plan.setup.config.point_in_time_recovery,
        "once_table": plan.setup.once_table,
        "once_days": plan.once_days,
        "api_url": api_url,
        "fingerprint": fingerprint,
        "alarms": [alarm.name for alarm in plan.api.alarms] if plan.api else [],
        "buses": {name: _bus_output(other) for name, other in plan.setup.buses.items()},
    }
    tables = {table.identity: _table_output(table) for table in plan.tables}
    functions = {each.function.name: _function_output(each, application.urls) for each in plan.workloads}
    return {
        OUTPUT: {**_camel_case_names(deployed), "functions": functions, "tables": tables, "contracts": contracts},
        "api_url": api_url,
        "archive": archive,
        "bus_arn": bus.arn,
        "fingerprint": fingerprint,
        "replay_policy": replay_policy(site, bus.name, plan.archive) if plan.archive else None,
    }


def _bus_output(other: ForeignBusPlan) -> StackOutputs:
    """Return name and ARN of a bus of events of others, and of its archive: both None without one."""
    archive = other.archive
    names = {
        "name": other.bus.name,
        "arn": other.bus.arn,
        "archive_name": archive.name if archive else None,
        "archive_arn": archive.arn if archive else None,
        "archive_days": archive.days if archive else None,
    }
    return _camel_case_names(names)


def _function_output(workload: Workload, urls: Mapping[str, pulumi.Output[str]]) -> StackOutputs:
    """Return names, queue URLs and alarms of a function's resources; `urls` has them as `ApplicationComponent.urls`."""
    plan = workload.function
    names: dict[str, object] = {
        "kind": plan.kind,
        "function_name": plan.lambda_name,
        "deployed_name": plan.identity if plan.identity != plan.name else "",
        "log_group": plan.log_group,
        "stopped": plan.stopped,
        "dead_letter_queue_url": urls.get(f"{plan.identity}.dead-letters"),
        "queue_url": urls.get(plan.identity),
        "alarms": [alarm.name for alarm in workload.alarms],
    }
    if isinstance(workload, SubscriberPlan):
        rule = workload.rule
        names |= {"rule_name": rule.name, "rule_arn": rule.arn, "bus": rule.declared_bus, "paused": rule.paused}
    if isinstance(workload, SchedulePlan):
        names |= {"paused": workload.paused, "schedule": workload.declaration}
    return _camel_case_names(names)


def _table_output(table: TablePlan) -> StackOutputs:
    """Return a table's name in DynamoDB, whether it has a sort key, and the names of its key fields."""
    return _camel_case_names({"table_name": table.table_name, "sorted": table.sorted, "key": list(table.key)})


def _camel_case_names(values: StackOutputs) -> StackOutputs:
    """Return `values` with their names in camel case, as `contradance.deployed` reads them."""
    return {to_camel(name): value for name, value in values.items()}
