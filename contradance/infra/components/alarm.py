"""CloudWatch alarms."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_aws as aws

from contradance.infra.planning.alarm import AlarmPlan, Metric


@dataclass(frozen=True)
class Topics:
    """ARNs of the topics for alarms, by severity."""

    page: tuple[pulumi.Input[str], ...]
    ticket: tuple[pulumi.Input[str], ...]


def create_alarm(
    plan: AlarmPlan,
    owner: str,
    topics: Topics,
    *,
    dimensions: Mapping[str, pulumi.Input[str]] | None = None,
    parent: pulumi.Resource,
) -> aws.cloudwatch.MetricAlarm:
    """Create and return a CloudWatch alarm, which notifies the topics of its severity when it begins and ends.

    Args:
        plan: the alarm.
        owner: the resource name of what it watches.
        topics: the topics of each severity.
        dimensions: dimensions of its metric that only AWS knows.
        parent: its parent.
    """
    notified = list(topics.page if plan.severity == "page" else topics.ticket)
    return aws.cloudwatch.MetricAlarm(
        f"{owner}.{plan.purpose}",
        aws.cloudwatch.MetricAlarmArgs(
            name=plan.name,
            alarm_description=plan.description,
            comparison_operator="LessThanThreshold" if plan.expression else "GreaterThanOrEqualToThreshold",
            threshold=plan.threshold,
            evaluation_periods=plan.periods,
            treat_missing_data=plan.missing,
            alarm_actions=notified,
            ok_actions=notified,
            insufficient_data_actions=notified if plan.missing == "missing" else None,
            tags={**plan.tags, "severity": plan.severity},
            **(_expression_inputs(plan) if plan.expression else _metric_inputs(plan.metrics[0], dimensions or {})),
        ),
        opts=pulumi.ResourceOptions(parent=parent),
    )


def _metric_inputs(metric: Metric, dimensions: Mapping[str, pulumi.Input[str]]) -> dict[str, Any]:
    """Return the inputs of an alarm on one metric, with more dimensions; a percentile is an `extended_statistic`."""
    statistic = "extended_statistic" if metric.statistic.startswith("p") else "statistic"
    return {
        "namespace": metric.namespace,
        "metric_name": metric.name,
        "dimensions": {**dict(metric.dimensions), **dimensions},
        statistic: metric.statistic,
        "period": metric.period,
    }


def _expression_inputs(plan: AlarmPlan) -> dict[str, Any]:
    """Return the inputs of an alarm on an expression over the plan's metrics."""
    queries: list[Any] = [_query(position, metric) for position, metric in enumerate(plan.metrics)]
    alarm = {"id": "alarm", "expression": plan.expression, "label": plan.purpose, "return_data": True}
    return {"metric_queries": [*queries, alarm]}


def _query(position: int, metric: Metric) -> aws.cloudwatch.MetricAlarmMetricQueryArgsDict:
    """Return one metric as the query `m{position}` of an alarm on an expression."""
    return {
        "id": f"m{position}",
        "metric": {
            "namespace": metric.namespace,
            "metric_name": metric.name,
            "dimensions": dict(metric.dimensions),
            "period": metric.period,
            "stat": metric.statistic,
        },
        "return_data": False,
    }
