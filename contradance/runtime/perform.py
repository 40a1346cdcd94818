"""Performs a task once: runs the handler as a unit of work, commits, publishes.

Subscribers, schedules and routes share this path. A handler's body may run more than once; its writes and its events
are committed once.

Events are sealed into the commit and published after it, since no transaction spans DynamoDB and EventBridge. When the
process dies in between, the once-record is `done`: the next attempt or the sweeper publishes, under the same ids.
"""

import random
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from itertools import islice
from typing import Any, Final

from pydantic import BaseModel

from contradance.annotation import type_name
from contradance.contract import Contract
from contradance.delivery import Delivery
from contradance.envelope import SealedEvent, derived_id, seal_renderings
from contradance.errors import Conflict, ContractViolation, LeaseLost, TooMuchWork
from contradance.function import AnyFunction
from contradance.runtime.containment import Contained
from contradance.runtime.journal_record import PublishedEvent, published_events
from contradance.runtime.once import Lease, OnceKey, OnceRecord, OnceState, StoredResponse
from contradance.runtime.ports import Clock, Context, Environment
from contradance.runtime.publish import publish
from contradance.runtime.received import Place
from contradance.runtime.tracing import tracing
from contradance.runtime.work import UnitOfWork
from contradance.signature import describe_function
from contradance.unit import run_in

MAX_SEALED_BYTES: Final = 350 * 1024
"""Most bytes of events and response per delivery: its once-record must fit in one DynamoDB item of 400 KB."""
_NAMING_BYTES: Final = 200
"""Bytes of a once-record per event beside its detail: its id, and its identity twice."""
_MAX_EVENTS: Final = MAX_SEALED_BYTES // _NAMING_BYTES
"""Events from which on no once-record holds them, however small they are: no more are taken from an iterator."""
_PAUSES_SECONDS: Final = (0.1, 0.2, 0.4, 0.8, 1.0)
"""Longest pause after each conflict, the last for all that follow. Without one, those that collided collide again."""
_RESERVE_SECONDS: Final = 0.5
"""Kept back from a publish, and from another run after a conflict, for reporting a failure."""
_LEASE_MARGIN: Final = timedelta(seconds=1)
"""How much longer a lease lasts than its function may run."""


@dataclass(frozen=True, slots=True)
class Cause:
    """Why a handler runs: what its published events inherit."""

    correlation_id: str
    causation_id: str | None
    is_replay: bool = False
    replay_of: str | None = None
    traceparent: str | None = None
    place: Place | None = None
    """Account, region, resources and time of the event; None for a request."""


@dataclass(frozen=True, slots=True)
class Performed:
    """The result of a performed task."""

    attempt: int
    published: tuple[PublishedEvent, ...]
    subject: str | None
    """Subject of the first published event."""
    duplicate: bool
    answer: StoredResponse | None


HandlerCall = Callable[[Callable[[], Delivery]], tuple[object, Callable[[], StoredResponse] | None]]
"""Calls the handler, with the delivery if it takes one; returns what it publishes and, for a route, its rendered answer."""


@dataclass(frozen=True, slots=True)
class Task:
    """One delivery, request or scheduled run that is to be handled once."""

    function: AnyFunction
    key: OnceKey
    holder: str
    """Holder of the lease: the Lambda request id, or the SQS message id."""
    cause: Cause
    run: HandlerCall
    remembered: bool = True
    """Store a once-record even when the handler wrote and published nothing: a repetition has the same key."""

    def lease(self, clock: Clock) -> Lease:
        """Return a lease from now until after the function's timeout, by `clock`."""
        return Lease(self.holder, clock.after(self.function.limits.timeout + _LEASE_MARGIN))


def perform(task: Task, lease: Lease, record: OnceRecord, environment: Environment, context: Context) -> Performed:
    """Run the handler if the record is `in_progress`, publish what is not published yet; return the result.

    Raises:
        Conflict: others changed the same items first, in every run that the time allows; nothing is committed.
        LeaseLost: the handler took longer than its function may run; nothing is committed.
    """
    if record.state == "published":
        return Performed(record.attempt, record.published, None, duplicate=True, answer=record.answer)
    state: OnceState = record.state
    sealed, answer = record.sealed, record.answer
    if state == "in_progress":
        state, sealed, answer = _commit(task, lease, record.attempt, environment, context)
    with tracing().publishing(event.event_id for event in sealed):
        if state == "done":
            seconds_left = context.get_remaining_time_in_millis() / 1000 - _RESERVE_SECONDS
            publish(sealed, environment.events, environment.bus, environment.clock, seconds_left)
            environment.store.mark_published(task.key, sealed)
    subject = sealed[0].subject if sealed else None
    return Performed(record.attempt, published_events(sealed), subject, duplicate=False, answer=answer)


