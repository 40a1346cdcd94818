"""A subscriber: a rule with one target, a function, a dead letter queue, and optionally a queue before the function."""

from typing import Final

import pulumi
import pulumi_aws as aws

from contradance.infra.components.function import FunctionComponent
from contradance.infra.components.retention import retainable
from contradance.infra.components.shared_resources import DAY, SharedResources, create_dead_letter_queue
from contradance.infra.planning.queue import QUEUE_DAYS, QueuePlan
from contradance.infra.planning.trigger import SubscriberPlan
from contradance.retry import RULE_RETRIES
from contradance.runtime.aws import variable_names

_EVENTS: Final = "events.amazonaws.com"
MOST_POLLERS: Final = 1_000
"""Largest value that Lambda accepts for `MaximumConcurrency` of a queue. Lambda API, ScalingConfig."""


class SubscriberComponent(pulumi.ComponentResource):
    """The resources of one function that consumes events.

    There are two layers of retries. EventBridge retries when it cannot reach the target. When the function fails, Lambda
    retries (direct delivery), or SQS (delivery by queue). All layers send failed events to the one dead letter queue, and
    are there in both delivery modes: a change of `delivery` moves the rule's target, and no event on its way is lost.
    """

    def __init__(
        self, plan: SubscriberPlan, bus: pulumi.Input[str], shared: SharedResources, *, parent: pulumi.Resource
    ) -> None:
        self._plan, self.name = plan, plan.function.identity
        super().__init__("contradance:aws:Subscriber", self.name, None, pulumi.ResourceOptions(parent=parent))
        self._mine = pulumi.ResourceOptions(parent=self)
        self.dead_letters, ready = create_dead_letter_queue(
            self.name, plan.dead_letters, plan.function.tags, retain=shared.retain, parent=self
        )
        queue, ready = self._create_queue(ready, retain=shared.retain)
        self.function = shared.create_function(
            plan.function, {variable_names.DEAD_LETTERS: self.dead_letters.url}, needs=ready, parent=self
        )
        rule = self._create_rule(bus)
        self.rule_arn: pulumi.Output[str] = rule.arn
        self.queue_url = queue.url if queue else None
        ready += self._create_direct_delivery(self.function, rule)
        if plan.queue and queue:
            ready.append(self._create_polling(plan.queue, queue))
        target = queue.arn if queue and plan.queued else self.function.arn
        shared.targets[plan.function.name] = self._create_target(bus, rule, target, ready)
        shared.create_alarms(plan.alarms, self.name, parent=self)
        self.register_outputs({"ruleArn": rule.arn, "deadLetterQueueUrl": self.dead_letters.url})

    def _create_rule(self, bus: pulumi.Input[str]) -> aws.cloudwatch.EventRule:
        """Create and return the rule, with the plan's pattern, on the bus with this name.

        It depends on the function: code that reads a new event comes before the pattern that matches it.
        """
        rule = self._plan.rule
        return aws.cloudwatch.EventRule(
            self.name,
            name=rule.name,
            event_bus_name=bus,
            event_pattern=rule.pattern,
            state="DISABLED" if rule.paused else "ENABLED",
            description=rule.description,
            tags=self._plan.function.tags,
            opts=pulumi.ResourceOptions(parent=self, depends_on=[self.function.function]),
        )

    def _create_target(
        self,
        bus: pulumi.Input[str],
        rule: aws.cloudwatch.EventRule,
        arn: pulumi.Input[str],
        ready: list[pulumi.Resource],
    ) -> aws.cloudwatch.EventTarget:
        """Create and return the rule's target `arn`, last: no event arrives before the other resources can handle it.

        Both fields of the retry policy are set, because the provider sends 0 for a missing one.
        """
        return aws.cloudwatch.EventTarget(
            self.name,
            rule=rule.name,
            event_bus_name=bus,
            target_id="function",
            arn=arn,
            retry_policy={
                "maximum_retry_attempts": RULE_RETRIES,
                "maximum_event_age_in_seconds": self._plan.rule.target_age,
            },
            dead_letter_config={"arn": self.dead_letters.arn},
            opts=pulumi.ResourceOptions(parent=self, depends_on=ready),
        )

    def _create_direct_delivery(
        self, function: FunctionComponent, rule: aws.cloudwatch.EventRule
    ) -> list[pulumi.Resource]:
        """Let the rule invoke the function, and let Lambda dead-letter failed events; return both resources."""
        permission = function.permit(_EVENTS, rule.arn, parent=self)
        return [permission, function.retry(self._plan.retry, self.dead_letters.arn, parent=self)]

    def _create_queue(
        self, ready: list[pulumi.Resource], *, retain: bool
    ) -> tuple[aws.sqs.Queue | None, list[pulumi.Resource]]:
        """Create the queue, if planned, and the policy that lets the rule send to it, after `ready`; return both and all.

        The function depends on them: Lambda refuses a function whose timeout is longer than its queue's visibility timeout.
        """
        plan = self._plan.queue
        if plan is None:
            return None, ready
        queue = aws.sqs.Queue(
            self.name,
            name=plan.name,
            visibility_timeout_seconds=plan.visibility,
            message_retention_seconds=QUEUE_DAYS * DAY,
            redrive_policy=plan.redrive_policy,
            sqs_managed_sse_enabled=True,
            tags=self._plan.function.tags,
            opts=retainable(self, retain=retain, depends_on=ready),
        )
        policy = aws.sqs.QueuePolicy(self.name, queue_url=queue.url, policy=plan.policy, opts=self._mine)
        return queue, [*ready, queue, policy]

    def _create_polling(self, plan: QueuePlan, queue: aws.sqs.Queue) -> aws.lambda_.EventSourceMapping:
        """Let Lambda poll the queue, with at most the function's concurrency; return the event source mapping."""
        concurrency = self._plan.function.concurrency
        return aws.lambda_.EventSourceMapping(
            self.name,
            function_name=self.function.name,
            event_source_arn=queue.arn,
            batch_size=plan.batch,
            enabled=not self._plan.function.stopped,
            function_response_types=["ReportBatchItemFailures"],
            scaling_config={"maximum_concurrency": min(concurrency, MOST_POLLERS)} if concurrency else None,
            tags=self._plan.function.tags,
            opts=pulumi.ResourceOptions(parent=self, depends_on=[self.function.policy]),
        )
