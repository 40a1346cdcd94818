"""Plans of CloudWatch alarms and metrics."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from contradance.foreign import DEFAULT_BUS
from contradance.infra.config import AlarmThresholds
from contradance.infra.planning.naming import Names

Dimensions = tuple[tuple[str, str], ...]
Severity = Literal["page", "ticket"]
"""`page`: events are lost or requests fail now. `ticket`: nothing is lost, and someone should look within a day."""
PERIOD: Final = 60
"""Default period of a metric, in seconds."""
API_PERIOD: Final = 300
"""Period of the API's metrics, in seconds."""


@dataclass(frozen=True, slots=True)
class Metric:
    """One CloudWatch metric."""

    namespace: str
    name: str
    dimensions: Dimensions
    statistic: str = "Sum"
    """`Sum`, `Maximum`, or a percentile: `p95`."""
    period: int = PERIOD
    """In seconds."""


@dataclass(frozen=True, slots=True)
class AlarmPlan:
    """One alarm: on a metric that reaches a threshold, or on an expression over several metrics that is below it."""

    name: str
    purpose: str
    """Part of the resource name, after its owner's: `dead-letters`."""
    description: str
    metrics: tuple[Metric, ...]
    tags: Mapping[str, str]
    severity: Severity
    threshold: float = 1
    expression: str | None = None
    """Expression over the metrics `m0`, `m1`, ...; alarms below the threshold. None: alarms when the one metric reaches it."""
    periods: int = 1
    missing: Literal["notBreaching", "missing"] = "notBreaching"
    """`missing`: without data the state is unknown, which notifies too; but not before there were any data."""


def rule_metric(name: str, bus: str, rule: str) -> Metric:
    """Return the metric `name` of a rule in EventBridge; on the default bus it has no dimension for the bus."""
    own: Dimensions = () if bus == DEFAULT_BUS else (("EventBusName", bus),)
    return Metric("AWS/Events", name, (*own, ("RuleName", rule)))


def lambda_metric(name: str, function: str) -> Metric:
    """Return the metric `name` of a function, which has its Lambda name, in Lambda."""
    return Metric("AWS/Lambda", name, (("FunctionName", function),))


def waiting_metric(queue: str) -> Metric:
    """Return the metric of the number of messages in a queue, without hidden ones, by the queue's name."""
    return Metric("AWS/SQS", "ApproximateNumberOfMessagesVisible", (("QueueName", queue),), "Maximum")


def oldest_metric(queue: str) -> Metric:
    """Return the metric of the age of the oldest message in a queue, in seconds, by the queue's name."""
    return Metric("AWS/SQS", "ApproximateAgeOfOldestMessage", (("QueueName", queue),), "Maximum")


def api_alarms(names: Names, stack: str, thresholds: AlarmThresholds, tags: Mapping[str, str]) -> tuple[AlarmPlan, ...]:
    """Return the alarms of the HTTP API for errors and latency; the component adds the API's id to their metrics."""
    logs = f"contradance logs --stack {stack}"
    errors = AlarmPlan(
        names.name("alarm", "api", suffix="errors"),
        "errors",
        f"page: {thresholds.api_errors} requests or more failed within 5 minutes (status 5xx). Read the errors "
        f"with: {logs} --level ERROR",
        (Metric("AWS/ApiGateway", "5xx", (), period=API_PERIOD),),
        tags,
        "page",
        thresholds.api_errors,
    )
    latency = AlarmPlan(
        names.name("alarm", "api", suffix="latency"),
        "latency",
        f"ticket: one request in 20 took {thresholds.api_latency_ms} ms or longer, for 15 minutes. See which function is "
        f"slow on the stack's dashboard, and how long each of its attempts took with: {logs}",
        (Metric("AWS/ApiGateway", "Latency", (), "p95", API_PERIOD),),
        tags,
        "ticket",
        thresholds.api_latency_ms,
        periods=3,
    )
    return errors, latency


