"""Delivering in threads, on a clock that runs.

Each function has a desk: what is ready for it, in a short queue in memory, and how many invocations it has. A slow or
failing function fills its own desk and delays no other; what does not fit on a desk waits on disk, where it costs
nothing. An invocation that outlives its timeout has failed: its desk goes on, and what it still does is not committed.

Desks and timekeeper are one module because they share one lock.

Locks are taken in one order: the database's, and then the runner's; nothing is written to disk under the runner's own.
"""

import logging
import threading
from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from heapq import heappop, heappush
from time import monotonic
from typing import Final

from contradance.choreography import AnyFunction
from contradance.local.bus import Bus
from contradance.local.clock import RealClock
from contradance.local.invoker import UNSETTLED_SECONDS, Invoker
from contradance.local.moments import Moments
from contradance.local.waiting import Waiting
from contradance.subscription import Subscription

_LOG = logging.getLogger("contradance.runner")
PLACES: Final = 4
"""Invocations of one function at a time, where it asks for no other `concurrency`."""
DESK: Final = 256
"""Deliveries that wait for one function in memory; the others wait on disk."""
_SPARE: Final = 8
"""Threads of one function beyond its places, for invocations that outlived their timeout; more of them cost it places."""
_LOOK_SECONDS: Final = 1.0
"""Longest that the timekeeper sleeps without looking around."""


