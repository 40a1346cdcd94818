"""Delivering in threads, on a clock that runs.

Each function has a worker queue: a short queue in memory of the deliveries that are ready, and the number of its
invocations. A slow or failing function fills its own queue and delays no other; what does not fit waits on disk, where
it costs nothing. An invocation that outlives its timeout has failed: its queue goes on, and its work is not committed.

Worker queues and timekeeper are one module because they share one lock.

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
from contradance.local.pending_delivery import PendingDelivery
from contradance.local.schedules import Schedules
from contradance.subscription import Subscription

_LOG = logging.getLogger("contradance.runner")
DEFAULT_CONCURRENCY: Final = 4
"""Invocations of one function at a time, where it asks for no other `concurrency`."""
MAX_QUEUED: Final = 256
"""Deliveries that wait for one function in memory; the others wait on disk."""
_SPARE: Final = 8
"""Threads of one function beyond its concurrency, for invocations that outlived their timeout; more of them reduce it."""
_LOOK_SECONDS: Final = 1.0
"""Longest that the timekeeper sleeps without looking around."""


@dataclass(eq=False, slots=True)
class _WorkerQueue:
    """One function's work."""

    function: AnyFunction
    ready: deque[PendingDelivery] = field(default_factory=deque)
    reserved: set[str] = field(default_factory=set)
    """Ids of the deliveries that are about to be on disk, ready or being made."""
    invocations: int = 0
    abandoned: int = 0
    """Invocations that outlived their timeout, and whose threads still run."""
    more: bool = True
    """Whether there may be deliveries on disk that are due."""
    alarm: float | None = None
    """When the queue is next filled from disk, in seconds of the epoch."""

    @property
    def concurrency(self) -> int:
        """Most invocations at a time."""
        return self.function.limits.concurrency or DEFAULT_CONCURRENCY

    @property
    def has_capacity(self) -> bool:
        """Whether one more invocation may begin."""
        return self.invocations + max(self.abandoned - _SPARE, 0) < self.concurrency

    @property
    def batch(self) -> int:
        """Most deliveries that one invocation takes."""
        trigger = self.function.trigger
        return trigger.batch if isinstance(trigger, Subscription) and trigger.delivery == "queue" else 1


@dataclass(eq=False, slots=True)
class _Invocation:
    """One invocation that is running."""

    queue: _WorkerQueue
    batch: list[PendingDelivery]
    deadline: float
    """On the machine's monotonic clock, in seconds."""