@dataclass(frozen=True, slots=True)
class Watch:
    """Plans the alarms of one function."""

    names: Names
    stack: str
    thresholds: AlarmThresholds
    function: str
    lambda_name: str
    tags: Mapping[str, str]
    identity: str
    """The function's deployed name, which names its resources."""

    def alarm(
        self, purpose: str, severity: Severity, description: str, *metrics: Metric, threshold: float = 1
    ) -> AlarmPlan:
        """Return an alarm of this function that begins when the metric reaches a threshold."""
        return AlarmPlan(
            self.names.name("alarm", *self.identity.split("."), suffix=purpose),
            purpose,
            f"{severity}: {self.function}: {description}",
            metrics,
            self.tags,
            severity,
            threshold,
        )

    def throttled(self) -> AlarmPlan:
        """Return the alarm, a `ticket`, for throttled invocations."""
        return self.alarm(
            "throttled",
            "ticket",
            "Lambda throttled an invocation; it tries again. Raise the function's concurrency, or the account's: "
            f"pulumi config set --stack {self.stack} --path 'functions[\"{self.function}\"].concurrency' NUMBER",
            lambda_metric("Throttles", self.lambda_name),
        )

    def dead_letters(self, queue: str) -> AlarmPlan:
        """Return the alarm, a `ticket`, for dead letters in the queue with this name."""
        return self.alarm(
            "dead-letters",
            "ticket",
            f"{queue} has dead letters. Read them with: {self._command('dlq list')}",
            waiting_metric(queue),
            threshold=self.thresholds.dead_letters,
        )

    def backlog(self, queue: str) -> AlarmPlan:
        """Return the alarm, a `ticket`, for messages that wait in a queue longer than the configured minutes."""
        minutes = self.thresholds.backlog_minutes
        return self.alarm(
            "backlog",
            "ticket",
            f"an event has waited {minutes} minutes in {queue}. See why it fails with: {self._command('logs')}",
            oldest_metric(queue),
            threshold=60 * minutes,
        )

    def dropped(self) -> AlarmPlan:
        """Return the alarm, a `page`, for events that Lambda accepted and then dropped."""
        return self.alarm(
            "dropped",
            "page",
            f"Lambda dropped an event without running the function. Replay it from the archive: {self._replay}",
            lambda_metric("AsyncEventsDropped", self.lambda_name),
        )

    def undelivered_lost(self, bus: str, rule: str) -> AlarmPlan:
        """Return the alarm, a `page`, for events that EventBridge could neither deliver nor dead-letter."""
        return self.alarm(
            "undelivered-lost",
            "page",
            "EventBridge could neither deliver an event nor put it on the dead letter queue. Find out why with: "
            f"contradance doctor --stack {self.stack}; then replay the event from the archive: {self._replay}",
            rule_metric("InvocationsFailedToBeSentToDlq", bus, rule),
        )

    def failed_lost(self) -> AlarmPlan:
        """Return the alarm, a `page`, for failed events that Lambda could not dead-letter."""
        return self.alarm(
            "failed-lost",
            "page",
            "Lambda could not put an event on the dead letter queue. Check the role's policy; then replay the event from "
            f"the archive: {self._replay}",
            lambda_metric("DestinationDeliveryFailures", self.lambda_name),
        )

    def behind(self) -> AlarmPlan:
        """Return the alarm, a `page`, for a sweeper without a successful run for the configured minutes.

        Without any data its state is unknown. That notifies too, except after the first deployment, where it is the state
        from the start.
        """
        minutes = self.thresholds.behind_minutes
        return AlarmPlan(
            self.names.name("alarm", *self.identity.split("."), suffix="behind"),
            "behind",
            f"page: {self.function}: no run has succeeded for {minutes} minutes. Events of crashed functions stay "
            f"unpublished. Find out why with: aws logs tail /aws/lambda/{self.lambda_name}",
            (lambda_metric("Invocations", self.lambda_name), lambda_metric("Errors", self.lambda_name)),
            self.tags,
            "page",
            expression="FILL(m0,0)-FILL(m1,0)",
            periods=minutes,
            missing="missing",
        )

    @property
    def _replay(self) -> str:
        """The command that replays a window of the archive to this function, with placeholders for the times."""
        return self._command("replay") + " --from MOMENT --to MOMENT"

    def _command(self, command: str) -> str:
        """Return a `contradance` command with the options for this stack and this function."""
        return f"contradance {command} --stack {self.stack} --subscriber {self.function}"
