"""The laptop's Lambda: it makes the deliveries that are due, retries what failed, and buries what is given up.

Each function has a desk: what is ready for it, in a short queue in memory, and how many invocations it has. A slow or
failing function fills its own desk and delays no other; what does not fit on a desk waits on disk, where it costs
nothing. An invocation that outlives its timeout has failed: its desk goes on, and what it still does is not committed.
"""

import json
import logging
import threading
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from heapq import heappop, heappush
from random import Random
from time import monotonic
from typing import Final

from contradance.choreography import AnyFunction, Choreography
from contradance.errors import ContradanceError
from contradance.function import Schedule
from contradance.local.bus import Bus, Waiting
from contradance.local.clock import MovableClock, RealClock
from contradance.local.record import Exhausted, context, failure_record, redriven, sqs_batch
from contradance.runtime.consume import describe
from contradance.runtime.entry import invoke
from contradance.runtime.ports import Place
from contradance.subscription import Subscription

_LOG = logging.getLogger("contradance.runner")
PLACES: Final = 4
"""Invocations of one function at a time, where it asks for no other `concurrency`."""
DESK: Final = 256
"""Deliveries that wait for one function in memory; the others wait on disk."""
_LOOK: Final = 1_000
"""Most of a function's deliveries that `drain` shuffles together."""
_SPARE_THREADS: Final = 64
"""Threads beyond the functions' places, for invocations that outlived their timeout and still hold one."""
_LOOK_SECONDS: Final = 1.0
"""Longest that the timekeeper sleeps without looking around."""
_UNSETTLED_SECONDS: Final = 5.0
"""Pause before a delivery whose outcome could not be written down is made again."""


class TimedOut(Exception):
    """An invocation outlived its function's timeout."""


@dataclass(eq=False, slots=True)
class _Desk:
    """One function's work."""

    function: AnyFunction
    ready: deque[Waiting] = field(default_factory=deque)
    held: set[str] = field(default_factory=set)
    """Ids of the deliveries that are about to be on disk, ready or being made."""
    invocations: int = 0
    more: bool = True
    """Whether there may be deliveries on disk that are due."""
    alarm: float | None = None
    """When the desk is to look at the disk again, in seconds of the epoch."""

    @property
    def places(self) -> int:
        """Most invocations at a time."""
        return self.function.limits.concurrency or PLACES

    @property
    def batch(self) -> int:
        """Most deliveries that one invocation takes."""
        trigger = self.function.trigger
        return trigger.batch if isinstance(trigger, Subscription) and trigger.delivery == "queue" else 1


@dataclass(eq=False, slots=True)
class _Invocation:
    """One invocation that is running."""

    desk: _Desk
    batch: list[Waiting]
    deadline: float
    """On the machine's monotonic clock, in seconds."""


