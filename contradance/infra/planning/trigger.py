"""Plans of subscribers, routes and schedules: a function with its trigger, queues and alarms."""

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from contradance.foreign import DEFAULT_BUS
from contradance.function import AnyFunction, Schedule
from contradance.infra.planning import grants
from contradance.infra.planning.alarm import AlarmPlan, Watch
from contradance.infra.planning.function import FunctionPlan, Setup
from contradance.infra.planning.site import BusPlan
from contradance.infra.planning.statement import Statement, canonical, document, trust
from contradance.retry import LAMBDA_MAX_AGE, LAMBDA_RETRIES, RULE_MAX_AGE, RULE_RETRIES, VISIBILITY_FACTOR
from contradance.subscription import Subscription
from contradance.timetable import Timetable

DEAD_LETTER_DAYS: Final = 14
"""Retention of a dead letter queue, in days: SQS's longest."""
QUEUE_DAYS: Final = 10
"""Retention of a queue behind a rule. It is longer than the longest `max_age`, which the consumer checks: SQS deletes
expired messages silently. It is four days shorter than a dead letter's, whose retention counts from its first queue."""

_PLACEHOLDER: Final = re.compile(r"\{[a-z_][a-z0-9_]*\}")
_EVENTS: Final = "events.amazonaws.com"
_SCHEDULER: Final = "scheduler.amazonaws.com"


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


@dataclass(frozen=True, slots=True)
class RulePlan:
    """A rule with one target."""

    name: str
    arn: str
    bus: BusPlan
    description: str
    pattern: str
    target_age: int
    """Longest time that EventBridge tries to reach the target, in seconds."""
    paused: bool
    """Whether the rule is disabled."""
    skips_replays: bool
    """Whether the rule matches no replayed event."""


@dataclass(frozen=True, slots=True)
class AsyncPlan:
    """Retries of asynchronous invocations by Lambda."""

    retries: int
    max_age: int
    """In seconds."""


@dataclass(frozen=True, slots=True)
class SubscriberPlan:
    """One subscriber: function, rule, queues and alarms."""

    function: FunctionPlan
    rule: RulePlan
    dead_letters: DeadLetterPlan
    queue: QueuePlan | None
    """None if there is none, and none that is drained."""
    queued: bool
    """Whether the rule's target is the queue; else it is the function."""
    retry: AsyncPlan
    """Also behind a queue: events of an earlier direct delivery may still be with Lambda."""
    alarms: tuple[AlarmPlan, ...]


@dataclass(frozen=True, slots=True)
class RoutePlan:
    """One route of the HTTP API."""

    function: FunctionPlan
    key: str
    source: str
    """Method and path that API Gateway may invoke the function for, below the API's execution ARN."""
    alarms: tuple[AlarmPlan, ...]


@dataclass(frozen=True, slots=True)
class SchedulePlan:
    """One function that runs by the clock."""

    function: FunctionPlan
    schedule_name: str
    timetable: Timetable
    role_name: str
    role_policy: str
    retries: int
    """Most retries of Scheduler when it cannot reach the function."""
    max_age: int
    """Longest time of these retries, in seconds."""
    dead_letters: DeadLetterPlan | None
    """None for the sweeper: the next run does what a failed run left."""
    retry: AsyncPlan
    alarms: tuple[AlarmPlan, ...]
    paused: bool = False
    """Whether the schedule is disabled."""


def plan_subscriber(setup: Setup, function: AnyFunction, subscription: Subscription) -> SubscriberPlan:
    """Return the plan of a subscriber: one rule, one target, one dead letter queue, and a queue if it has one.

    Lambda's retries and the queue's redrive policy both lead to the dead letter queue in both delivery modes: when a stack
    changes from one mode to the other, events of both are on their way.
    """
    rule = _plan_rule(setup, function, subscription)
    queue_name = setup.name("queue", function.deployed_name)
    queue_arn = setup.site.arn("sqs", queue_name)
    dead_letters = _plan_dead_letters(setup, function.deployed_name, rule.arn, queue_arn)
    planned = setup.plan_function(
        function,
        "subscriber",
        [grants.dead_lettering(dead_letters.arn), *([grants.consuming(queue_arn)] if subscription.has_queue else [])],
    )
    redrive = {"deadLetterTargetArn": dead_letters.arn, "maxReceiveCount": function.retry.receives}
    queue = QueuePlan(
        queue_name,
        queue_arn,
        document(_allow_rule(rule.arn, queue_arn)),
        canonical(redrive),
        VISIBILITY_FACTOR * planned.timeout,
        subscription.batch,
    )
    watch = watch_of(setup, planned)
    alarms = (
        watch.dead_letters(dead_letters.name),
        watch.undelivered_lost(rule.bus.name, rule.name),
        watch.throttled(),
        watch.failed_lost(),
        watch.dropped(),
        *([watch.backlog(queue_name)] if subscription.has_queue else []),
    )
    return SubscriberPlan(
        planned,
        rule,
        dead_letters,
        queue if subscription.has_queue else None,
        subscription.delivery == "queue",
        _plan_retry(function),
        alarms,
    )


