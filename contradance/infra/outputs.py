"""The outputs of a stack: `deployed`, which the `contradance` commands read, and a few of its values for people."""

from collections.abc import Mapping

import pulumi
from pydantic.alias_generators import to_camel

from contradance.deployed import OUTPUT
from contradance.infra.components.application import ApplicationComponent
from contradance.infra.planning.plan import StackPlan, TablePlan, Workload
from contradance.infra.planning.trigger import SubscriberPlan

StackOutputs = Mapping[str, object]


def outputs(
    plan: StackPlan, application: ApplicationComponent, fingerprint: str, contracts: StackOutputs
) -> StackOutputs:
    """Return the stack's outputs; `contracts` are its frozen schemas by identity."""
    site, bus = plan.setup.site, plan.setup.bus
    archive_arn = site.arn("events", f"archive/{plan.archive}") if plan.archive else None
    api_url = application.api.url if application.api else None
    deployed: dict[str, object] = {
        "app": site.app,
        "account": site.account,
        "region": site.region,
        "bus_name": bus.name,
        "bus_arn": bus.arn,
        "archive_name": plan.archive,
        "archive_arn": archive_arn,
        "api_url": api_url,
        "fingerprint": fingerprint,
        "alarms": [alarm.name for alarm in plan.api.alarms] if plan.api else [],
    }
    tables = {table.identity: _table_output(table) for table in plan.tables}
    functions = {each.function.name: _function_output(each, application.urls) for each in plan.workloads}
    return {
        OUTPUT: {**_camel_case_names(deployed), "functions": functions, "tables": tables, "contracts": contracts},
        "api_url": api_url,
        "archive": plan.archive,
        "bus_arn": bus.arn,
        "fingerprint": fingerprint,
    }


def _function_output(workload: Workload, urls: Mapping[str, pulumi.Output[str]]) -> StackOutputs:
    """Return the names of a function's resources."""
    plan = workload.function
    names: dict[str, object] = {
        "kind": plan.kind,
        "function_name": plan.lambda_name,
        "deployed_name": plan.identity if plan.identity != plan.name else "",
        "log_group": plan.log_group,
        "dead_letter_queue_url": urls.get(f"{plan.identity}.dead-letters"),
        "queue_url": urls.get(plan.identity),
        "alarms": [alarm.name for alarm in workload.alarms],
    }
    if isinstance(workload, SubscriberPlan):
        names |= {"rule_name": workload.rule.name, "rule_arn": workload.rule.arn}
    return _camel_case_names(names)


def _table_output(table: TablePlan) -> StackOutputs:
    return _camel_case_names({"table_name": table.table_name, "sorted": table.sorted})


def _camel_case_names(values: StackOutputs) -> StackOutputs:
    """Return `values` with the names that `contradance.deployed` reads."""
    return {to_camel(name): value for name, value in values.items()}
