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
from contradance.infra.planning.queue import DeadLetterPlan, QueuePlan, allow_rule, plan_dead_letters
from contradance.infra.planning.site import BusPlan
from contradance.infra.planning.statement import Statement, canonical, document, trust
from contradance.retry import LAMBDA_MAX_AGE, LAMBDA_RETRIES, RULE_MAX_AGE, RULE_RETRIES, VISIBILITY_FACTOR
from contradance.subscription import Subscription
from contradance.timetable import Timetable

_PLACEHOLDER: Final = re.compile(r"\{[a-z_][a-z0-9_]*\}")
_SCHEDULER: Final = "scheduler.amazonaws.com"


@dataclass(frozen=True, slots=True)
class RulePlan:
    """A rule with one target."""

    name: str
    arn: str
    bus: BusPlan
    declared_bus: str | None
    """The bus by its name in the declarations; None for the stack's own bus."""
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
    """None without a queue; a queue that is drained counts."""
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

    @property
    def declaration(self) -> str:
        """Everything of the schedule that an update may change, as text: the same text needs no update."""
        times = self.timetable
        window = [f"{name} {one.isoformat()}" for name, one in (("from", times.start), ("to", times.end)) if one]
        retried = f"retried for {self.max_age} seconds"
        return " ".join([times.label, *window, retried, *(["paused"] if self.paused else [])])


def plan_subscriber(setup: Setup, function: AnyFunction, subscription: Subscription) -> SubscriberPlan:
    """Return the plan of a subscriber: function, rule, dead letter queue, alarms, and a queue if it has or drains one.

    Lambda's retries and the queue's redrive policy both lead to the dead letter queue in both delivery modes: when a stack
    changes from one mode to the other, events of both are on their way.
    """
    rule = _plan_rule(setup, function, subscription)
    queue_name = setup.name("queue", function.deployed_name)
    queue_arn = setup.site.arn("sqs", queue_name)
    dead_letters = plan_dead_letters(setup, function.deployed_name, rule.arn, queue_arn)
    planned = setup.plan_function(
        function,
        "subscriber",
        [grants.dead_lettering(dead_letters.arn), *([grants.consuming(queue_arn)] if subscription.has_queue else [])],
    )
    redrive = {"deadLetterTargetArn": dead_letters.arn, "maxReceiveCount": function.retry.receives}
    queue = QueuePlan(
        queue_name,
        queue_arn,
        document(allow_rule(rule.arn, queue_arn)),
        canonical(redrive),
        VISIBILITY_FACTOR * planned.timeout,
        subscription.batch,
    )
    watch = Watch(setup, planned)
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
    """Return the plan of a route of a planned function, with its alarm; `key` is like `GET /loans/{loan_id}`."""
    method, _, path = key.partition(" ")
    source = f"*/{method}{_PLACEHOLDER.sub('*', path)}"
    return RoutePlan(function, key, source, (Watch(setup, function).throttled(),))


def plan_schedule(setup: Setup, function: AnyFunction, schedule: Schedule) -> SchedulePlan:
    """Return the plan of a scheduled function: schedule, role, dead letter queue, retries and alarms."""
    dead_letters = plan_dead_letters(setup, function.deployed_name, None, None)
    planned = setup.plan_function(function, "schedule", [grants.dead_lettering(dead_letters.arn)])
    watch = Watch(setup, planned)
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
    """Return the plan of the sweeper, which runs every minute, also when paused, without retries and dead letters.

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
        (Watch(setup, function).behind(),),
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
        subscription.bus,
        f"{function.name} consumes {consumed}"[:512],
        subscription.pattern.canonical,
        _target_max_age(function),
        setup.is_paused(function.service),
        subscription.on_replay == "skip",
    )


def _invoke_permission(function: FunctionPlan) -> Statement:
    """Return the permission to invoke this function."""
    return Statement("Invoke", ("lambda:InvokeFunction",), (function.arn,))


def _plan_retry(function: AnyFunction) -> AsyncPlan:
    """Return how often and how long Lambda retries a function: as its `Retry` has them, at most Lambda's largest."""
    max_age = min(function.retry.max_age, LAMBDA_MAX_AGE)
    return AsyncPlan(min(function.retry.times, LAMBDA_RETRIES), int(max_age.total_seconds()))


def _target_max_age(function: AnyFunction) -> int:
    """Return how many seconds EventBridge tries to reach a function: its `max_age`, at most EventBridge's longest."""
    return int(min(function.retry.max_age, RULE_MAX_AGE).total_seconds())
