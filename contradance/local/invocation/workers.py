"""The threads that make deliveries, and the worker queues that they empty.

Each function has a worker queue: a bounded queue in memory of ready deliveries, and a count of its invocations. A slow
or failing function fills only its own queue; deliveries that do not fit stay on disk. An invocation that outlives its
timeout counts as failed: its queue continues, and its work is not committed.

All of it is in one module because it shares one lock. Locks are taken in one order, the database's before this one: no
thread writes to disk while it holds this lock.
"""

import logging
import threading
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import datetime, timedelta
from math import inf
from time import monotonic
from typing import Final

from contradance.choreography import AnyFunction
from contradance.errors import LaptopError
from contradance.local.clock import RealClock
from contradance.local.events.deliveries import Deliveries
from contradance.local.events.pending_delivery import PendingDelivery
from contradance.local.invocation.in_flight import Flight
from contradance.local.invocation.invoker import UNSETTLED_SECONDS, Invoker
from contradance.local.invocation.recovery import Recovery
from contradance.local.invocation.worker_queue import MAX_HUNG, MAX_QUEUED, Invocation, WorkerQueue
from contradance.local.state.stored import stored_time

_LOG = logging.getLogger("contradance.workers")
_LONGEST_SLEEP_SECONDS: Final = 1.0


