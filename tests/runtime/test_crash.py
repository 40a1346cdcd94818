"""The process dies before and after every call to the store and to EventBridge; what was asked for is still done once.

`survive` is also run against machines in which the step that it guards is missing, to see it fail.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4, uuid5

import pytest

from contradance import Delivery, Reply, route, schedule, subscriber
from contradance.envelope import SealedEvent
from contradance.errors import HandlerExited, LeaseHeld
from contradance.function import AnyFunction
from contradance.local.clock import VirtualClock
from contradance.local.state.database import Database
from contradance.local.store import SQLiteStore
from contradance.runtime.entry import invoke
from contradance.runtime.once import Lease, OnceKey, OnceRecord, OnceState, StoredResponse
from contradance.runtime.ports import Context, Environment, Store, Write
from contradance.runtime.sweep import sweep
from tests.runtime.aws.moto import dynamodb_store, moto_with_once_table
from tests.runtime.desk import TICKET, Job, RepairPlanned, TicketOpened, TicketView, jobs, opened
from tests.runtime.fakes import FakeContext, FakeDeadLetters, FakeEvents, FakeJournal, delivered, queued, recorded

LEASE_ENDS = timedelta(minutes=1)


class TickingClock(VirtualClock):
    """A clock that moves on a little whenever it is looked at: what would wait for ever comes to its end."""

    def now(self) -> datetime:
        self.sleep(0.1)
        return super().now()


class Died(BaseException):
    """The process is gone: nothing after this line runs."""


class Steps:
    """The steps of one process, which stays dead once it has died: an exception alone does not end it."""

    def __init__(self, last: int) -> None:
        self._numbers = count()
        self._last = last
        self.dead = False

    def take(self) -> None:
        self.dead = self.dead or next(self._numbers) == self._last
        if self.dead:
            raise Died


class Mortal:
    """Something whose calls are steps: the process dies before or after one of them."""

    def __init__(self, mortal: object, steps: Steps) -> None:
        self._mortal = mortal
        self._steps = steps

    def __getattr__(self, name: str) -> Callable[..., object]:
        def step(*args: object, **kwargs: object) -> object:
            self._steps.take()
            returned: object = getattr(self._mortal, name)(*args, **kwargs)
            self._steps.take()
            return returned

        return step


def repair(ticket_id: UUID) -> list[RepairPlanned]:
    """Count the repair in a row, and publish two events."""
    before = jobs.get(ticket_id)
    jobs.put(Job(ticket_id=ticket_id, attempts=before.attempts + 1 if before else 1))
    return [RepairPlanned(ticket_id=ticket_id, step=step) for step in range(2)]


@subscriber(service="repairs", uses=[jobs.write])
def plan(event: TicketOpened) -> list[RepairPlanned]:
    return repair(event.ticket_id)


@subscriber(service="repairs", uses=[jobs.write], delivery="queue")
def plan_later(event: TicketOpened) -> list[RepairPlanned]:
    return repair(event.ticket_id)


@route("POST /tickets/{ticket_id}", service="repairs", uses=[jobs.write])
def plan_now(ticket_id: UUID) -> Reply[TicketView, list[RepairPlanned]]:
    return Reply(TicketView(ticket_id=ticket_id, items=0), publishes=repair(ticket_id))


@schedule("rate(1 day)", service="repairs", uses=[jobs.write])
def plan_daily(delivery: Delivery) -> list[RepairPlanned]:
    assert delivery.event_id.endswith(str(_scheduled[-1]))
    return repair(_scheduled[-1])


_scheduled: list[UUID] = []


def _of_event(ticket: UUID) -> dict[str, Any]:
    return delivered(opened(ticket_id=ticket), event_id=str(ticket))


def _of_queue(ticket: UUID) -> dict[str, Any]:
    batch = queued(_of_event(ticket))
    batch["Records"][0]["messageId"] = str(ticket)
    return batch


def _of_request(ticket: UUID) -> dict[str, Any]:
    request = recorded("http_post")
    headers = {**request["headers"], "idempotency-key": str(ticket)}
    asked = {"routeKey": plan_now.trigger.key, "headers": headers, "body": ""}  # type: ignore[union-attr]
    return {**request, **asked, "rawPath": f"/tickets/{ticket}", "pathParameters": {"ticket_id": str(ticket)}}


def _of_schedule(ticket: UUID) -> dict[str, Any]:
    _scheduled.append(ticket)
    return {**recorded("scheduler"), "scheduled_time": str(ticket)}


KINDS: dict[str, tuple[AnyFunction, Callable[[UUID], dict[str, Any]]]] = {
    "direct": (plan, _of_event),
    "queue": (plan_later, _of_queue),
    "route": (plan_now, _of_request),
    "schedule": (plan_daily, _of_schedule),
}
AFTER = ["the same request", "another request", "nobody"]
"""Who comes after the process that died; the sweeper always does."""


class Lives:
    """One store, and the lives of the processes that use it."""

    def __init__(self, store: Store, clock: VirtualClock) -> None:
        self.store = store
        self.clock = clock
        self.events = FakeEvents()

    def live(self, function: AnyFunction, event: Mapping[str, Any], request: str, last: int = -1) -> bool:
        """Handle one invocation; return False where the process died at step `last` of it."""
        steps = Steps(last)
        store: Any = Mortal(self.store, steps)
        events: Any = Mortal(self.events, steps)
        environment = replace(self.environment, store=store, events=events)
        context: Context = FakeContext(request)
        try:
            invoke(function, event, context, environment)
        except (Died, HandlerExited):
            assert steps.dead
        return not steps.dead

    @property
    def environment(self) -> Environment:
        return Environment(self.store, self.events, FakeDeadLetters(), FakeJournal(), self.clock, {}, "desk")

    def published(self) -> list[str]:
        return [json.loads(entry["Detail"])["metadata"]["event_id"] for entry in self.events.accepted]


def survive(lives: Lives, kind: str, after: str) -> int:
    """Die at every step in turn, let live who comes after, and check; return the number of steps."""
    function, event_of = KINDS[kind]
    for step in count():
        ticket = uuid5(TICKET, f"{kind} {after} {step}")
        event = event_of(ticket)
        lives.events.accepted.clear()
        lived = lives.live(function, event, "request-1", step)
        if after == "the same request" and not lived:
            assert lives.live(function, event, "request-1")
        lives.clock.sleep(LEASE_ENDS.total_seconds())
        if after == "another request" and not lived:
            assert lives.live(function, event, "request-2")
        sweep(lives.environment, 5)
        with suppress(LeaseHeld):
            lives.live(function, event, "request-1") if after != "nobody" else None
        check(lives, ticket, done=None if after == "nobody" and not lived else True)
        if lived:
            return step
    raise AssertionError("unreachable: steps are counted without end")


def check(lives: Lives, ticket: UUID, *, done: bool | None) -> None:
    """Assert that a repair was planned once, with all of its events, or not at all where `done` is None."""
    row = lives.store.get(jobs.name, (str(ticket), ""))
    published = lives.published()
    assert lives.store.unpublished(lives.clock.now(), 10) == []
    if row is None and done is None:
        assert published == []
        return
    assert row is not None
    assert json.loads(row.document)["attempts"] == 1
    assert len({*published}) == 2


@pytest.fixture(params=["sqlite", "dynamodb"])
def lives(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Lives]:
    clock = TickingClock()
    if request.param == "dynamodb":
        with moto_with_once_table():
            yield Lives(dynamodb_store(clock, with_sort_key=lambda _: False), clock)
    else:
        database = Database(tmp_path / "state.sqlite3", synchronous="OFF")
        yield Lives(SQLiteStore(database), clock)
        database.close()


@pytest.mark.parametrize("after", AFTER)
@pytest.mark.parametrize("kind", KINDS)
def test_a_process_may_die_at_every_step(lives: Lives, kind: str, after: str) -> None:
    assert survive(lives, kind, after) >= 10


class _Sabotaged:
    """A store of which one step is missing."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def __getattr__(self, name: str) -> object:
        return getattr(self._store, name)


