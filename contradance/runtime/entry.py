"""The entry point of every function, on Lambda and on the laptop."""

from collections.abc import Callable, Mapping
from contextvars import copy_context
from importlib import import_module
from typing import Any, Final

from contradance.delivery import Delivery
from contradance.envelope import SCHEDULE_FIELDS, derived_id
from contradance.errors import UnknownPayload
from contradance.function import AnyFunction, Schedule
from contradance.runtime.attempt import Attempt
from contradance.runtime.batch import consume_batch, messages_in
from contradance.runtime.consume import attempt_with_ids, consume, once_key
from contradance.runtime.once import OnceKey, scheduled_key
from contradance.runtime.perform import Cause, Task, perform
from contradance.runtime.ports import Context, Environment
from contradance.runtime.received import Place, place_of
from contradance.runtime.tracing import tracing
from contradance.subscription import Subscription

_JSON_TYPES: Final = {list: "array", str: "string", int: "number", float: "number", bool: "boolean", type(None): "null"}
_SHOWN_KEYS: Final = 8


def invoke(function: AnyFunction, event: Any, context: Context, environment: Environment) -> object:
    """Handle one invocation of `function`, by the shape of its event; raise `UnknownPayload` for any other shape.

    A subscriber takes an event and a batch of SQS messages, whatever `delivery` it declares: while a stack changes from one
    to the other, events of both shapes are on their way.

    Each attempt runs in a context of its own: what a handler leaves in a context variable, such as the keys of its log
    lines, is not there for the next attempt in the same thread.

    Returns:
        For a route, API Gateway's response; for a batch, the failed items; else nothing.

    Raises:
        UnknownPayload: the event has no shape that the function takes.
    """
    trigger = function.trigger
    if isinstance(trigger, Schedule):
        if not (isinstance(event, Mapping) and event.keys() >= SCHEDULE_FIELDS):
            raise _unknown(function, event, "the input of its schedule: schedule and scheduled_time")
        copy_context().run(_run_schedule, function, trigger, event, context, environment)
        return None
    if not isinstance(trigger, Subscription):
        if not isinstance(event, Mapping) or "routeKey" not in event:
            raise _unknown(function, event, "a request of API Gateway, in payload format 2.0")
        from contradance.runtime.answer import answer  # noqa: PLC0415 - a subscriber does not need it

        return copy_context().run(answer, function, trigger, event, environment, context)
    messages = messages_in(event)
    if messages is not None:
        return consume_batch(function, trigger, messages, context, environment)
    if not isinstance(event, Mapping) or "Records" in event:
        raise _unknown(function, event, "an EventBridge event or a batch of SQS messages")
    copy_context().run(
        consume,
        function,
        trigger,
        event,
        holder=context.aws_request_id,
        queued_at=None,
        environment=environment,
        context=context,
    )
    return None


def load_for(function: AnyFunction) -> None:
    """Import what `invoke` needs for a route during Lambda's initialisation; other functions need nothing more."""
    if not isinstance(function.trigger, Schedule | Subscription):
        import_module("contradance.runtime.answer")


def attempt_to_record(function: AnyFunction, event: Mapping[str, Any], environment: Environment) -> Attempt:
    """Return a new attempt with the event's ids, to record an invocation that ended without a record."""
    if not isinstance(function.trigger, Schedule):
        return attempt_with_ids(function, event, environment)
    this = Attempt(function, function.trigger.timetable.expression, environment)
    key = _run_key(function, event)
    this.correlation_id, this.causation_id = derived_id(*key, "correlation"), key.event_id
    return this


def key_of(function: AnyFunction, event: Mapping[str, Any]) -> OnceKey | None:
    """Return the once-key of a delivery or scheduled run; None for a route, and for an event that is not consumed."""
    return _run_key(function, event) if isinstance(function.trigger, Schedule) else once_key(function, event)


def _run_key(function: AnyFunction, event: Mapping[str, Any]) -> OnceKey:
    """Return the once-key of a scheduled run, from the schedule and the scheduled time in its event."""
    return scheduled_key(function.deployed_name, str(event.get("schedule")), str(event.get("scheduled_time")))


def _run_schedule(
    function: AnyFunction, schedule: Schedule, event: Mapping[str, Any], context: Context, environment: Environment
) -> None:
    """Run a scheduled function once per scheduled time, and record the attempt; raise what the attempt raises."""
    key = _run_key(function, event)
    moment = key.event_id
    expression = schedule.timetable.expression
    with tracing().running(function, expression), Attempt(function, expression, environment) as this:
        this.correlation_id, this.causation_id = derived_id(*key, "correlation"), moment

        def run(delivery: Callable[[], Delivery]) -> tuple[object, None]:
            """Call the handler; return what it publishes, and None: there is no response."""
            return (function.handler(delivery()) if schedule.takes_delivery else function.handler()), None

        cause = Cause(this.correlation_id, moment, place=_place(event))
        task = Task(function, key, context.aws_request_id, cause, run)
        lease = task.lease(environment.clock)
        number = 1
        try:
            record = environment.store.begin(key, lease, environment.clock.now())
            number = record.attempt
            performed = perform(task, lease, record, environment, context)
        except Exception as error:
            this.failed(number, error)
            raise
        this.subject = performed.subject
        this.record("duplicate" if performed.duplicate else "done", number, published=performed.published)


def _place(event: Mapping[str, Any]) -> Place:
    """Return account and region from the ARN of a schedule (empty in another text), and the scheduled time."""
    parts = str(event["schedule"]).split(":")
    region, account = parts[3:5] if len(parts) == 6 else ("", "")  # noqa: PLR2004 - an ARN has six parts
    return place_of({"account": account, "region": region, "time": event["scheduled_time"]})


def _unknown(function: AnyFunction, event: object, expected: str) -> UnknownPayload:
    """Return the error, to raise, for a payload of a shape that the function does not take; Lambda dead-letters it."""
    shown = ", ".join(sorted(map(str, event))[:_SHOWN_KEYS]) if isinstance(event, Mapping) else ""
    found = f"an object with the keys {shown}" if shown else f"a JSON {_JSON_TYPES.get(type(event), 'object')}"
    return UnknownPayload(f"{function.name} was invoked with {found}.\n  It takes {expected}.")