def _commit(
    task: Task, lease: Lease, attempt: int, environment: Environment, context: Context
) -> tuple[OnceState, tuple[SealedEvent, ...], StoredResponse | None]:
    """Run the handler and commit, again after each conflict while there is time; return (state, sealed, response)."""
    conflicts = 0
    while True:
        before = _seconds_left(lease, environment, context)
        unit = UnitOfWork(task.function.name, task.function.uses, environment.store, environment.variables)
        with run_in(unit), Contained():
            returned, render = task.run(partial(_delivery, task, attempt, environment.clock.now()))
            events = _events(task.function, returned)
        with Contained():
            sealed = _seal(task, events, environment)
            answer = render() if render else None
        writes = unit.writes()
        if not (writes or sealed or task.remembered):
            return "published", sealed, answer
        _check_size(task.function, sealed, answer)
        # The laptop cannot end a thread at its timeout, as Lambda ends a process: a late handler stops here.
        if context.get_remaining_time_in_millis() <= 0:
            raise LeaseLost(
                f"{task.function.name} took longer than it may run.\n  Raise its timeout=, or make it faster."
            )
        try:
            kept = answer if task.remembered else None
            return environment.store.commit(task.key, lease, writes, sealed, kept), sealed, answer
        except Conflict:
            left = _seconds_left(lease, environment, context)
            pause = random.uniform(0, _PAUSES_SECONDS[min(conflicts, len(_PAUSES_SECONDS) - 1)])  # noqa: S311 - jitter is not a secret
            if pause + (before - left) > left - _RESERVE_SECONDS:  # another run takes as long as this one
                raise
        conflicts += 1
        environment.clock.sleep(pause)


def _seconds_left(lease: Lease, environment: Environment, context: Context) -> float:
    """Return the seconds in which the attempt may still commit: until its timeout, and while it has the lease."""
    held = (lease.expires - environment.clock.now()).total_seconds()
    return min(context.get_remaining_time_in_millis() / 1000, held)


def _delivery(task: Task, attempt: int, now: datetime) -> Delivery:
    """Return what the handler receives besides the event: ids, attempt, time and place."""
    place = task.cause.place or Place("", "", (), None)
    return Delivery(
        event_id=task.cause.causation_id or task.key.event_id,
        correlation_id=task.cause.correlation_id,
        attempt=attempt,
        idempotency_key=derived_id(*task.key),
        now=now,
        is_replay=task.cause.is_replay,
        account=place.account,
        region=place.region,
        resources=place.resources,
        time=place.time or now,
    )


def _events(function: AnyFunction, published: object) -> list[Contract]:
    """Return a handler's events as a list; raise `ContractViolation` for one that its annotation does not name."""
    if published is None and function.may_publish_nothing:
        return []
    one = isinstance(published, BaseModel | Mapping | str | bytes) or not isinstance(published, Iterable)
    events: list[Any] = [published] if one else [*islice(published, _MAX_EVENTS + 1)]  # type: ignore[call-overload]  # what is not one is iterable
    if len(events) > _MAX_EVENTS:
        raise TooMuchWork(
            f"{function.name} publishes more than {_MAX_EVENTS} events at once.\n"
            "  Publish fewer events; an iterator that it returns must end."
        )
    for event in events:
        if type(event) not in function.publishes:
            named = ", ".join(contract.__name__ for contract in function.publishes) or "nothing"
            fix = (
                "Return what the annotation names, or annotate what is returned."
                if isinstance(event, Contract) or not function.publishes
                else f"Build the event: return {function.publishes[0].__name__}(...)."
            )
            raise ContractViolation(
                f"{describe_function(function.service, function.handler)} returned {type_name(type(event))}, but its "
                f"annotation publishes {named}.\n  {fix}"
            )
    return events


def _seal(task: Task, events: list[Contract], environment: Environment) -> tuple[SealedEvent, ...]:
    """Return the events sealed, each in all its versions, under ids derived from their cause: a repeat has them too."""
    cause = task.cause
    named = [(derived_id(*task.key, position), event) for position, event in enumerate(events)]
    return tuple(
        sealed
        for event_id, event in named
        for sealed in seal_renderings(
            event,
            event_id=event_id,
            occurred_at=environment.clock.now(),
            correlation_id=task.cause.correlation_id,
            publisher=task.function.name,
            causation_id=task.cause.causation_id,
            replay_of=task.cause.replay_of,
            traceparent=tracing().sealing(event.identity, event_id, cause.correlation_id, cause.traceparent),
        )
    )


def _check_size(function: AnyFunction, sealed: tuple[SealedEvent, ...], answer: StoredResponse | None) -> None:
    """Raise `TooMuchWork` when sealed events and response exceed the size of a once-record."""
    size = sum(len(event.detail.encode()) + _NAMING_BYTES for event in sealed) + (
        len(answer.body.encode()) if answer else 0
    )
    if size > MAX_SEALED_BYTES:
        raise TooMuchWork(
            f"{function.name} publishes and answers {size} bytes at once; the limit is {MAX_SEALED_BYTES}.\n"
            "  Publish fewer events, answer page by page, or store the large part and refer to it."
        )
