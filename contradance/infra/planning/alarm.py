"""Plans of CloudWatch alarms and metrics."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final, Literal

from contradance.foreign import DEFAULT_BUS
from contradance.infra.config import AlarmThresholds
from contradance.infra.planning.function import FunctionPlan, Setup
from contradance.infra.planning.naming import Names
from contradance.infra.planning.statement import canonical

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
    """Over the metrics `m0`, `m1`, ...; alarms below the threshold. None: alarms when the one metric reaches it."""
    periods: int = 1
    missing: Literal["notBreaching", "missing"] = "notBreaching"
    """`missing`: without data the state is unknown, which notifies too; but not before there were any data."""


def rule_metric(name: str, bus: str, rule: str) -> Metric:
    """Return EventBridge's metric `name` of a rule; on the default bus it has no dimension for the bus."""
    own: Dimensions = () if bus == DEFAULT_BUS else (("EventBusName", bus),)
    return Metric("AWS/Events", name, (*own, ("RuleName", rule)))


def lambda_metric(name: str, function: str) -> Metric:
    """Return Lambda's metric `name` of a function, given by its name in Lambda."""
    return Metric("AWS/Lambda", name, (("FunctionName", function),))


def waiting_metric(queue: str) -> Metric:
    """Return the metric of the number of visible messages in the queue with this name."""
    return Metric("AWS/SQS", "ApproximateNumberOfMessagesVisible", (("QueueName", queue),), "Maximum")


def oldest_metric(queue: str) -> Metric:
    """Return the metric of the age of the oldest message, in seconds, in the queue with this name."""
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

    setup: Setup
    function: FunctionPlan

    def alarm(
        self, purpose: str, severity: Severity, description: str, *metrics: Metric, threshold: float = 1
    ) -> AlarmPlan:
        """Return an alarm of this function that begins when the metric reaches a threshold."""
        return AlarmPlan(
            self.setup.name("alarm", self.function.identity, purpose),
            purpose,
            f"{severity}: {self.function.name}: {description}",
            metrics,
            self.function.tags,
            severity,
            threshold,
        )

    def throttled(self) -> AlarmPlan:
        """Return the alarm, a `ticket`, for throttled invocations."""
        is_answer = self.function.kind in ("route", "ingress")
        what = "a request, which failed" if is_answer else "an invocation; it tries again"
        raised = (
            "Raise the account's concurrency."
            if self.function.kind == "ingress"  # the key `functions` has the application's functions only
            else "Raise the function's concurrency, or the account's: pulumi config set --stack "
            f"{self._stack} --path 'functions[\"{self.function.name}\"].concurrency' NUMBER"
        )
        metric = lambda_metric("Throttles", self.function.lambda_name)
        return self.alarm("throttled", "ticket", f"Lambda throttled {what}. {raised}", metric)

    def dead_letters(self, queue: str) -> AlarmPlan:
        """Return the alarm, a `ticket`, for dead letters in the queue with this name."""
        return self.alarm(
            "dead-letters",
            "ticket",
            f"{queue} has dead letters. Read them with: {self._command('dlq list')}",
            waiting_metric(queue),
            threshold=self.setup.config.alarms.dead_letters,
        )

    def backlog(self, queue: str) -> AlarmPlan:
        """Return the alarm, a `ticket`, for messages that wait in a queue longer than the configured minutes."""
        minutes = self.setup.config.alarms.backlog_minutes
        return self.alarm(
            "backlog",
            "ticket",
            f"an event has waited {minutes} minutes in {queue}. See why it fails with: {self._command('logs')}",
            oldest_metric(queue),
            threshold=60 * minutes,
        )

    def dropped(self) -> AlarmPlan:
        """Return the alarm, a `page`, for events or scheduled runs that Lambda accepted and then dropped."""
        what = "a run" if self.function.kind == "schedule" else "an event"
        return self.alarm(
            "dropped",
            "page",
            f"Lambda dropped {what} without running the function; {self._repeat}",
            lambda_metric("AsyncEventsDropped", self.function.lambda_name),
        )

    def undelivered_lost(self, bus: str, rule: str) -> AlarmPlan:
        """Return the alarm, a `page`, for events that EventBridge could neither deliver by a rule nor dead-letter."""
        return self.alarm(
            "undelivered-lost",
            "page",
            "EventBridge could neither deliver an event nor put it on the dead letter queue. Find out why with: "
            f"contradance doctor --stack {self._stack}; then {self._repeat}",
            rule_metric("InvocationsFailedToBeSentToDlq", bus, rule),
        )

    def failed_lost(self) -> AlarmPlan:
        """Return the alarm, a `page`, for failed events or scheduled runs that Lambda could not dead-letter."""
        return self.alarm(
            "failed-lost",
            "page",
            f"Lambda could not put an event on the dead letter queue. Check the role's policy; then {self._repeat}",
            lambda_metric("DestinationDeliveryFailures", self.function.lambda_name),
        )

    def behind(self) -> AlarmPlan:
        """Return the alarm, a `page`, for a sweeper without a successful run for the configured minutes.

        Without any data its state is unknown. That notifies too, except after the first deployment, where it is the state
        from the start.
        """
        minutes, name = self.setup.config.alarms.behind_minutes, self.function.lambda_name
        alarm = self.alarm(
            "behind",
            "page",
            f"no run has succeeded for {minutes} minutes. Events of crashed functions stay unpublished. Find out why "
            f"with: aws logs tail /aws/lambda/{name}",
            lambda_metric("Invocations", name),
            lambda_metric("Errors", name),
        )
        return replace(alarm, expression="FILL(m0,0)-FILL(m1,0)", periods=minutes, missing="missing")

    @property
    def _stack(self) -> str:
        """Name of the stack."""
        return self.setup.site.stack

    @property
    def _repeat(self) -> str:
        """How to repeat what was lost, with a command: the replay of an event, the invocation of a scheduled run."""
        if self.function.kind != "schedule":
            return f"replay the event from the archive: {self._command('replay')} --from MOMENT --to MOMENT"
        group, name = self.setup.names.name("schedule group"), self.setup.name("schedule", self.function.identity)
        event = {"schedule": self.setup.site.arn("scheduler", f"schedule/{group}/{name}"), "scheduled_time": "MOMENT"}
        return (
            f"repeat the run: aws lambda invoke --function-name {self.function.lambda_name} --invocation-type Event "
            f"--cli-binary-format raw-in-base64-out --payload '{canonical(event)}' /dev/null"
        )

    def _command(self, command: str) -> str:
        """Return a `contradance` command with the options for this stack and this function."""
        return f"contradance {command} --stack {self._stack} --subscriber {self.function.name}"
