"""When somebody must look: alarms as data."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from contradance.infra.planning.naming import Names

Dimensions = tuple[tuple[str, str], ...]
PERIOD: Final = 60
"""Seconds that one look at a metric covers."""


@dataclass(frozen=True, slots=True)
class Metric:
    """One CloudWatch metric."""

    namespace: str
    name: str
    dimensions: Dimensions
    statistic: Literal["Sum", "Maximum"] = "Sum"


@dataclass(frozen=True, slots=True)
class AlarmPlan:
    """One alarm: that a metric is above zero, or what an expression over several says."""

    name: str
    purpose: str
    """Its place below its owner: `dead-letters`."""
    description: str
    metrics: tuple[Metric, ...]
    tags: Mapping[str, str]
    expression: str | None = None
    """Over the metrics `m0`, `m1`, ...: alarms where it is below 1. None: alarms where the one metric is 1 or more."""
    periods: int = 1
    missing: Literal["notBreaching", "breaching"] = "notBreaching"


def rule_metric(name: str, bus: str, rule: str) -> Metric:
    """Return one of EventBridge's metrics of a rule."""
    return Metric("AWS/Events", name, (("EventBusName", bus), ("RuleName", rule)))


def lambda_metric(name: str, function: str) -> Metric:
    """Return one of Lambda's metrics of a function."""
    return Metric("AWS/Lambda", name, (("FunctionName", function),))


def waiting_metric(queue: str) -> Metric:
    """Return how many messages wait in a queue."""
    return Metric("AWS/SQS", "ApproximateNumberOfMessagesVisible", (("QueueName", queue),), "Maximum")


@dataclass(frozen=True, slots=True)
class Watch:
    """Makes the alarms of one function."""

    names: Names
    function: str
    lambda_name: str
    tags: Mapping[str, str]

    def alarm(self, purpose: str, description: str, metric: Metric) -> AlarmPlan:
        """Return an alarm that `metric` is above zero."""
        return AlarmPlan(
            self.names.name("alarm", *self.function.split("."), suffix=purpose),
            purpose,
            f"{self.function}: {description}",
            (metric,),
            self.tags,
        )

    def throttled(self) -> AlarmPlan:
        """Return the alarm that there was no room for an invocation."""
        return self.alarm(
            "throttled",
            "Lambda had no room for an invocation. Raise the function's concurrency, or the account's.",
            lambda_metric("Throttles", self.lambda_name),
        )

    def dead_letters(self, queue: str) -> AlarmPlan:
        """Return the alarm that dead letters wait."""
        return self.alarm(
            "dead-letters",
            f"dead letters wait in {queue}. Read them with: contradance dlq list",
            waiting_metric(queue),
        )

    def dropped(self) -> AlarmPlan:
        """Return the alarm that Lambda lost an event that it had accepted."""
        return self.alarm(
            "dropped",
            "Lambda dropped an event without running the function. Replay it from the archive.",
            lambda_metric("AsyncEventsDropped", self.lambda_name),
        )

    def undelivered_lost(self, bus: str, rule: str) -> AlarmPlan:
        """Return the alarm that EventBridge could neither deliver an event nor dead-letter it."""
        return self.alarm(
            "undelivered-lost",
            "EventBridge could neither deliver an event nor put it on the dead letter queue. Check the queue's policy; "
            "replay the event from the archive.",
            rule_metric("InvocationsFailedToBeSentToDlq", bus, rule),
        )

    def failed_lost(self) -> AlarmPlan:
        """Return the alarm that Lambda could not dead-letter an event that the function had failed at."""
        return self.alarm(
            "failed-lost",
            "Lambda could not put an event on the dead letter queue. Check the role's policy; replay the event from the "
            "archive.",
            lambda_metric("DestinationDeliveryFailures", self.lambda_name),
        )

    def behind(self) -> AlarmPlan:
        """Return the alarm that the sweeper has not succeeded for five minutes."""
        return AlarmPlan(
            self.names.name("alarm", *self.function.split("."), suffix="behind"),
            "behind",
            f"{self.function}: no run has succeeded for five minutes. What crashed functions left is not published.",
            (lambda_metric("Invocations", self.lambda_name), lambda_metric("Errors", self.lambda_name)),
            self.tags,
            expression="FILL(m0,0)-FILL(m1,0)",
            periods=5,
            missing="breaching",
        )