def plan_route(setup: Setup, function: FunctionPlan, key: str) -> RoutePlan:
    """Return the plan of a route with a key like `GET /loans/{loan_id}`, and its alarm."""
    method, _, path = key.partition(" ")
    source = f"*/{method}{_PLACEHOLDER.sub('*', path)}"
    return RoutePlan(function, key, source, (watch_of(setup, function).throttled(),))


def plan_schedule(setup: Setup, function: AnyFunction, schedule: Schedule) -> SchedulePlan:
    """Return the plan of a scheduled function: schedule, role, dead letter queue, retries and alarms."""
    dead_letters = _plan_dead_letters(setup, function.deployed_name, None, None)
    planned = setup.plan_function(function, "schedule", [grants.dead_lettering(dead_letters.arn)])
    watch = watch_of(setup, planned)
    return SchedulePlan(
        planned,
        setup.name("schedule", function.deployed_name),
        schedule.timetable,
        setup.name("role", function.deployed_name, "schedule"),
        document(_invoke_permission(planned), grants.dead_lettering(dead_letters.arn)),
        RULE_RETRIES,
        _target_max_age(function),
        dead_letters,
        _plan_retry(function),
        (
            watch.dead_letters(dead_letters.name),
            watch.throttled(),
            watch.failed_lost(),
            watch.dropped(),
        ),
        setup.is_paused(function.service),
    )


def plan_sweeper(setup: Setup, function: FunctionPlan) -> SchedulePlan:
    """Return the plan of the sweeper, which runs every minute, without retries and without a dead letter queue.

    The next run does the work of a failed one. It runs in a paused stack too: what was committed is published.
    """
    return SchedulePlan(
        function,
        setup.name("schedule", function.name),
        Timetable("rate(1 minute)", timedelta(minutes=1)),
        setup.name("role", function.name, "schedule"),
        document(_invoke_permission(function)),
        0,
        60,
        None,
        AsyncPlan(0, 60),
        (watch_of(setup, function).behind(),),
    )


def watch_of(setup: Setup, function: FunctionPlan) -> Watch:
    """Return the object that plans a function's alarms."""
    return Watch(
        setup.names,
        setup.site.stack,
        setup.config.alarms,
        function.name,
        function.lambda_name,
        function.tags,
        function.identity,
    )


def scheduler_trust(account: str, group_arn: str) -> str:
    """Return the trust policy of a schedule's role: only Scheduler, and only for schedules of one group."""
    return trust(_SCHEDULER, {"StringEquals": {"aws:SourceAccount": account, "aws:SourceArn": group_arn}})


def _plan_rule(setup: Setup, function: AnyFunction, subscription: Subscription) -> RulePlan:
    """Return the plan of a subscriber's rule, on the stack's bus or on the bus of events of others that it names."""
    name = setup.name("rule", function.deployed_name)
    consumed = ", ".join(event.identity.detail_type for event in subscription.events)
    bus = setup.bus if subscription.bus is None else setup.buses[subscription.bus].bus
    return RulePlan(
        name,
        setup.site.arn("events", f"rule/{name}" if bus.name == DEFAULT_BUS else f"rule/{bus.name}/{name}"),
        bus,
        f"{function.name} consumes {consumed}"[:512],
        subscription.pattern.canonical,
        _target_max_age(function),
        setup.is_paused(function.service),
        subscription.on_replay == "skip",
    )


def _plan_dead_letters(setup: Setup, function: str, rule_arn: str | None, queue_arn: str | None) -> DeadLetterPlan:
    """Return the plan of a function's dead letter queue; without a rule or a queue, that ARN is None."""
    name = setup.name("queue", function, "dead-letters")
    arn = setup.site.arn("sqs", name)
    sources = {"redrivePermission": "byQueue", "sourceQueueArns": [queue_arn]} if queue_arn else None
    policy = document(_allow_rule(rule_arn, arn)) if rule_arn else None
    return DeadLetterPlan(name, arn, policy, canonical(sources or {"redrivePermission": "denyAll"}))


def _allow_rule(rule_arn: str, queue_arn: str) -> Statement:
    """Return the permission, in a queue's policy, for one rule to send to that queue."""
    return Statement(
        "Rule", ("sqs:SendMessage",), (queue_arn,), {"ArnEquals": {"aws:SourceArn": rule_arn}}, service=_EVENTS
    )


def _invoke_permission(function: FunctionPlan) -> Statement:
    """Return the permission to invoke this function."""
    return Statement("Invoke", ("lambda:InvokeFunction",), (function.arn,))


def _plan_retry(function: AnyFunction) -> AsyncPlan:
    """Return Lambda's retries of a function: its own number and age, at most what Lambda supports."""
    max_age = min(function.retry.max_age, LAMBDA_MAX_AGE)
    return AsyncPlan(min(function.retry.times, LAMBDA_RETRIES), int(max_age.total_seconds()))


def _target_max_age(function: AnyFunction) -> int:
    """Return how long EventBridge tries to reach a function: its own `max_age`, at most EventBridge's, in seconds."""
    return int(min(function.retry.max_age, RULE_MAX_AGE).total_seconds())
