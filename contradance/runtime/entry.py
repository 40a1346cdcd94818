"""The entry point of every function, on Lambda and on the laptop."""

import json
from collections.abc import Mapping
from contextvars import copy_context
from importlib import import_module
from typing import Any

from contradance.delivery import Delivery
from contradance.envelope import derived_id
from contradance.function import AnyFunction, Schedule
from contradance.runtime.attempt import Attempt
from contradance.runtime.consume import consume, describe, once_key, sent_at
from contradance.runtime.error_description import describe_error
from contradance.runtime.once import OnceKey
from contradance.runtime.perform import Cause, Task, perform
from contradance.runtime.ports import Context, Environment
from contradance.runtime.received import Place, place_of
from contradance.runtime.tracing import tracing
from contradance.subscription import Subscription


def invoke(function: AnyFunction, event: Mapping[str, Any], context: Context, environment: Environment) -> object:
    """Handle one invocation of `function`, in the shape that its trigger has on AWS.

    Each attempt runs in a context of its own: what a handler leaves in a context variable, such as the keys of its log
    lines, is not there for the next attempt in the same thread.

    Returns:
        For a route, API Gateway's response; behind a queue, the failed items; else nothing.
    """
    trigger = function.trigger
    if isinstance(trigger, Schedule):
        copy_context().run(_run_schedule, function, trigger, event, context, environment)
        return None
    if not isinstance(trigger, Subscription):
        from contradance.runtime.answer import answer  # noqa: PLC0415 - a subscriber does not need it

        return copy_context().run(answer, function, trigger, event, environment, context)
    if trigger.delivery == "direct":
        copy_context().run(
            consume,
            function,
            trigger,
            event,
            holder=context.aws_request_id,
            queued_at=None,
            attempt=None,
            environment=environment,
            context=context,
        )
        return None
    failures = []
    for record in event["Records"]:
        try:
            copy_context().run(
                consume,
                function,
                trigger,
                _event_in(record),
                holder=record["messageId"],
                queued_at=sent_at(record["attributes"]["SentTimestamp"]),
                attempt=int(record["attributes"]["ApproximateReceiveCount"]),
                environment=environment,
                context=context,
            )
        except Exception:  # noqa: BLE001 - journaled by consume; the queue repeats this message alone
            failures.append({"itemIdentifier": record["messageId"]})
    return {"batchItemFailures": failures}


def load_for(function: AnyFunction) -> None:
    """Import what `invoke` needs for `function`, during Lambda's initialisation instead of the first invocation."""
    if not isinstance(function.trigger, Schedule | Subscription):
        import_module("contradance.runtime.answer")


def describe_attempt(function: AnyFunction, event: Mapping[str, Any], environment: Environment) -> Attempt:
    """Return an attempt at an invocation that has ended without a record, to record it."""
    if not isinstance(function.trigger, Schedule):
        return describe(function, event, environment)
    this = Attempt(function, function.trigger.timetable.expression, environment)
    key = _run_key(function, event)
    this.correlation_id, this.causation_id = derived_id(*key, "correlation"), key.event_id
    return this


def key_of(function: AnyFunction, event: Mapping[str, Any]) -> OnceKey | None:
    """Return the once-key of a delivery or a scheduled run; None for what is neither."""
    return _run_key(function, event) if isinstance(function.trigger, Schedule) else once_key(function, event)


def _run_key(function: AnyFunction, event: Mapping[str, Any]) -> OnceKey:
    """Return the once-key of a scheduled run: schedule and time identify it."""
    return OnceKey(function.name, "schedule", f"{event.get('schedule')}@{event.get('scheduled_time')}")


def _run_schedule(
    function: AnyFunction, schedule: Schedule, event: Mapping[str, Any], context: Context, environment: Environment
) -> None:
    """Run a scheduled function once per scheduled time; schedule and time identify the run."""
    key = _run_key(function, event)
    moment = key.event_id
    expression = schedule.timetable.expression
    with tracing().running(function, expression), Attempt(function, expression, environment) as this:
        this.correlation_id, this.causation_id = derived_id(*key, "correlation"), moment

        def run(delivery: Delivery) -> tuple[object, None]:
            return (function.handler(delivery) if schedule.takes_delivery else function.handler()), None

        cause = Cause(this.correlation_id, moment, place=_place(event))
        task = Task(function, key, context.aws_request_id, cause, run)
        lease = task.lease(environment.clock.now())
        number = 1
        try:
            record = environment.store.begin(key, lease, environment.clock.now())
            number = record.attempt
            performed = perform(task, lease, record, environment, context)
        except Exception as error:
            this.record("failed", number, error=describe_error(error))
            raise
        this.subject = performed.subject
        this.record("duplicate" if performed.duplicate else "done", number, published=performed.published)


def _place(event: Mapping[str, Any]) -> Place:
    """Return the account and region of a schedule, from its ARN, and the scheduled time."""
    parts = str(event["schedule"]).split(":")
    region, account = parts[3:5] if len(parts) > 4 else ("", "")  # noqa: PLR2004 - an ARN has six parts
    return place_of({"account": account, "region": region, "time": event["scheduled_time"]})


def _event_in(record: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the event in an SQS message; another body is wrapped so that validation rejects and dead-letters it."""
    try:
        event = json.loads(record["body"])
    except (ValueError, RecursionError):
        event = None
    return event if isinstance(event, dict) else {"id": record["messageId"], "detail": record["body"]}
