"""Dead letter queues."""

from collections.abc import Mapping

import pulumi
import pulumi_aws as aws

from contradance.infra.planning.trigger import DEAD_LETTER_DAYS, DeadLetterPlan

DAY = 86_400
"""In seconds."""


def create_dead_letters(
    name: str, plan: DeadLetterPlan, tags: Mapping[str, str], *, parent: pulumi.Resource
) -> tuple[aws.sqs.Queue, list[pulumi.Resource]]:
    """Create a dead letter queue; return it, and the resources that its users depend on."""
    mine = pulumi.ResourceOptions(parent=parent)
    queue = aws.sqs.Queue(
        f"{name}.dead-letters",
        name=plan.name,
        message_retention_seconds=DEAD_LETTER_DAYS * DAY,
        redrive_allow_policy=plan.redrive_allow_policy,
        sqs_managed_sse_enabled=True,
        tags=tags,
        opts=mine,
    )
    if plan.policy is None:
        return queue, [queue]
    policy = aws.sqs.QueuePolicy(f"{name}.dead-letters", queue_url=queue.url, policy=plan.policy, opts=mine)
    return queue, [queue, policy]
