"""Plans of SQS queues: dead letter queues, and queues between a rule and its function."""

from dataclasses import dataclass
from typing import Final

from contradance.infra.planning.function import Setup
from contradance.infra.planning.statement import Statement, canonical, document

QUEUE_DAYS: Final = 10
"""Retention of a queue behind a rule. It is longer than the longest `max_age`, which the consumer checks: SQS deletes
expired messages silently. It is four days shorter than a dead letter's, whose retention counts from its first queue."""

_EVENTS: Final = "events.amazonaws.com"


@dataclass(frozen=True, slots=True)
class DeadLetterPlan:
    """A dead letter queue."""

    name: str
    arn: str
    policy: str | None
    """Lets the rule send to it; None when no rule does. Roles need no policy of the queue."""
    redrive_allow_policy: str


@dataclass(frozen=True, slots=True)
class QueuePlan:
    """A queue between a rule and its function."""

    name: str
    arn: str
    policy: str
    redrive_policy: str
    visibility: int
    """In seconds."""
    batch: int


def plan_dead_letters(setup: Setup, function: str, rule_arn: str | None, queue_arn: str | None) -> DeadLetterPlan:
    """Return the plan of a function's dead letter queue, to which this rule and this queue, if not None, may send."""
    name = setup.name("queue", function, "dead-letters")
    arn = setup.site.arn("sqs", name)
    sources = {"redrivePermission": "byQueue", "sourceQueueArns": [queue_arn]} if queue_arn else None
    policy = document(allow_rule(rule_arn, arn)) if rule_arn else None
    return DeadLetterPlan(name, arn, policy, canonical(sources or {"redrivePermission": "denyAll"}))


def allow_rule(rule_arn: str, queue_arn: str) -> Statement:
    """Return the permission, in a queue's policy, for one rule to send to that queue."""
    return Statement(
        "Rule", ("sqs:SendMessage",), (queue_arn,), {"ArnEquals": {"aws:SourceArn": rule_arn}}, service=_EVENTS
    )
