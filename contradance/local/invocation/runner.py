"""Delivers in threads, on a running clock.

Each function has a worker queue: a bounded queue in memory of ready deliveries, and a count of its invocations. A slow
or failing function fills only its own queue; deliveries that do not fit stay on disk. An invocation that outlives its
timeout counts as failed: its queue continues, and its work is not committed.

Workers and timekeeper are in one module because they share one lock. Locks are taken in one order, the database's
before the runner's: no thread writes to disk while it holds the runner's lock.
"""

import logging
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import datetime, timedelta
from heapq import heappop, heappush
from time import monotonic
from typing import Final

from contradance.choreography import AnyFunction
from contradance.errors import LaptopError
from contradance.local.clock import RealClock
from contradance.local.events.bus import Bus
from contradance.local.events.pending_delivery import PendingDelivery
from contradance.local.events.schedules import Schedules
from contradance.local.invocation.invoker import UNSETTLED_SECONDS, Invoker
from contradance.local.invocation.recovery import Recovery
from contradance.local.invocation.worker_queue import MAX_HUNG, Invocation, WorkerQueue

_LOG = logging.getLogger("contradance.runner")
MAX_QUEUED: Final = 256
"""Deliveries of one function that wait in memory; the others wait on disk."""
_LONGEST_SLEEP_SECONDS: Final = 1.0
"""Longest sleep of the timekeeper."""
_MINUTE_SECONDS: Final = 60.0


