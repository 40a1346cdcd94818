"""Doing something once: run a handler as a unit of work, commit, publish.

Subscribers, schedules and routes all come through here. The body of a handler may run more than once; what it writes
and publishes is committed once.
"""

import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from contradance.annotation import type_name
from contradance.contract import Contract
from contradance.delivery import Delivery
from contradance.envelope import SealedEvent, derived_id, seal_renderings
from contradance.errors import Conflict, ContractViolation, LeaseLost, TooMuchWork
from contradance.function import AnyFunction
from contradance.runtime.journal_record import PublishedEvent, published_events
from contradance.runtime.once import Lease, OnceKey, OnceRecord, OnceState, StoredResponse
from contradance.runtime.ports import Context, Environment
from contradance.runtime.publish import publish
from contradance.runtime.work import UnitOfWork
from contradance.unit import run_in

MAX_SEALED_BYTES: Final = 350 * 1024
"""Most bytes that one delivery may publish and answer: its once-record must fit in one DynamoDB item of 400 KB."""
_NAMING_BYTES: Final = 200
"""What a once-record holds of each event beside its detail: its id, twice its identity."""
_CONFLICTS: Final = 8
"""Times that a handler runs in one attempt before a conflict is given back to the retry policy."""
_FIRST_PAUSE_SECONDS: Final = 0.1
"""Longest pause after the first conflict; it doubles with each. Without one, those who collided collide again."""
_LONGEST_PAUSE_SECONDS: Final = 1.0
_PUBLISH_RESERVE_SECONDS: Final = 0.5
"""Kept back from a publish so that a failure can still be told."""
_LEASE_MARGIN: Final = timedelta(seconds=1)
"""How much longer than the function a lease lasts."""


@dataclass(frozen=True, slots=True)
class Cause:
    """Why a handler runs: what its published events inherit."""

    correlation_id: str
    causation_id: str | None
    is_replay: bool = False
    replay_of: str | None = None
    traceparent: str | None = None


@dataclass(frozen=True, slots=True)
class Performed:
    """What came of it."""

    attempt: int
    published: tuple[PublishedEvent, ...]
    subject: str | None
    """Subject of the first published event."""
    duplicate: bool
    answer: StoredResponse | None


HandlerCall = Callable[[Delivery], tuple[object, Callable[[], StoredResponse] | None]]
"""Calls the handler; returns what it publishes and, for a route, how to render its answer."""


@dataclass(frozen=True, slots=True)
class Task:
    """One delivery, request or scheduled moment that is to be handled once."""

    function: AnyFunction
    key: OnceKey
    holder: str
    """Who handles it: the Lambda request id, or the SQS message id."""
    cause: Cause
    run: HandlerCall
    remembered: bool = True
    """Whether a repetition would have this key, so that even doing nothing is worth a record."""

    def lease(self, now: datetime) -> Lease:
        """Return a lease that lasts as long as the function may run."""
        return Lease(self.holder, now + self.function.limits.timeout + _LEASE_MARGIN)


def perform(task: Task, lease: Lease, record: OnceRecord, environment: Environment, context: Context) -> Performed:
    """Run a handler whose lease was taken, unless it is already done; publish what is left to publish.

    Raises:
        LeaseLost: the handler took longer than its function may run; nothing is committed.
    """
    if record.state == "published":
        return Performed(record.attempt, record.published, None, duplicate=True, answer=record.answer)
    state: OnceState = record.state
    sealed, answer = record.sealed, record.answer
    if state == "in_progress":
        state, sealed, answer = _commit(task, lease, record.attempt, environment, context)
    if state == "done":
        seconds_left = context.get_remaining_time_in_millis() / 1000 - _PUBLISH_RESERVE_SECONDS
        publish(sealed, environment.events, environment.bus, environment.clock, seconds_left)
        environment.store.mark_published(task.key)
    subject = sealed[0].subject if sealed else None
    return Performed(record.attempt, published_events(sealed), subject, duplicate=False, answer=answer)


def _commit(
    task: Task, lease: Lease, attempt: int, environment: Environment, context: Context
) -> tuple[OnceState, tuple[SealedEvent, ...], StoredResponse | None]:
    """Run the handler and commit; again, from fresh reads, where another unit of work was faster."""
    for run in range(1, _CONFLICTS + 1):
        unit = UnitOfWork(task.function.name, task.function.uses, environment.store, environment.variables)
        delivery = Delivery(
            event_id=task.cause.causation_id or task.key.event_id,
            correlation_id=task.cause.correlation_id,
            attempt=attempt,
            idempotency_key=derived_id(*task.key),
            now=environment.clock.now(),
            is_replay=task.cause.is_replay,
        )
        with run_in(unit):
            returned, render = task.run(delivery)
            events = _events(task.function, returned)
        sealed = _seal(task, events, environment)
        answer = render() if render else None
        writes = unit.writes()
        if not (writes or sealed or task.remembered):
            return "published", sealed, answer
        _check_size(task.function, sealed, answer)
        if context.get_remaining_time_in_millis() <= 0:
            raise LeaseLost(
                f"{task.function.name} took longer than it may run.\n  Raise its timeout=, or make it faster."
            )
        try:
            return environment.store.commit(task.key, lease, writes, sealed, answer), sealed, answer
        except Conflict:
            if run == _CONFLICTS:
                raise
            pause = random.uniform(0, min(_FIRST_PAUSE_SECONDS * 2 ** (run - 1), _LONGEST_PAUSE_SECONDS))  # noqa: S311 - jitter keeps no secret
            environment.clock.sleep(pause)
    raise AssertionError("unreachable: the last conflict is raised")


def _events(function: AnyFunction, published: object) -> list[Contract]:
    """Return what a handler published as a list; refuse what its annotation does not name."""
    if published is None and function.may_publish_nothing:
        return []
    one = isinstance(published, Contract) or not isinstance(published, Iterable)
    events: list[Any] = [published] if one else [*published]  # type: ignore[misc]  # what is not one is iterable
    for event in events:
        if type(event) not in function.publishes:
            named = ", ".join(contract.__name__ for contract in function.publishes) or "nothing"
            raise ContractViolation(
                f"{function.name} returned {type_name(type(event))}, but its annotation publishes {named}.\n"
                "  Return what the annotation names, or annotate what is returned."
            )
    return events


def _seal(task: Task, events: list[Contract], environment: Environment) -> tuple[SealedEvent, ...]:
    """Seal the events under ids derived from what caused them, so that a republished event is recognised."""
    return tuple(
        sealed
        for position, event in enumerate(events)
        for sealed in seal_renderings(
            event,
            event_id=derived_id(*task.key, position),
            occurred_at=environment.clock.now(),
            correlation_id=task.cause.correlation_id,
            publisher=task.function.name,
            causation_id=task.cause.causation_id,
            replay_of=task.cause.replay_of,
            traceparent=task.cause.traceparent,
        )
    )


def _check_size(function: AnyFunction, sealed: tuple[SealedEvent, ...], answer: StoredResponse | None) -> None:
    """Refuse what would not fit into the once-record: the sealed events, what names each, and a route's answer."""
    size = sum(len(event.detail.encode()) + _NAMING_BYTES for event in sealed) + (
        len(answer.body.encode()) if answer else 0
    )
    if size > MAX_SEALED_BYTES:
        raise TooMuchWork(
            f"{function.name} publishes and answers {size} bytes at once; it may be {MAX_SEALED_BYTES}.\n"
            "  Publish fewer events, answer page by page, or store the large part and refer to it."
        )