@dataclass(eq=False, slots=True)
class _Desk:
    """One function's work."""

    function: AnyFunction
    ready: deque[Waiting] = field(default_factory=deque)
    held: set[str] = field(default_factory=set)
    """Ids of the deliveries that are about to be on disk, ready or being made."""
    invocations: int = 0
    abandoned: int = 0
    """Invocations that outlived their timeout, and whose threads still run."""
    more: bool = True
    """Whether there may be deliveries on disk that are due."""
    alarm: float | None = None
    """When the desk is to look at the disk again, in seconds of the epoch."""

    @property
    def places(self) -> int:
        """Most invocations at a time."""
        return self.function.limits.concurrency or PLACES

    @property
    def has_place(self) -> bool:
        """Whether one more invocation may begin."""
        return self.invocations + max(self.abandoned - _SPARE, 0) < self.places

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
    """Makes deliveries as the bus offers them, and when their alarms ring.

    Args:
        functions: those that subscribe, or run by the clock.
        bus: what holds the deliveries.
        invoker: what makes them.
        moments: when scheduled functions run.
        every_minute: called at the start, and every minute from then on.
    """

    def __init__(
        self,
        functions: Iterable[AnyFunction],
        bus: Bus,
        invoker: Invoker,
        moments: Moments,
        every_minute: Callable[[], object],
    ) -> None:
        self._desks = {function.name: _Desk(function) for function in functions}
        self._bus = bus
        self._invoker = invoker
        self._moments = moments
        self._every_minute = every_minute
        self._minute: datetime
        self._changed = threading.Condition()
        self._alarms: list[tuple[float, str]] = []
        self._running: set[_Invocation] = set()
        self._stopping = False
        self._clock: RealClock
        self._pool: ThreadPoolExecutor | None = None
        self._timekeeper: threading.Thread | None = None

    def start(self, clock: RealClock) -> None:
        """Deliver in threads until `stop`."""
        self._clock = clock
        self._minute = clock.now()
        threads = sum(desk.places + _SPARE for desk in self._desks.values())
        self._pool = ThreadPoolExecutor(max(threads, 1), thread_name_prefix="contradance")
        self._timekeeper = threading.Thread(target=self._keep_time, name="contradance-time", daemon=True)
        self._bus.desks = self
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
        ended = not any(desk.abandoned for desk in self._desks.values())
        self._pool.shutdown(wait=ended)
        return ended

    # What the bus tells

    def hold(self, accepted: Iterable[Waiting]) -> None:
        """Keep deliveries that will be offered from being taken from disk as well."""
        with self._changed:
            for waiting in accepted:
                self._desks[waiting.function].held.add(waiting.id)

    def offer(self, accepted: Iterable[Waiting]) -> None:
        """Put deliveries that were just accepted on their desks, as far as there is room."""
        with self._changed:
            for waiting in accepted:
                desk = self._desks[waiting.function]
                if len(desk.ready) < DESK and not desk.more:  # what waits on disk is older, and comes first
                    desk.ready.append(waiting)
                else:
                    self._release(desk, [waiting], again=True)
                self._staff(desk)

    # What a desk does

    def _staff(self, desk: _Desk) -> None:
        """Begin one more invocation at a desk that has work and a place."""
        with self._changed:
            if self._pool and not self._stopping and desk.has_place and (desk.ready or desk.more):
                desk.invocations += 1
                self._pool.submit(self._work, desk)

    def _work(self, desk: _Desk) -> None:
        """Make one delivery after the other until the desk is empty, and give the place back."""
        try:
            while (invocation := self._take(desk)) is not None:
                failed = self._invoker.invoke(desk.function, invocation.batch, invocation.deadline)
                with self._changed:
                    if invocation not in self._running:
                        desk.abandoned -= 1
                        self._staff(desk)
                        return  # it outlived its timeout: its deliveries are settled, its place is taken
                    self._running.remove(invocation)
                if failed and monotonic() >= invocation.deadline:
                    failed = self._invoker.time_out(desk.function, invocation.batch)  # before the timekeeper saw it
                self._settle(desk, invocation.batch, failed)
            self._bus.flush()
        except Exception:  # noqa: BLE001 - what waits is on disk, and is looked for again
            _LOG.exception("%s cannot be given its deliveries", desk.function.name)
            self._set_alarm(desk, self._clock.now() + timedelta(seconds=UNSETTLED_SECONDS))
        with self._changed:
            desk.invocations -= 1
            self._staff(desk)
            self._changed.notify_all()

    def _take(self, desk: _Desk) -> _Invocation | None:
        """Take the next batch from a desk, filling it from disk where it is empty."""
        while not self._stopping:
            with self._changed:
                if desk.ready:
                    batch = [desk.ready.popleft() for _ in range(min(desk.batch, len(desk.ready)))]
                    deadline = monotonic() + desk.function.limits.timeout.total_seconds()
                    invocation = _Invocation(desk, batch, deadline)
                    self._running.add(invocation)
                    return invocation
                if not desk.more:
                    return None
                desk.more = False
            self._fill(desk)
        return None

    def _fill(self, desk: _Desk) -> None:
        """Put what is due on an empty desk, and set an alarm for what is due later."""
        with self._changed:
            before = desk.held.copy()  # of these, some are let go while their end is still on its way to the disk
        now, limit = self._clock.now(), DESK + len(before)

        def take(due: list[Waiting]) -> None:
            with self._changed:
                fresh = [waiting for waiting in due if waiting.id not in desk.held | before]
                desk.ready.extend(fresh)
                desk.held.update(waiting.id for waiting in fresh)
                desk.more = desk.more or len(due) == limit
                for _ in fresh[desk.batch :: desk.batch]:
                    self._staff(desk)

        self._bus.take_due(desk.function.name, now, limit, take)
        following = self._bus.next_due(desk.function.name, after=now)
        if following is not None:
            self._set_alarm(desk, datetime.fromtimestamp(following, now.tzinfo))

    def _settle(self, desk: _Desk, batch: list[Waiting], failed: dict[str, BaseException]) -> None:
        """Write down what came of a batch, and let it go."""
        try:
            for moment in self._invoker.settle(desk.function, batch, failed):
                self._set_alarm(desk, moment)
        finally:
            self._release(desk, batch, again=bool(failed))

    def _release(self, desk: _Desk, batch: Iterable[Waiting], *, again: bool) -> None:
        """Let deliveries go; `again` where they are still on disk, to be made another time."""
        with self._changed:
            desk.held.difference_update(waiting.id for waiting in batch)
            desk.more = desk.more or again

    def _set_alarm(self, desk: _Desk, moment: datetime) -> None:
        """Have a desk look at the disk at `moment`; one alarm is enough, since looking sets the next."""
        due = moment.timestamp()
        with self._changed:
            if desk.alarm is None or due < desk.alarm:
                desk.alarm = due
                heappush(self._alarms, (due, desk.function.name))
                self._changed.notify_all()

    # What the timekeeper does

    def _keep_time(self) -> None:
        """Ring alarms, run schedules and end what outlives its timeout, until the last place is given back."""
        while True:
            least = 0.0
            try:
                self._look_around()
            except Exception:  # noqa: BLE001 - without a timekeeper there are no retries: it goes on, and looks again
                _LOG.exception("the timekeeper could not do all it had to")
                least = _LOOK_SECONDS
            with self._changed:
                if self._stopping and not any(desk.invocations for desk in self._desks.values()):
                    return
                self._changed.wait(max(self._pause(), least))

    def _look_around(self) -> None:
        """Do what is due now."""
        now = self._clock.now()
        with self._changed:
            while self._alarms and self._alarms[0][0] <= now.timestamp():
                desk = self._desks[heappop(self._alarms)[1]]
                desk.alarm, desk.more = None, True
                self._staff(desk)
            late = [invocation for invocation in self._running if invocation.deadline <= monotonic()]
            self._running.difference_update(late)
            for invocation in late:
                invocation.desk.abandoned += 1
        for invocation in late:
            self._time_out(invocation)
        if not self._stopping:
            self._moments.tick(now)
            if now >= self._minute:
                self._minute = now + timedelta(minutes=1)
                self._every_minute()

    def _time_out(self, invocation: _Invocation) -> None:
        """Settle an invocation as failed, and give its place to the next; its thread ends by itself, unheard."""
        desk = invocation.desk
        try:
            self._settle(desk, invocation.batch, self._invoker.time_out(desk.function, invocation.batch))
        finally:
            with self._changed:
                desk.invocations -= 1
                self._staff(desk)

    def _pause(self) -> float:
        """Return the real seconds until the next alarm, scheduled moment or timeout."""
        moments = self._moments.coming()
        if self._alarms:
            moments.append(datetime.fromtimestamp(self._alarms[0][0], self._clock.now().tzinfo))
        deadlines = [max(invocation.deadline - monotonic(), 0) for invocation in self._running]
        return min([_LOOK_SECONDS, *map(self._clock.wait_for, moments), *deadlines])
