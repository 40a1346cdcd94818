"""The one entry point of every function: what Lambda invokes, and the laptop too."""

import json
from collections.abc import Mapping
from importlib import import_module
from typing import Any

from contradance.delivery import Delivery
from contradance.envelope import derived_id
from contradance.function import AnyFunction, Schedule
from contradance.runtime.attempt import Attempt
from contradance.runtime.consume import consume, sent_at
from contradance.runtime.error_description import describe_error
from contradance.runtime.once import OnceKey
from contradance.runtime.perform import Cause, Task, perform
from contradance.runtime.ports import Context, Environment
from contradance.subscription import Subscription


def invoke(function: AnyFunction, event: Mapping[str, Any], context: Context, environment: Environment) -> object:
    """Handle one invocation of `function`, in the shape that its trigger has on AWS.

    Returns:
        For a route, API Gateway's response; behind a queue, the failed items; else nothing.
    """
    trigger = function.trigger
    if isinstance(trigger, Schedule):
        _run_schedule(function, trigger, event, context, environment)
        return None
    if not isinstance(trigger, Subscription):
        from contradance.runtime.answer import answer  # noqa: PLC0415 - a subscriber does without

        return answer(function, trigger, event, environment, context)
    if trigger.delivery == "direct":
        consume(
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
            consume(
                function,
                trigger,
                _event_in(record),
                holder=record["messageId"],
                queued_at=sent_at(record["attributes"]["SentTimestamp"]),
                attempt=int(record["attributes"]["ApproximateReceiveCount"]),
                environment=environment,
                context=context,
            )
        except Exception:  # noqa: BLE001 - journaled by consume; the queue delivers this message again, and only this one
            failures.append({"itemIdentifier": record["messageId"]})
    return {"batchItemFailures": failures}


def load_for(function: AnyFunction) -> None:
    """Load now what `invoke` will need for `function`: while a function initialises, not while somebody waits."""
    if not isinstance(function.trigger, Schedule | Subscription):
        import_module("contradance.runtime.answer")


def _run_schedule(
    function: AnyFunction, schedule: Schedule, event: Mapping[str, Any], context: Context, environment: Environment
) -> None:
    """Run a scheduled function once for its moment: what causes it is the schedule and the scheduled time."""
    moment = f"{event['schedule']}@{event['scheduled_time']}"
    key = OnceKey(function.name, "schedule", moment)
    with Attempt(function, schedule.timetable.expression, environment) as this:
        this.correlation_id, this.causation_id = derived_id(*key, "correlation"), moment

        def run(delivery: Delivery) -> tuple[object, None]:
            return (function.handler(delivery) if schedule.takes_delivery else function.handler()), None

        task = Task(function, key, context.aws_request_id, Cause(this.correlation_id, moment), run)
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


def _event_in(record: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the event in an SQS message; a body that is no event is wrapped as one that will be found invalid."""
    try:
        event = json.loads(record["body"])
    except (ValueError, RecursionError):
        event = None
    return event if isinstance(event, dict) else {"id": record["messageId"], "detail": record["body"]}
