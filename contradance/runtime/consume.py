"""Consumes one delivered event: parses, validates and upcasts it, runs the handler once, and records the attempt."""

from collections.abc import Callable, Mapping
from contextlib import nullcontext, suppress
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final, TypeVar

from pydantic import ValidationError

from contradance.annotation import type_name
from contradance.contract import Contract, where_defined
from contradance.delivery import Delivery
from contradance.envelope import Delivered
from contradance.errors import AttemptsExhausted, Conflict, ContractViolation, ContradanceError
from contradance.foreign import ForeignEvent
from contradance.function import AnyFunction
from contradance.retry import DeliveryMode
from contradance.runtime.attempt import Attempt
from contradance.runtime.containment import Contained
from contradance.runtime.error_description import describe_error
from contradance.runtime.once import OnceKey, OnceRecord
from contradance.runtime.own_time import OwnTime
from contradance.runtime.perform import Cause, Task, perform
from contradance.runtime.ports import Context, Environment
from contradance.runtime.received import once_of, place_of, received
from contradance.runtime.tracing import tracing
from contradance.subscription import Subscription
from contradance.violation import violation
from contradance.wire import as_text, read_tolerant

Event = TypeVar("Event", Contract, ForeignEvent)

AGAIN: Final = "again."
"""Prefix of the name of a replay that runs functions again that are already done."""


def consume(
    function: AnyFunction,
    subscription: Subscription,
    event: Mapping[str, Any],
    *,
    holder: str,
    queued_at: datetime | None,
    receives: int = 1,
    environment: Environment,
    context: Context,
) -> bool:
    """Run one function for one event, or dead-letter an invalid or expired event; return whether it is a dead letter.

    Args:
        function: the subscriber.
        subscription: its subscription.
        event: the event in EventBridge's envelope.
        holder: holder of the lease: the Lambda request id, or the SQS message id.
        queued_at: when it entered the function's queue; None when it was delivered directly.
        receives: how often SQS delivered the message. The once-record counts attempts, which are fewer.
        environment: AWS, or the laptop.
        context: Lambda's context.

    Raises:
        Conflict: others changed the same items first, until the time was over. Behind a queue the attempt is not counted.
        Exception: any exception of the handler; it makes SQS or Lambda retry the delivery. Behind a queue the last
            attempt does not raise: its event is dead-lettered here, because SQS counts receives and not attempts.
    """
    delivery_mode: DeliveryMode = "direct" if queued_at is None else "queue"
    with (
        tracing().delivering(function, event),
        begun(function, event, environment, delivery_mode) as this,
    ):
        try:
            delivered = received(function.name, subscription, event)
            _set_ids(this, delivered)
            read = read_event(function, subscription, delivered)
            once = once_of(subscription, delivered, event)
        except ContractViolation as error:
            # Pydantic's problems are in the message; what an author's validator or upcast raised has a traceback.
            raised = None if isinstance(error.__cause__, ValidationError | None) else error
            this.dead_letter("invalid", receives, str(error), event, raised=raised)
            return True
        if queued_at is not None and environment.clock.now() - queued_at > function.retry.max_age:
            waited = f"It waited longer than {function.name} allows: {function.retry}."
            this.dead_letter("expired", receives, waited, event)
            return True
        key, cause = _key_and_cause(function, delivered, once, event)
        own = context if queued_at is None else OwnTime(context, function.limits.timeout)

        def run(delivery: Callable[[], Delivery]) -> tuple[object, None]:
            """Call the handler, behind a queue within its time limit; return (events, None: there is no response)."""
            with environment.limiter.handler(own.get_remaining_time_in_millis() / 1000) if queued_at else nullcontext():
                taken = (read, delivery()) if subscription.takes_delivery else (read,)
                published = function.handler(*taken)
            return published, None

        task = Task(function, key, holder, cause, run)
        lease = task.lease(environment.clock)
        last = function.retry.attempts(delivery_mode)
        number = 0 if queued_at else 1
        release = partial(environment.store.release, key, lease)
        try:
            record = environment.store.begin(key, lease, environment.clock.now())
            number = record.attempt
            if queued_at:
                _check_attempts(record, last)
            performed = perform(task, lease, record, environment, own)
        except Exception as error:
            if context.get_remaining_time_in_millis() > 0:  # else the attempt is recorded as a timeout
                if queued_at is None:
                    this.failed(number, error)
                elif _end_queued(this, number, last, error, event, release=release):
                    return True
            raise
        this.record("duplicate" if performed.duplicate else "done", number, published=performed.published)
        return False


def _check_attempts(record: OnceRecord, last: int) -> None:
    """Raise `AttemptsExhausted` when the last attempt at a handler was begun and never ended."""
    if record.attempt > last and record.state == "in_progress":
        raise AttemptsExhausted(f"{last} attempts ended without a result: their processes died or timed out.")


def _end_queued(
    this: Attempt, number: int, last: int, error: Exception, event: Mapping[str, Any], *, release: Callable[..., None]
) -> bool:
    """Journal a failed attempt behind a queue, a conflict uncounted; dead-letter the `last` one and return True.

    If the event cannot be dead-lettered, record the attempt and raise, so SQS repeats it.
    """
    if isinstance(error, Conflict):
        this.record("failed", number, error=describe_error(error), counts=False)
        release(counted=False)
        return False
    if number < last:
        this.failed(number, error)
        return False
    try:
        this.dead_letter("failed", last, describe_error(error), event, raised=error)
    except Exception:
        this.failed(last, error)
        raise
    with suppress(ContradanceError):  # without it a redrive waits for the lease's end, and nothing else
        release()
    return True


