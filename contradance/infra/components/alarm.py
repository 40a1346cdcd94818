"""CloudWatch alarms."""

from collections.abc import Mapping
from dataclasses import dataclass

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
    """Create an alarm that notifies the topics of its severity when it starts and when it ends.

    Args:
        plan: the alarm.
        owner: the resource name of what it watches.
        topics: the topics of each severity.
        dimensions: dimensions of its metric that only AWS knows.
        parent: its parent.
    """
    one = plan.metrics[0] if plan.expression is None else None
    told = list(topics.page if plan.severity == "page" else topics.ticket)
    percentile = one is not None and one.statistic.startswith("p")
    return aws.cloudwatch.MetricAlarm(
        f"{owner}.{plan.purpose}",
        name=plan.name,
        alarm_description=plan.description,
        comparison_operator="LessThanThreshold" if plan.expression else "GreaterThanOrEqualToThreshold",
        threshold=plan.threshold,
        evaluation_periods=plan.periods,
        treat_missing_data=plan.missing,
        namespace=one.namespace if one else None,
        metric_name=one.name if one else None,
        dimensions={**dict(one.dimensions), **(dimensions or {})} if one else None,
        statistic=one.statistic if one and not percentile else None,
        extended_statistic=one.statistic if one and percentile else None,
        period=one.period if one else None,
        metric_queries=None
        if one
        else [
            *(_query(position, metric) for position, metric in enumerate(plan.metrics)),
            {"id": "alarm", "expression": plan.expression, "label": plan.purpose, "return_data": True},
        ],
        alarm_actions=told,
        ok_actions=told,
        insufficient_data_actions=told if plan.missing == "missing" else None,
        tags={**plan.tags, "severity": plan.severity},
        opts=pulumi.ResourceOptions(parent=parent),
    )


def _query(position: int, metric: Metric) -> aws.cloudwatch.MetricAlarmMetricQueryArgsDict:
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