class Workers:
    """Makes deliveries in threads: new ones when the bus enqueues them, postponed ones when their alarms are due.

    Args:
        functions: those with a subscription or a schedule.
        deliveries: the pending deliveries.
        invoker: invokes the functions and settles the deliveries.
        recovery: notes which deliveries of a killed process have run alone.
        others_may_run: cleared until they have run.
    """

    def __init__(
        self,
        functions: Iterable[AnyFunction],
        deliveries: Deliveries,
        invoker: Invoker,
        recovery: Recovery,
        others_may_run: threading.Event,
    ) -> None:
        self._queues = {function.name: WorkerQueue(function) for function in functions}
        self._deliveries = deliveries
        self._invoker = invoker
        self._recovery = recovery
        self._others_may_run = others_may_run
        self._changed = threading.Condition()
        self._alarms: dict[str, float] = {}
        """When a function's queue is next filled from disk, in seconds of the epoch."""
        self._running: set[Invocation] = set()
        self.stopping = False
        self._clock: RealClock
        self._pool: ThreadPoolExecutor | None = None

    def start(self, clock: RealClock, suspects: Sequence[PendingDelivery]) -> None:
        """Start workers for the pending deliveries; first `suspects`, those of a killed process, run one at a time."""
        self._clock = clock
        threads = 1 + sum(queue.concurrency + MAX_HUNG for queue in self._queues.values())
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="contradance")
        if suspects:
            self._others_may_run.clear()
            self._pool.submit(self._run_alone, self._pool, suspects)
        self.fill_all()

    def stop(self) -> None:
        """Start no more invocations."""
        with self._changed:
            self.stopping = True
            self._changed.notify_all()

    def close(self) -> bool:
        """Wait for the threads, after `stop`, and return True; return False at once if some hang."""
        ended = not any(queue.abandoned for queue in self._queues.values())
        if self._pool is not None:
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
                queue.enqueue(pending, now)
                self._start_worker(queue)

    def refill(self, function: str) -> None:
        """Fill a function's queue from disk, where deliveries have become due."""
        with self._changed:
            queue = self._queues[function]
            queue.more = True
            self._start_worker(queue)

    # What the timekeeper calls

    def fill_all(self) -> None:
        """Clear every alarm, and fill the queues of all functions that have deliveries on disk.

        The other queues need no worker: at the start each would have a thread of its own for nothing.
        """
        with self._changed:  # no delivery is accepted or postponed between the query and the changes
            waiting = {*self._deliveries.functions()}
            self._alarms.clear()
            for name in waiting & self._queues.keys():
                self.refill(name)

    def fill_due(self, now: datetime) -> None:
        """Fill the queues whose alarms are due."""
        with self._changed:
            for name in [name for name, due in self._alarms.items() if due <= now.timestamp()]:
                del self._alarms[name]
                self.refill(name)

    def time_out_late(self) -> None:
        """Settle each invocation that has outlived its timeout as failed, and start another worker for its queue."""
        with self._changed:
            now = monotonic()
            late = [invocation for invocation in self._running if invocation.deadline <= now]
            self._running.difference_update(late)
            for invocation in late:
                invocation.queue.abandoned += 1
        for invocation in late:
            try:
                self._time_out(invocation)
            except Exception:  # noqa: BLE001 - the delivery is on disk; the others are late, too
                _LOG.exception("a timeout of %s could not be settled", invocation.queue.function.name)
                self._set_alarm(invocation.queue, self._clock.after(timedelta(seconds=UNSETTLED_SECONDS)))

    def sleep(self, moments: Sequence[datetime], least: float) -> bool:
        """Sleep until an alarm, a timeout or one of `moments`, `least` to 1 s; False after `stop`, when all have ended.

        A change that sets an earlier alarm wakes it up, and so does `stop`.
        """
        with self._changed:
            if self.stopping and not any(queue.invocations for queue in self._queues.values()):
                return False
            alarms = [*map(stored_time, self._alarms.values())]
            timeouts = [max(invocation.deadline - monotonic(), 0) for invocation in self._running]
            pause = min([_LONGEST_SLEEP_SECONDS, *map(self._clock.real_seconds_until, (*moments, *alarms)), *timeouts])
            self._changed.wait(max(pause, least))
        return True

    # What a worker does

    def _start_worker(self, queue: WorkerQueue) -> None:
        """Start one more worker if the queue has work and capacity and workers may start; else do nothing."""
        with self._changed:
            may_start = self._others_may_run.is_set() and not self.stopping
            if self._pool and may_start and queue.has_capacity and (queue.ready or queue.more):
                queue.invocations += 1
                # Where no thread can be started, the pool starts the work in the next free one.
                with suppress(RuntimeError):
                    self._pool.submit(self._work, queue)

    def _run_alone(self, pool: ThreadPoolExecutor, suspects: Sequence[PendingDelivery]) -> None:
        """Run the deliveries of a killed process one at a time, each in a thread; then let everything else start."""
        for pending in suspects:
            queue = self._queues.get(pending.function)
            if queue is None:
                continue
            with self._changed:
                if self.stopping:
                    return
                queue.invocations += 1
                queue.reserved.add(pending.id)
            invocation = Invocation(queue, pending, 0)
            try:
                pool.submit(self._work_alone, invocation)
            except RuntimeError:  # no thread can be started; the pool may still do it later
                self._work_alone(invocation)
            invocation.settled.wait()
        self._others_may_run.set()
        for queue in self._queues.values():
            for _ in range(queue.concurrency):
                self._start_worker(queue)

    def _work_alone(self, invocation: Invocation) -> None:
        """Make one delivery while nothing else runs; a failure of the laptop is logged, and the delivery repeated.

        Do nothing if another thread has begun it.
        """
        queue = invocation.queue
        with self._changed:
            if invocation.deadline:
                return
            invocation.deadline = monotonic() + queue.seconds
            self._running.add(invocation)
        try:
            self._perform(invocation)
            self._deliveries.flush()
        except BaseException:  # noqa: BLE001 - the delivery is on disk, and is tried again
            _LOG.exception("a delivery to %s is delayed by a failure", queue.function.name)
            self._set_alarm(queue, self._clock.after(timedelta(seconds=UNSETTLED_SECONDS)))
        finally:
            with self._changed:
                if not invocation.settled.is_set():
                    queue.invocations -= 1
                    invocation.settled.set()
                self._changed.notify_all()

    def _work(self, queue: WorkerQueue) -> None:
        """Make delivery after delivery until the queue is empty; a failure of the laptop is logged, and tried again."""
        try:
            while (invocation := self._take(queue)) is not None:
                if not self._perform(invocation):
                    return
        except BaseException:  # noqa: BLE001 - the deliveries are on disk, and are tried again; the worker must be counted
            _LOG.exception("deliveries to %s are delayed by a failure", queue.function.name)
            self._set_alarm(queue, self._clock.after(timedelta(seconds=UNSETTLED_SECONDS)))
        with self._changed:
            queue.invocations -= 1
            self._start_worker(queue)
            idle = not any(one.invocations for one in self._queues.values())
            if self.stopping:  # the timekeeper waits for the last worker; else it has nothing to do here
                self._changed.notify_all()
        if idle:  # while others run, they commit what waits for the next commit
            try:
                self._deliveries.flush()
            except LaptopError:
                _LOG.exception("the state of finished deliveries could not be written")

    def _take(self, queue: WorkerQueue) -> Invocation | None:
        """Take the next delivery from a queue, filled from disk when it is empty; None without one or after `stop`."""
        while not self.stopping:
            with self._changed:
                if queue.ready:
                    invocation = Invocation(queue, queue.ready.popleft(), monotonic() + queue.seconds)
                    self._running.add(invocation)
                    return invocation
                if not queue.more:
                    return None
                queue.more = False
            self._fill(queue)
        return None

    def _fill(self, queue: WorkerQueue) -> None:
        """Fill an empty queue with due deliveries from disk, and set an alarm for the next one that is due later."""
        with self._changed:
            # A finished delivery leaves `reserved` before its deletion is committed: skip those of a moment ago too.
            before = queue.reserved.copy()
        now, limit = self._clock.now(), MAX_QUEUED + len(before)

        def take(due: list[PendingDelivery]) -> None:
            """Put those that are not reserved into the queue, and start workers for them."""
            with self._changed:
                fresh = [pending for pending in due if pending.id not in queue.reserved | before]
                queue.ready.extend(fresh)
                queue.reserved.update(pending.id for pending in fresh)
                queue.more = queue.more or len(due) == limit
                for _ in fresh[1:]:
                    self._start_worker(queue)

        self._deliveries.take_due(queue.function.name, now, limit, take)
        following = self._deliveries.next_due(queue.function.name, after=now)
        if following is not None:
            self._set_alarm(queue, stored_time(following))

    def _perform(self, invocation: Invocation) -> bool:
        """Invoke a function and settle the delivery; return False if it was late, and another worker has taken over."""
        queue, pending = invocation.queue, invocation.pending
        flight = self._begin(invocation)
        try:
            error = self._invoker.invoke_contained(queue.function, pending, flight)
            with self._changed:
                if invocation not in self._running:
                    queue.abandoned -= 1
                    self._start_worker(queue)
                    return False
                self._running.remove(invocation)
            if error is not None and monotonic() >= invocation.deadline:  # late, but the timekeeper has not seen it
                error = self._invoker.time_out(queue.function, pending, flight)
            self._settle(invocation, error)
        finally:
            self._invoker.end(flight)
        return True

    def _begin(self, invocation: Invocation) -> Flight:
        """List an invocation as running, and return its entry; if that fails, it does not time out either."""
        pending = invocation.pending
        try:
            invocation.flight = flight = self._invoker.begin(pending, invocation.deadline)
            if not self._others_may_run.is_set():
                self._recovery.wait_no_more(pending)
        except BaseException:
            with self._changed:
                self._running.discard(invocation)
                invocation.queue.release(pending)
            if invocation.flight is not None:
                self._invoker.end(invocation.flight)
            raise
        return flight

    def _time_out(self, invocation: Invocation) -> None:
        """Settle a late invocation as failed, and start another worker; what its thread returns later is ignored."""
        queue, flight = invocation.queue, invocation.flight
        try:
            self._settle(invocation, self._invoker.time_out(queue.function, invocation.pending, flight))
            if flight is not None:
                self._invoker.mark_late(flight)
        finally:
            with self._changed:
                queue.invocations -= 1
                invocation.settled.set()
                if queue.abandoned == MAX_HUNG:
                    _LOG.error("%s hangs in %s threads: it runs less often from now on", queue.function.name, MAX_HUNG)
                self._start_worker(queue)

    def _settle(self, invocation: Invocation, error: Exception | None) -> None:
        """Record the outcome of a delivery, release it, and set an alarm if it is repeated."""
        queue, pending = invocation.queue, invocation.pending
        try:
            due = self._invoker.settle(queue.function, pending, error, invocation.flight)
        finally:
            with self._changed:
                queue.release(pending)
        if due is not None:  # after the release: until then a worker that reads the disk skips the delivery
            self._set_alarm(queue, due)

    def _set_alarm(self, queue: WorkerQueue, moment: datetime) -> None:
        """Fill a queue from disk at `moment`; one alarm is enough, because filling sets the next."""
        name, due = queue.function.name, moment.timestamp()
        with self._changed:
            if due < self._alarms.get(name, inf):
                self._alarms[name] = due
                self._changed.notify_all()