class Runner:
    """Delivers what the bus holds to the functions of one choreography."""

    def __init__(
        self,
        choreography: Choreography,
        bus: Bus,
        place: Place,
        *,
        when_settled: Callable[[Waiting], None],
        every_minute: Callable[[], object],
    ) -> None:
        self._desks = {
            name: _Desk(function)
            for name, function in choreography.functions.items()
            if isinstance(function.trigger, Subscription | Schedule)
        }
        self._bus = bus
        self._place = place
        self._when_settled = when_settled
        self._every_minute = every_minute
        self._minute = place.clock.now()
        self._changed = threading.Condition()
        self._alarms: list[tuple[float, str]] = []
        self._moments: dict[str, datetime] = {}
        self._running: set[_Invocation] = set()
        self._abandoned = 0
        self._stopping = False
        self._pool: ThreadPoolExecutor | None = None
        self._timekeeper: threading.Thread | None = None
        for desk in self._desks.values():
            self._plan(desk.function, place.clock.now())
        bus.desks = self

    def start(self, clock: RealClock) -> None:
        """Deliver in threads until `stop`."""
        threads = sum(desk.places for desk in self._desks.values()) + _SPARE_THREADS
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="contradance")
        self._timekeeper = threading.Thread(target=self._keep_time, args=(clock,), name="contradance-time", daemon=True)
        self._timekeeper.start()
        for desk in self._desks.values():
            self._staff(desk)

    def stop(self) -> bool:
        """Begin no more invocations, and wait for those that run, each to its timeout; return whether all ended."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        if self._timekeeper is None or self._pool is None:
            return True
        self._timekeeper.join()
        self._pool.shutdown(wait=not self._abandoned)
        return not self._abandoned

    # On a clock that is moved

    def drain(self, clock: MovableClock, random: Random, until: datetime | None = None) -> None:
        """Deliver one by one, in a random order, until nothing waits; with `until`, until that moment instead."""
        while True:
            now = clock.now()
            for name in [name for name, moment in self._moments.items() if until and moment <= now]:
                self._tick(self._desks[name].function, now)
            ready = [waiting for name in self._desks for waiting in self._bus.due(name, now, _LOOK)]
            random.shuffle(ready)
            for waiting in ready:
                desk = self._desks[waiting.function]
                self._settle(desk, [waiting], self._invoke(desk.function, [waiting]))
            if not ready and not self._move_on(clock, until):
                return

    def _move_on(self, clock: MovableClock, until: datetime | None) -> bool:
        """Move the clock to whatever happens next; return False where nothing does before `until`."""
        dues = [due for name in self._desks if (due := self._bus.next_due(name, clock.now())) is not None]
        moments = [datetime.fromtimestamp(due, clock.now().tzinfo) for due in dues]
        moments += self._moments.values() if until else ()
        following = min(moments, default=None)
        if following is None or (until and following > until):
            clock.move_to(until or clock.now())
            return False
        clock.move_to(following)
        return True

    # In threads

    def hold(self, accepted: Iterable[Waiting]) -> None:
        """Keep deliveries that will be offered from being taken from disk as well."""
        if self._pool is not None:
            with self._changed:
                for waiting in accepted:
                    self._desks[waiting.function].held.add(waiting.id)

    def offer(self, accepted: Iterable[Waiting]) -> None:
        """Put deliveries that were just accepted on their desks, as far as there is room."""
        if self._pool is None:
            return
        with self._changed:
            for waiting in accepted:
                desk = self._desks[waiting.function]
                if waiting.id in desk.held and len(desk.ready) < DESK:
                    desk.ready.append(waiting)
                else:
                    self._release(desk, [waiting], again=True)
                self._staff(desk)

    def _release(self, desk: _Desk, batch: Iterable[Waiting], *, again: bool) -> None:
        """Let deliveries go; `again` where they are still on disk, to be made another time."""
        with self._changed:
            desk.held.difference_update(waiting.id for waiting in batch)
            desk.more = desk.more or again

    def _staff(self, desk: _Desk) -> None:
        """Begin one more invocation at a desk that has work and a place."""
        with self._changed:
            if self._pool and not self._stopping and desk.invocations < desk.places and (desk.ready or desk.more):
                desk.invocations += 1
                self._pool.submit(self._work, desk)

    def _work(self, desk: _Desk) -> None:
        """Make one delivery after the other until the desk is empty."""
        while (invocation := self._take(desk)) is not None:
            failed = self._invoke(desk.function, invocation.batch)
            with self._changed:
                if invocation not in self._running:
                    self._abandoned -= 1
                    return  # it outlived its timeout: its deliveries are settled, its place is taken
                self._running.remove(invocation)
            self._settle(desk, invocation.batch, failed)
            self._release(desk, invocation.batch, again=bool(failed))
        self._bus.flush()

    def _take(self, desk: _Desk) -> _Invocation | None:
        """Take the next batch from a desk, filling it from disk where it is empty; None gives the place back."""
        while True:
            with self._changed:
                if desk.ready and not self._stopping:
                    batch = [desk.ready.popleft() for _ in range(min(desk.batch, len(desk.ready)))]
                    deadline = monotonic() + desk.function.limits.timeout.total_seconds()
                    invocation = _Invocation(desk, batch, deadline)
                    self._running.add(invocation)
                    return invocation
                if not desk.more or self._stopping:
                    desk.invocations -= 1
                    self._changed.notify_all()
                    return None
                desk.more = False
            self._fill(desk)

    def _fill(self, desk: _Desk) -> None:
        """Put what is due on an empty desk, and set an alarm for what is due later."""
        now, limit = self._place.clock.now(), DESK + len(desk.held)

        def take(due: list[Waiting]) -> None:
            with self._changed:
                fresh = [waiting for waiting in due if waiting.id not in desk.held]
                desk.ready.extend(fresh)
                desk.held.update(waiting.id for waiting in fresh)
                desk.more = desk.more or len(due) == limit
                for _ in fresh[desk.batch :: desk.batch]:
                    self._staff(desk)

        self._bus.take_due(desk.function.name, now, limit, take)
        following = self._bus.next_due(desk.function.name, after=now)
        if following is not None:
            self._set_alarm(desk, following)

    def _set_alarm(self, desk: _Desk, due: float) -> None:
        """Have a desk look at the disk at `due`; one alarm is enough, since looking sets the next."""
        with self._changed:
            if desk.alarm is None or due < desk.alarm:
                desk.alarm = due
                heappush(self._alarms, (due, desk.function.name))
                self._changed.notify_all()

    def _keep_time(self, clock: RealClock) -> None:
        """Ring alarms, run schedules and end what outlives its timeout, until the runner has stopped."""
        while True:
            late = self._look_around(clock)
            for invocation in late:
                self._time_out(invocation)
            with self._changed:
                if self._stopping and not any(desk.invocations for desk in self._desks.values()):
                    return
                self._changed.wait(self._pause(clock))

    def _look_around(self, clock: RealClock) -> list[_Invocation]:
        """Wake the desks whose alarm rings; return the invocations that have outlived their timeout."""
        now = clock.now()
        if not self._stopping:
            for name in [name for name, moment in self._moments.items() if moment <= now]:
                self._tick(self._desks[name].function, now)
            self._sweep(now)
        with self._changed:
            while self._alarms and self._alarms[0][0] <= now.timestamp():
                desk = self._desks[heappop(self._alarms)[1]]
                desk.alarm, desk.more = None, True
                self._staff(desk)
            late = [invocation for invocation in self._running if invocation.deadline <= monotonic()]
            self._running.difference_update(late)
            self._abandoned += len(late)
        return late

    def _sweep(self, now: datetime) -> None:
        """Do at the start, and every minute from then on, what nobody waits for."""
        if now >= self._minute:
            self._minute = now + timedelta(minutes=1)
            try:
                self._every_minute()
            except ContradanceError as error:
                _LOG.error("%s", error)

    def _pause(self, clock: RealClock) -> float:
        """Return the real seconds until the next alarm, scheduled moment or timeout."""
        moments = [*self._moments.values()]
        if self._alarms:
            moments.append(datetime.fromtimestamp(self._alarms[0][0], clock.now().tzinfo))
        deadlines = [max(invocation.deadline - monotonic(), 0) for invocation in self._running]
        return min([_LOOK_SECONDS, *map(clock.wait_for, moments), *deadlines])

    def _time_out(self, invocation: _Invocation) -> None:
        """Settle an invocation as failed, and give its place to the next; its thread ends by itself, unheard."""
        desk = invocation.desk
        seconds = desk.function.limits.timeout.total_seconds()
        error = TimedOut(f"Task timed out after {seconds:.2f} seconds")
        for waiting in invocation.batch:
            attempt = describe(desk.function, json.loads(waiting.envelope), self._place)
            attempt.leave("failed", waiting.attempt, error=f"TimedOut: {error}")
        self._settle(desk, invocation.batch, {waiting.id: error for waiting in invocation.batch})
        self._release(desk, invocation.batch, again=True)
        with self._changed:
            desk.invocations -= 1
        self._staff(desk)

    # What an invocation is

    def _invoke(self, function: AnyFunction, batch: Sequence[Waiting]) -> dict[str, BaseException]:
        """Invoke a function as AWS would; return the deliveries that failed."""
        called = context(function, batch[0].id)
        try:
            if function.delivery == "direct":
                invoke(function, json.loads(batch[0].envelope), called, self._place)
                return {}
            answer = invoke(function, sqs_batch(batch, self._place.clock.now()), called, self._place)
        except (Exception, SystemExit) as error:  # noqa: BLE001 - journaled by the runtime; it is what Lambda would retry
            return dict.fromkeys((waiting.id for waiting in batch), error)
        failed = answer["batchItemFailures"] if isinstance(answer, dict) else []
        return {item["itemIdentifier"]: RuntimeError("reported as a batch item failure") for item in failed}

    def _settle(self, desk: _Desk, batch: Sequence[Waiting], failed: dict[str, BaseException]) -> None:
        """Write down what came of each delivery: finished, to be made again, or a dead letter."""
        for waiting in batch:
            try:
                if waiting.id in failed:
                    self._give_back(desk, waiting, failed[waiting.id])
                else:
                    self._bus.finish(waiting)
                self._when_settled(waiting)
            except Exception:  # noqa: BLE001 - the delivery is still on disk, and is made again
                _LOG.exception("a delivery to %s could not be settled", desk.function.name)
                self._set_alarm(desk, self._place.clock.now().timestamp() + _UNSETTLED_SECONDS)

    def _give_back(self, desk: _Desk, waiting: Waiting, error: BaseException) -> None:
        """Have a failed delivery made again after its pause; bury it where its attempts or its time are used up."""
        function, now = desk.function, self._place.clock.now()
        following = now + function.retry.delay(function.delivery, waiting.attempt, function.limits.timeout)
        age = following - datetime.fromtimestamp(waiting.sent, now.tzinfo)
        if function.delivery == "queue":
            if waiting.attempt > function.retry.times:
                self._bus.bury(waiting, waiting.envelope, redriven(waiting))
                return
        elif waiting.attempt > function.retry.times or age > function.retry.max_age:
            condition: Exhausted = "RetriesExhausted" if waiting.attempt > function.retry.times else "EventAgeExceeded"
            self._bus.bury(waiting, failure_record(waiting, now, condition, error), {})
            return
        self._bus.postpone(waiting, following)
        self._set_alarm(desk, following.timestamp())

    # Schedules

    def _plan(self, function: AnyFunction, now: datetime) -> None:
        """Note when a scheduled function runs next."""
        if isinstance(function.trigger, Schedule):
            following = function.trigger.timetable.next_after(now)
            if following is None:
                self._moments.pop(function.name, None)
            else:
                self._moments[function.name] = following

    def _tick(self, function: AnyFunction, now: datetime) -> None:
        """Put a scheduled run on the bus, and plan the one after the present."""
        if isinstance(function.trigger, Schedule):
            moment = self._moments[function.name]
            self._plan(function, max(now, moment))
            self._bus.put_moment(function.name, function.trigger.timetable.expression, moment)
