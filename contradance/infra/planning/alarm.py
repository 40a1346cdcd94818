"""Plans of CloudWatch alarms and metrics."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from contradance.foreign import DEFAULT_BUS
from contradance.infra.planning.naming import Names

Dimensions = tuple[tuple[str, str], ...]
PERIOD: Final = 60
"""Evaluation period of a metric, in seconds."""


@dataclass(frozen=True, slots=True)
class Metric:
    """One CloudWatch metric."""

    namespace: str
    name: str
    dimensions: Dimensions
    statistic: Literal["Sum", "Maximum"] = "Sum"


@dataclass(frozen=True, slots=True)
class AlarmPlan:
    """One alarm: on a metric above zero, or on an expression over several metrics."""

    name: str
    purpose: str
    """Part of the resource name, after its owner's: `dead-letters`."""
    description: str
    metrics: tuple[Metric, ...]
    tags: Mapping[str, str]
    expression: str | None = None
    """Expression over the metrics `m0`, `m1`, ...; alarms below 1. None: alarms when the one metric is 1 or more."""
    periods: int = 1
    missing: Literal["notBreaching", "breaching"] = "notBreaching"


def rule_metric(name: str, bus: str, rule: str) -> Metric:
    """Return a metric of a rule in EventBridge; on the default bus it has no dimension for the bus."""
    own: Dimensions = () if bus == DEFAULT_BUS else (("EventBusName", bus),)
    return Metric("AWS/Events", name, (*own, ("RuleName", rule)))


def lambda_metric(name: str, function: str) -> Metric:
    """Return a metric of a function in Lambda."""
    return Metric("AWS/Lambda", name, (("FunctionName", function),))


def waiting_metric(queue: str) -> Metric:
    """Return the metric of the number of messages in a queue."""
    return Metric("AWS/SQS", "ApproximateNumberOfMessagesVisible", (("QueueName", queue),), "Maximum")


@dataclass(frozen=True, slots=True)
class Watch:
    """Plans the alarms of one function."""

    names: Names
    function: str
    lambda_name: str
    tags: Mapping[str, str]

    def alarm(self, purpose: str, description: str, metric: Metric) -> AlarmPlan:
        """Return an alarm for `metric` above zero."""
        return AlarmPlan(
            self.names.name("alarm", *self.function.split("."), suffix=purpose),
            purpose,
            f"{self.function}: {description}",
            (metric,),
            self.tags,
        )

    def throttled(self) -> AlarmPlan:
        """Return the alarm for throttled invocations."""
        return self.alarm(
            "throttled",
            "Lambda throttled an invocation. Raise the function's concurrency, or the account's.",
            lambda_metric("Throttles", self.lambda_name),
        )

    def dead_letters(self, queue: str) -> AlarmPlan:
        """Return the alarm for dead letters in a queue."""
        return self.alarm(
            "dead-letters",
            f"{queue} has dead letters. Read them with: contradance dlq list",
            waiting_metric(queue),
        )

    def dropped(self) -> AlarmPlan:
        """Return the alarm for events that Lambda accepted and then dropped."""
        return self.alarm(
            "dropped",
            "Lambda dropped an event without running the function. Replay it from the archive.",
            lambda_metric("AsyncEventsDropped", self.lambda_name),
        )

    def undelivered_lost(self, bus: str, rule: str) -> AlarmPlan:
        """Return the alarm for events that EventBridge could neither deliver nor dead-letter."""
        return self.alarm(
            "undelivered-lost",
            "EventBridge could neither deliver an event nor put it on the dead letter queue. Check the queue's policy; "
            "replay the event from the archive.",
            rule_metric("InvocationsFailedToBeSentToDlq", bus, rule),
        )

    def failed_lost(self) -> AlarmPlan:
        """Return the alarm for failed events that Lambda could not dead-letter."""
        return self.alarm(
            "failed-lost",
            "Lambda could not put an event on the dead letter queue. Check the role's policy; replay the event from the "
            "archive.",
            lambda_metric("DestinationDeliveryFailures", self.lambda_name),
        )

    def behind(self) -> AlarmPlan:
        """Return the alarm for a sweeper without a successful run for five minutes."""
        return AlarmPlan(
            self.names.name("alarm", *self.function.split("."), suffix="behind"),
            "behind",
            f"{self.function}: no run has succeeded for five minutes. Events of crashed functions stay unpublished.",
            (lambda_metric("Invocations", self.lambda_name), lambda_metric("Errors", self.lambda_name)),
            self.tags,
            expression="FILL(m0,0)-FILL(m1,0)",
            periods=5,
            missing="breaching",
        )