class Runner:
    """Makes deliveries in threads: new ones when the bus enqueues them, postponed ones when their alarms are due.

    Args:
        functions: those with a subscription or a schedule.
        bus: holds the deliveries.
        invoker: invokes the functions and settles the deliveries.
        schedules: puts scheduled runs on the bus.
        recovery: finds the deliveries that run alone first.
        others_may_run: cleared until they have run.
        every_second: called at least every second.
        when_jumped: called with the jump of the clock, when it has jumped.
        every_minute: called at the start and then every minute.
    """

    def __init__(
        self,
        functions: Iterable[AnyFunction],
        bus: Bus,
        invoker: Invoker,
        *,
        schedules: Schedules,
        recovery: Recovery,
        others_may_run: threading.Event,
        every_second: Callable[[], object],
        when_jumped: Callable[[timedelta], object],
        every_minute: Callable[[], object],
    ) -> None:
        self._queues = {function.name: WorkerQueue(function) for function in functions}
        self._bus = bus
        self._invoker = invoker
        self._schedules = schedules
        self._recovery = recovery
        self._every_second = every_second
        self._when_jumped = when_jumped
        self._every_minute = every_minute
        self._minute = 0.0
        self._others_may_run = others_may_run
        self._changed = threading.Condition()
        self._alarms: list[tuple[float, str]] = []
        self._running: set[Invocation] = set()
        self._stopping = False
        self._clock: RealClock
        self._pool: ThreadPoolExecutor | None = None
        self._timekeeper: threading.Thread | None = None

    def start(self, clock: RealClock) -> None:
        """Deliver in threads until `stop`; deliveries that a killed process ran are made first, alone."""
        self._clock = clock
        self._minute = monotonic()
        threads = 1 + sum(queue.concurrency + MAX_HUNG for queue in self._queues.values())
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="contradance")
        suspects = self._recovery.suspects()
        if suspects:
            self._others_may_run.clear()
        self._timekeeper = threading.Thread(target=self._keep_time, name="contradance-time", daemon=True)
        self._bus.dispatcher = self
        waiting = self._fill_again()
        self._timekeeper.start()
        if suspects:
            self._pool.submit(self._run_alone, suspects)
        for name in waiting:
            self._start_workers(self._queues[name])

    def stop(self) -> bool:
        """Start no more invocations and wait for the running ones until their timeouts; return whether all ended."""
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
        """Reserve deliveries that `enqueue` follows for, so that no worker also takes them from disk."""
        with self._changed:
            for pending in accepted:
                self._queues[pending.function].reserved.add(pending.id)

    def enqueue(self, accepted: Iterable[PendingDelivery]) -> None:
        """Put committed deliveries that are due into their queues while these have room; the others stay on disk."""
        now = self._clock.now().timestamp()
        with self._changed:
            for pending in accepted:
                queue = self._queues[pending.function]
                # Deliveries on disk are older, and go first.
                has_room = len(queue.ready) < MAX_QUEUED and not queue.more
                if has_room and pending.due <= now:
                    queue.ready.append(pending)
                else:
                    self._release(queue, [pending], again=True)
                self._start_workers(queue)

    def refill(self, function: str) -> None:
        """Fill a function's queue from disk, where deliveries have become due."""
        with self._changed:
            queue = self._queues[function]
            queue.more = True
            self._start_workers(queue)

    # What a worker queue does

    def _start_workers(self, queue: WorkerQueue) -> None:
        """Start one more worker if the queue has work and capacity and workers may start; else do nothing."""
        with self._changed:
            may_start = self._pool and self._others_may_run.is_set() and not self._stopping
            if self._pool and may_start and queue.has_capacity and (queue.ready or queue.more):
                queue.invocations += 1
                # Where no thread can be started, the pool starts the work in the next free one.
                with suppress(RuntimeError):
                    self._pool.submit(self._work, queue)

    def _run_alone(self, suspects: list[PendingDelivery]) -> None:
        """Run the deliveries of a killed process one at a time, and then let everything else start."""
        for pending in suspects:
            queue = self._queues.get(pending.function)
            if queue is None or self._pool is None:
                continue
            with self._changed:
                if self._stopping:
                    return
                queue.invocations += 1
                queue.reserved.add(pending.id)
            invocation = Invocation(queue, [pending], 0)
            self._pool.submit(self._work_alone, invocation)
            invocation.settled.wait()
        self._others_may_run.set()
        for queue in self._queues.values():
            for _ in range(queue.concurrency):
                self._start_workers(queue)

    def _work_alone(self, invocation: Invocation) -> None:
        """Invoke the function with one delivery, while nothing else runs; a failure is logged and tried again."""
        queue = invocation.queue
        try:
            with self._changed:
                invocation.deadline = monotonic() + queue.function.limits.timeout.total_seconds()
                self._running.add(invocation)
            self._perform(invocation)
            self._bus.flush()
        except BaseException:  # noqa: BLE001 - the delivery is on disk, and is tried again
            _LOG.exception("a delivery to %s is delayed by a failure", queue.function.name)
            self._set_alarm(queue, self._clock.now() + timedelta(seconds=UNSETTLED_SECONDS))
        finally:
            with self._changed:
                if not invocation.settled.is_set():
                    queue.invocations -= 1
                    invocation.settled.set()
                self._changed.notify_all()

    def _perform(self, invocation: Invocation) -> bool:
        """Invoke a function and settle the batch; return False where the timekeeper has settled it and replaced this worker."""
        queue = invocation.queue
        invocation.flight = self._invoker.begin(queue.function, invocation.batch, invocation.deadline)
        try:
            if not self._others_may_run.is_set():
                self._recovery.cleared(invocation.batch[0])
            failed = self._invoker.invoke(queue.function, invocation.batch, invocation.deadline)
            with self._changed:
                if invocation not in self._running:
                    queue.abandoned -= 1
                    self._start_workers(queue)
                    return False
                self._running.remove(invocation)
            if failed and monotonic() >= invocation.deadline:  # late, but the timekeeper has not seen it
                failed = self._invoker.time_out(queue.function, invocation.batch, invocation.flight)
            self._settle(queue, invocation.batch, failed)
        finally:
            self._invoker.end(invocation.flight)
        return True

    def _work(self, queue: WorkerQueue) -> None:
        """Invoke the function with batch after batch until its queue is empty; a failure is logged and tried again."""
        try:
            while (invocation := self._take(queue)) is not None:
                if not self._perform(invocation):
                    return
        except BaseException:  # noqa: BLE001 - the deliveries are on disk, and are tried again; the worker must be counted
            _LOG.exception("deliveries to %s are delayed by a failure", queue.function.name)
            self._set_alarm(queue, self._clock.now() + timedelta(seconds=UNSETTLED_SECONDS))
        with self._changed:
            queue.invocations -= 1
            self._start_workers(queue)
            idle = not any(one.invocations for one in self._queues.values())
            if self._stopping:  # the timekeeper waits for the last worker; else it has nothing to do here
                self._changed.notify_all()
        if idle:  # while others run, they commit what waits for the next commit
            try:
                self._bus.flush()
            except LaptopError:
                _LOG.exception("the state of finished deliveries could not be written")

    def _take(self, queue: WorkerQueue) -> Invocation | None:
        """Take the next batch from a queue, filled from disk when it is empty; None without work or after `stop`."""
        while not self._stopping:
            with self._changed:
                if queue.ready:
                    batch = [queue.ready.popleft() for _ in range(min(queue.batch, len(queue.ready)))]
                    deadline = monotonic() + queue.function.limits.timeout.total_seconds()
                    invocation = Invocation(queue, batch, deadline)
                    self._running.add(invocation)
                    return invocation
                if not queue.more:
                    return None
                queue.more = False
            self._fill(queue)
        return None

    def _fill_again(self) -> list[str]:
        """Have the queues filled whose functions have deliveries on disk; return the names of these functions.

        The others need no worker: at the start each would have a thread of its own for nothing.
        """
        with self._changed:  # no delivery is accepted or postponed between the query and the changes
            names = [name for name in self._bus.functions_waiting() if name in self._queues]
            for queue in self._queues.values():
                queue.alarm = None
                queue.more = queue.more or queue.function.name in names
        return names

    def _fill(self, queue: WorkerQueue) -> None:
        """Fill an empty queue with due deliveries from disk, and set an alarm for the next one that is due later."""
        with self._changed:
            # A finished delivery leaves `reserved` before its deletion is committed: skip those of a moment ago too.
            before = queue.reserved.copy()
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

    def _settle(self, queue: WorkerQueue, batch: list[PendingDelivery], failed: dict[str, BaseException]) -> None:
        """Record the outcome of a batch, set alarms for its failed deliveries, and release it."""
        try:
            for moment in self._invoker.settle(queue.function, batch, failed):
                self._set_alarm(queue, moment)
        finally:
            self._release(queue, batch, again=bool(failed))

    def _release(self, queue: WorkerQueue, batch: Iterable[PendingDelivery], *, again: bool) -> None:
        """Remove deliveries from the reserved ones; with `again`, fill the queue from disk once more."""
        with self._changed:
            queue.reserved.difference_update(pending.id for pending in batch)
            queue.more = queue.more or again

    def _set_alarm(self, queue: WorkerQueue, moment: datetime) -> None:
        """Fill a queue from disk at `moment`; one alarm is enough, because filling sets the next."""
        due = moment.timestamp()
        with self._changed:
            if queue.alarm is None or due < queue.alarm:
                queue.alarm = due
                heappush(self._alarms, (due, queue.function.name))
                self._changed.notify_all()

    # What the timekeeper does

    def _keep_time(self) -> None:
        """Do what is due, and sleep until the next alarm, run or timeout; end with the last invocation after `stop`."""
        while True:
            least = 0.0
            try:
                self._run_due()
            except Exception:  # noqa: BLE001 - without a timekeeper there are no retries: it continues
                _LOG.exception("the timekeeper failed, and continues")
                least = _LONGEST_SLEEP_SECONDS
            with self._changed:
                if self._stopping and not any(queue.invocations for queue in self._queues.values()):
                    return
                self._changed.wait(max(self._pause(), least))

    def _run_due(self) -> None:
        """Fill queues whose alarms are due, fail late invocations, and run schedules and the minute's task."""
        jump = self._clock.jump()
        if jump:
            self._when_jumped(jump)
        now = self._clock.now()
        with self._changed:
            if jump:  # every alarm was set by the clock as it was
                self._alarms = [(now.timestamp(), name) for name in self._fill_again()]
            while self._alarms and self._alarms[0][0] <= now.timestamp():
                queue = self._queues[heappop(self._alarms)[1]]
                queue.alarm, queue.more = None, True
                self._start_workers(queue)
            late = [invocation for invocation in self._running if invocation.deadline <= monotonic()]
            self._running.difference_update(late)
            for invocation in late:
                invocation.queue.abandoned += 1
        for invocation in late:
            try:
                self._time_out(invocation)
            except Exception:  # noqa: BLE001 - the deliveries are on disk; the others are late, too
                _LOG.exception("a timeout of %s could not be settled", invocation.queue.function.name)
                self._set_alarm(invocation.queue, self._clock.now() + timedelta(seconds=UNSETTLED_SECONDS))
        self._every_second()
        if not self._stopping:
            self._schedules.tick(now)
            if monotonic() >= self._minute:
                self._minute = monotonic() + _MINUTE_SECONDS
                self._every_minute()
        self._bus.flush()  # after a request that causes no delivery, nothing else would commit its journal record

    def _time_out(self, invocation: Invocation) -> None:
        """Settle a late invocation as failed and start another worker; the late thread's result is ignored."""
        queue, flight = invocation.queue, invocation.flight
        try:
            self._settle(queue, invocation.batch, self._invoker.time_out(queue.function, invocation.batch, flight))
            if flight is not None:
                self._invoker.end_late(flight)
        finally:
            with self._changed:
                queue.invocations -= 1
                invocation.settled.set()
                if queue.abandoned == MAX_HUNG:
                    _LOG.error("%s hangs in %s threads: it runs less often from now on", queue.function.name, MAX_HUNG)
                self._start_workers(queue)

    def _pause(self) -> float:
        """Return the real seconds until the next alarm, scheduled run or timeout, at most one second."""
        moments = self._schedules.coming()
        if self._alarms:
            moments.append(datetime.fromtimestamp(self._alarms[0][0], self._clock.now().tzinfo))
        deadlines = [max(invocation.deadline - monotonic(), 0) for invocation in self._running]
        return min([_LONGEST_SLEEP_SECONDS, *map(self._clock.real_seconds_until, moments), *deadlines])