class _CommitsInTwoSteps(_Sabotaged):
    """The rows first, and the record in a transaction of its own; in between the process may die."""

    died = False

    def commit(
        self,
        key: OnceKey,
        lease: Lease,
        writes: Sequence[Write],
        sealed: Sequence[SealedEvent],
        answer: StoredResponse | None,
    ) -> OnceState:
        self._store.commit(OnceKey("rows", "only", str(uuid4())), lease, writes, (), None)
        if not self.died:
            self.died = True
            raise Died
        return self._store.commit(key, lease, (), sealed, answer)


class _ForgetsTheEvents(_Sabotaged):
    """What is done is taken to be published."""

    def begin(self, key: OnceKey, lease: Lease, now: Any) -> OnceRecord:
        record = self._store.begin(key, lease, now)
        if record.state == "done":
            self._store.mark_published(key, record.sealed)
            return replace(record, state="published", sealed=())
        return record


class _ForgetsTheRecord(_Sabotaged):
    """Rows are written, and nobody knows for whom."""

    def commit(
        self,
        key: OnceKey,
        lease: Lease,
        writes: Sequence[Write],
        sealed: Sequence[SealedEvent],
        answer: StoredResponse | None,
    ) -> OnceState:
        return self._store.commit(key._replace(event_id=str(uuid4())), lease, writes, sealed, answer)


class _SealsAnew(_Sabotaged):
    """A republished event goes out under another id."""

    def begin(self, key: OnceKey, lease: Lease, now: Any) -> OnceRecord:
        record = self._store.begin(key, lease, now)
        return replace(record, sealed=tuple(_under_another_id(event) for event in record.sealed))


def _under_another_id(event: SealedEvent) -> SealedEvent:
    detail = json.loads(event.detail)
    detail["metadata"]["event_id"] = str(uuid4())
    return event._replace(detail=json.dumps(detail))


class _NeverMarks(_Sabotaged):
    """What is published stays to be published."""

    def mark_published(self, key: OnceKey, sealed: Sequence[SealedEvent]) -> None:
        pass


_SABOTAGED = [_CommitsInTwoSteps, _ForgetsTheEvents, _ForgetsTheRecord, _SealsAnew, _NeverMarks]


class TestWithoutTheStepThatIsGuarded:
    """`survive` has to fail."""

    @pytest.mark.parametrize("sabotaged", _SABOTAGED)
    def test_a_broken_store_does_not_survive(self, lives: Lives, sabotaged: type[_Sabotaged]) -> None:
        broken: Any = sabotaged(lives.store)
        lives.store = broken

        with pytest.raises(AssertionError):
            survive(lives, "direct", "the same request")