def begun(function: AnyFunction, event: Mapping[str, Any], environment: Environment, delivery: DeliveryMode) -> Attempt:
    """Return a new attempt at `event`, identified by EventBridge's id until its metadata is parsed."""
    this = Attempt(function, f"{event.get('source')}/{event.get('detail-type')}", environment, delivery)
    this.event_id = this.correlation_id = str(event.get("id"))
    return this


def attempt_with_ids(function: AnyFunction, event: Mapping[str, Any], environment: Environment) -> Attempt:
    """Return a new attempt at `event` with the ids in its metadata; with EventBridge's id when that is invalid."""
    this = begun(function, event, environment, function.delivery)
    if isinstance(function.trigger, Subscription):
        with suppress(ContractViolation):
            _set_ids(this, received(function.name, function.trigger, event))
    return this


def once_key(function: AnyFunction, event: Mapping[str, Any]) -> OnceKey | None:
    """Return the once-key of an event's delivery to a function; None for an event that is invalid or not consumed."""
    if isinstance(function.trigger, Subscription):
        with suppress(ContractViolation):
            delivered = received(function.name, function.trigger, event)
            return _key_and_cause(function, delivered, once_of(function.trigger, delivered, event), event)[0]
    return None


def _set_ids(this: Attempt, delivered: Delivered) -> None:
    """Set an attempt's trigger and ids to those of a delivered event."""
    this.trigger = str(delivered.identity)
    this.event_id = delivered.metadata.event_id
    this.subject = delivered.metadata.subject
    this.correlation_id = delivered.metadata.correlation_id
    this.causation_id = delivered.metadata.causation_id


def _key_and_cause(
    function: AnyFunction, delivered: Delivered, once: str, event: Mapping[str, Any]
) -> tuple[OnceKey, Cause]:
    """Return (once-key of a delivery, cause whose ids the published events inherit)."""
    metadata, replay = delivered.metadata, delivered.replay_name or ""
    again = replay.startswith(AGAIN)
    event_id = f"{once}#{replay}" if again else once
    return OnceKey(function.deployed_name, str(event["source"]), event_id), Cause(
        correlation_id=metadata.correlation_id,
        causation_id=metadata.event_id,
        is_replay=bool(replay),
        replay_of=metadata.event_id if again else None,
        traceparent=metadata.traceparent,
        place=place_of(event),
    )


def read_event(function: AnyFunction, subscription: Subscription, delivered: Delivered) -> Contract | ForeignEvent:
    """Return the event as the class that the handler takes, upcast if necessary; else raise `ContractViolation`.

    Its data is read closed; if that fails, without unknown fields at every depth.

    Raises:
        ContractViolation: `function` does not consume its contract, or its data breaks the contract.
    """
    foreign = subscription.foreign_of(*delivered.identity[:2])
    if foreign is not None:
        return _read(function, delivered, foreign)
    found = subscription.contract_of(delivered.identity)
    if found is None:
        consumed = ", ".join(str(contract.identity) for contract in subscription.events)
        raise ContractViolation(
            f"event {delivered.metadata.event_id} is {delivered.identity}, published by {delivered.metadata.publisher}, "
            f"but {function.name} consumes {consumed}.\n  Deliver it by the rule of this function only."
        )
    written, wanted = found
    event = _read(function, delivered, written)
    if written is not wanted:
        for version in reversed(wanted.lineage()[: wanted.lineage().index(written)]):
            event = _upcast(function, delivered, event, version)
    return event


def _read(function: AnyFunction, delivered: Delivered, written: type[Event]) -> Event:
    """Return the event as the class `written`; raise `ContractViolation` when its data breaks it."""
    try:
        with Contained():
            return read_tolerant(written, as_text(delivered.data))
    except ValidationError as error:
        metadata = delivered.metadata
        raise violation(
            written, error, event_id=metadata.event_id, publisher=metadata.publisher, consumer=function.name
        ) from error
    except Exception as error:  # an author's validator may raise anything
        raise ContractViolation(
            f"event {delivered.metadata.event_id} is {delivered.identity}, published by {delivered.metadata.publisher}, "
            f"but {function.name} cannot read it: {describe_error(error)}.\n"
            f"  Have the validator raise ValueError; contract in {where_defined(written)}."
        ) from error


def _upcast(function: AnyFunction, delivered: Delivered, event: Contract, version: type[Contract]) -> Contract:
    """Return `event` upcast to `version`; raise `ContractViolation` when that fails, because a retry would fail too."""
    refusal = (
        f"event {delivered.metadata.event_id} is {delivered.identity}, published by {delivered.metadata.publisher}, "
        f"but {function.name} cannot read it as {version.identity}"
    )
    fix = f"  Correct {version.__qualname__}.upcast; contract in {where_defined(version)}."
    try:
        with Contained():
            upcast = version.upcast(event)
    except Exception as error:
        raise ContractViolation(f"{refusal}: {describe_error(error)}.\n{fix}") from error
    if type(upcast) is not version:
        returned = f"its upcast returned {type_name(type(upcast))}, not {version.__name__}"
        raise ContractViolation(f"{refusal}: {returned}.\n{fix}")
    return upcast


def sent_at(milliseconds: str) -> datetime:
    """Return SQS's `SentTimestamp`, text with the milliseconds since the epoch, as a datetime in UTC."""
    return datetime.fromtimestamp(int(milliseconds) / 1000, UTC)
