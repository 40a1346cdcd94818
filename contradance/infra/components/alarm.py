"""CloudWatch alarms."""

from collections.abc import Sequence

import pulumi
import pulumi_aws as aws

from contradance.infra.planning.alarm import PERIOD, AlarmPlan, Metric


def create_alarm(
    plan: AlarmPlan, owner: str, topics: Sequence[pulumi.Input[str]], *, parent: pulumi.Resource
) -> aws.cloudwatch.MetricAlarm:
    """Create an alarm that notifies these topics when it starts and when it ends."""
    one = plan.metrics[0] if plan.expression is None else None
    return aws.cloudwatch.MetricAlarm(
        f"{owner}.{plan.purpose}",
        name=plan.name,
        alarm_description=plan.description,
        comparison_operator="LessThanThreshold" if plan.expression else "GreaterThanOrEqualToThreshold",
        threshold=1,
        evaluation_periods=plan.periods,
        treat_missing_data=plan.missing,
        namespace=one.namespace if one else None,
        metric_name=one.name if one else None,
        dimensions=dict(one.dimensions) if one else None,
        statistic=one.statistic if one else None,
        period=PERIOD if one else None,
        metric_queries=None
        if one
        else [
            *(_query(position, metric) for position, metric in enumerate(plan.metrics)),
            {"id": "alarm", "expression": plan.expression, "label": plan.purpose, "return_data": True},
        ],
        alarm_actions=list(topics),
        ok_actions=list(topics),
        tags=plan.tags,
        opts=pulumi.ResourceOptions(parent=parent),
    )


def _query(position: int, metric: Metric) -> aws.cloudwatch.MetricAlarmMetricQueryArgsDict:
    return {
        "id": f"m{position}",
        "metric": {
            "namespace": metric.namespace,
            "metric_name": metric.name,
            "dimensions": dict(metric.dimensions),
            "period": PERIOD,
            "stat": metric.statistic,
        },
        "return_data": False,
    }