class Runner:
    """Makes deliveries as the bus enqueues them, and when their alarms ring.

    Args:
        functions: those that subscribe, or run by the clock.
        bus: what holds the deliveries.
        invoker: what makes them.
        schedules: when scheduled functions run.
        every_minute: called at the start, and every minute from then on.
    """

    def __init__(
        self,
        functions: Iterable[AnyFunction],
        bus: Bus,
        invoker: Invoker,
        schedules: Schedules,
        every_minute: Callable[[], object],
    ) -> None:
        self._queues = {function.name: _WorkerQueue(function) for function in functions}
        self._bus = bus
        self._invoker = invoker
        self._schedules = schedules
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
        threads = sum(queue.concurrency + _SPARE for queue in self._queues.values())
        self._pool = ThreadPoolExecutor(max(threads, 1), thread_name_prefix="contradance")
        self._timekeeper = threading.Thread(target=self._keep_time, name="contradance-time", daemon=True)
        self._bus.dispatcher = self
        self._timekeeper.start()
        for queue in self._queues.values():
            self._start_workers(queue)

    def stop(self) -> bool:
        """Begin no more invocations, and wait for those that run, each to its timeout; return whether all ended."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        if self._timekeeper is None or self._pool is None:
            return True
        self._timekeeper.join()
        ended = not any(queue.abandoned for queue in self._queues.values())
        self._pool.shutdown(wait=ended)
        return ended

    # What the bus calls

    def reserve(self, accepted: Iterable[PendingDelivery]) -> None:
        """Keep deliveries that will be enqueued from being taken from disk as well."""
        with self._changed:
            for pending in accepted:
                self._queues[pending.function].reserved.add(pending.id)

    def enqueue(self, accepted: Iterable[PendingDelivery]) -> None:
        """Put deliveries that were just accepted into their queues, as far as there is room."""
        with self._changed:
            for pending in accepted:
                queue = self._queues[pending.function]
                if len(queue.ready) < MAX_QUEUED and not queue.more:  # what waits on disk is older, and comes first
                    queue.ready.append(pending)
                else:
                    self._release(queue, [pending], again=True)
                self._start_workers(queue)

    # What a worker queue does

    def _start_workers(self, queue: _WorkerQueue) -> None:
        """Start one more invocation for a queue that has work and capacity."""
        with self._changed:
            if self._pool and not self._stopping and queue.has_capacity and (queue.ready or queue.more):
                queue.invocations += 1
                self._pool.submit(self._work, queue)

    def _work(self, queue: _WorkerQueue) -> None:
        """Make one delivery after the other until the queue is empty."""
        try:
            while (invocation := self._take(queue)) is not None:
                failed = self._invoker.invoke(queue.function, invocation.batch, invocation.deadline)
                with self._changed:
                    if invocation not in self._running:
                        queue.abandoned -= 1
                        self._start_workers(queue)
                        return  # it outlived its timeout: its deliveries are settled, another worker runs
                    self._running.remove(invocation)
                if failed and monotonic() >= invocation.deadline:
                    failed = self._invoker.time_out(queue.function, invocation.batch)  # before the timekeeper saw it
                self._settle(queue, invocation.batch, failed)
            self._bus.flush()
        except Exception:  # noqa: BLE001 - what waits is on disk, and is looked for again
            _LOG.exception("%s cannot be given its deliveries", queue.function.name)
            self._set_alarm(queue, self._clock.now() + timedelta(seconds=UNSETTLED_SECONDS))
        with self._changed:
            queue.invocations -= 1
            self._start_workers(queue)
            self._changed.notify_all()

    def _take(self, queue: _WorkerQueue) -> _Invocation | None:
        """Take the next batch from a queue; fill an empty queue from disk."""
        while not self._stopping:
            with self._changed:
                if queue.ready:
                    batch = [queue.ready.popleft() for _ in range(min(queue.batch, len(queue.ready)))]
                    deadline = monotonic() + queue.function.limits.timeout.total_seconds()
                    invocation = _Invocation(queue, batch, deadline)
                    self._running.add(invocation)
                    return invocation
                if not queue.more:
                    return None
                queue.more = False
            self._fill(queue)
        return None

    def _fill(self, queue: _WorkerQueue) -> None:
        """Put what is due into an empty queue, and set an alarm for what is due later."""
        with self._changed:
            before = queue.reserved.copy()  # of these, some are let go while their end is still on its way to the disk
        now, limit = self._clock.now(), MAX_QUEUED + len(before)

        def take(due: list[PendingDelivery]) -> None:
            with self._changed:
                fresh = [pending for pending in due if pending.id not in queue.reserved | before]
                queue.ready.extend(fresh)
                queue.reserved.update(pending.id for pending in fresh)
                queue.more = queue.more or len(due) == limit
                for _ in fresh[queue.batch :: queue.batch]:
                    self._start_workers(queue)

        self._bus.take_due(queue.function.name, now, limit, take)
        following = self._bus.next_due(queue.function.name, after=now)
        if following is not None:
            self._set_alarm(queue, datetime.fromtimestamp(following, now.tzinfo))

    def _settle(self, queue: _WorkerQueue, batch: list[PendingDelivery], failed: dict[str, BaseException]) -> None:
        """Write down what came of a batch, and let it go."""
        try:
            for moment in self._invoker.settle(queue.function, batch, failed):
                self._set_alarm(queue, moment)
        finally:
            self._release(queue, batch, again=bool(failed))

    def _release(self, queue: _WorkerQueue, batch: Iterable[PendingDelivery], *, again: bool) -> None:
        """Let deliveries go; `again` where they are still on disk, to be made another time."""
        with self._changed:
            queue.reserved.difference_update(pending.id for pending in batch)
            queue.more = queue.more or again

    def _set_alarm(self, queue: _WorkerQueue, moment: datetime) -> None:
        """Fill a queue from disk at `moment`; one alarm is enough, since filling sets the next."""
        due = moment.timestamp()
        with self._changed:
            if queue.alarm is None or due < queue.alarm:
                queue.alarm = due
                heappush(self._alarms, (due, queue.function.name))
                self._changed.notify_all()

    # What the timekeeper does

    def _keep_time(self) -> None:
        """Ring alarms, run schedules and end what outlives its timeout, until the last invocation ends."""
        while True:
            least = 0.0
            try:
                self._look_around()
            except Exception:  # noqa: BLE001 - without a timekeeper there are no retries: it goes on, and looks again
                _LOG.exception("the timekeeper could not do all it had to")
                least = _LOOK_SECONDS
            with self._changed:
                if self._stopping and not any(queue.invocations for queue in self._queues.values()):
                    return
                self._changed.wait(max(self._pause(), least))

    def _look_around(self) -> None:
        """Do what is due now."""
        now = self._clock.now()
        with self._changed:
            while self._alarms and self._alarms[0][0] <= now.timestamp():
                queue = self._queues[heappop(self._alarms)[1]]
                queue.alarm, queue.more = None, True
                self._start_workers(queue)
            late = [invocation for invocation in self._running if invocation.deadline <= monotonic()]
            self._running.difference_update(late)
            for invocation in late:
                invocation.queue.abandoned += 1
        for invocation in late:
            self._time_out(invocation)
        if not self._stopping:
            self._schedules.tick(now)
            if now >= self._minute:
                self._minute = now + timedelta(minutes=1)
                self._every_minute()

    def _time_out(self, invocation: _Invocation) -> None:
        """Settle an invocation as failed and start the next; its thread ends by itself, and its result is ignored."""
        queue = invocation.queue
        try:
            self._settle(queue, invocation.batch, self._invoker.time_out(queue.function, invocation.batch))
        finally:
            with self._changed:
                queue.invocations -= 1
                self._start_workers(queue)

    def _pause(self) -> float:
        """Return the real seconds until the next alarm, scheduled moment or timeout."""
        moments = self._schedules.coming()
        if self._alarms:
            moments.append(datetime.fromtimestamp(self._alarms[0][0], self._clock.now().tzinfo))
        deadlines = [max(invocation.deadline - monotonic(), 0) for invocation in self._running]
        return min([_LOOK_SECONDS, *map(self._clock.wait_for, moments), *deadlines])
