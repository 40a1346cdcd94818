"""The laptop's Lambda: it makes the deliveries that are due, retries what failed, and buries what is given up.

Every function has its own few places, so that a slow or failing one delays no other. `start` runs deliveries in
threads until `stop`; `drain` runs them one after the other, on a clock that is moved to each due time.
"""

import json
import logging
import threading
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from heapq import heappop, heappush
from random import Random
from typing import Final

from contradance.choreography import AnyFunction, Choreography
from contradance.errors import LaptopError
from contradance.function import Schedule
from contradance.local.bus import Bus, Waiting
from contradance.local.clock import MovableClock, RealClock
from contradance.local.record import context, failure_record, redriven, sqs_batch
from contradance.runtime.entry import invoke
from contradance.runtime.ports import Place
from contradance.subscription import Subscription

_LOG = logging.getLogger("contradance.runner")
PLACES: Final = 4
"""Invocations of one function at a time, where it asks for no other `concurrency`."""
_LOOK_SECONDS: Final = 1.0
"""Longest that the dispatcher sleeps without looking around."""
_UNSETTLED_SECONDS: Final = 5.0
"""Pause before a delivery whose outcome could not be written down is made again."""


class Runner:
    """Delivers what the bus holds to the functions of one choreography."""

    def __init__(
        self, choreography: Choreography, bus: Bus, place: Place, *, when_settled: Callable[[Waiting], None]
    ) -> None:
        self._functions = {
            name: function
            for name, function in choreography.functions.items()
            if isinstance(function.trigger, Subscription | Schedule)
        }
        self._bus = bus
        self._place = place
        self._when_settled = when_settled
        self._changed = threading.Condition()
        self._alarms: list[tuple[float, str]] = [(0.0, name) for name in self._functions]
        self._running: dict[str, set[str]] = {name: set() for name in self._functions}
        self._invocations: dict[str, int] = dict.fromkeys(self._functions, 0)
        self._moments: dict[str, datetime] = {}
        self._stopping = False
        self._pool: ThreadPoolExecutor | None = None
        self._dispatcher: threading.Thread | None = None
        for function in self._functions.values():
            self._plan(function, place.clock.now())
        bus.when_accepted(self._wake)

    def start(self, clock: RealClock) -> None:
        """Deliver in threads until `stop`."""
        self._pool = ThreadPoolExecutor(max(PLACES * len(self._functions), 1), thread_name_prefix="contradance")
        self._dispatcher = threading.Thread(target=self._dispatch_all, args=(clock,), name="contradance-dispatcher")
        self._dispatcher.start()

    def stop(self) -> None:
        """Begin no more deliveries, and wait for those that run."""
        with self._changed:
            self._stopping = True
            self._changed.notify()
        if self._dispatcher is not None and self._pool is not None:
            self._dispatcher.join()
            self._pool.shutdown(wait=True)

    def drain(self, clock: MovableClock, random: Random, until: datetime | None = None) -> None:
        """Deliver one by one, in a random order, until nothing waits; with `until`, until that moment instead."""
        while True:
            now = clock.now()
            for name in [name for name, moment in self._moments.items() if until and moment <= now]:
                self._tick(self._functions[name], now)
            ready = [waiting for name in self._functions for waiting in self._bus.due(name, now, 1000, ())]
            random.shuffle(ready)
            for waiting in ready:
                self._deliver(self._functions[waiting.function], [waiting])
            if not ready and not self._move_on(clock, until):
                return

    def _move_on(self, clock: MovableClock, until: datetime | None) -> bool:
        """Move the clock to whatever happens next; return False where nothing does before `until`."""
        dues = [due for name in self._functions if (due := self._bus.next_due(name, ())) is not None]
        moments = [datetime.fromtimestamp(due, clock.now().tzinfo) for due in dues]
        moments += self._moments.values() if until else ()
        following = min(moments, default=None)
        if following is None or (until and following > until):
            clock.move_to(until or clock.now())
            return False
        clock.move_to(following)
        return True

    def _wake(self, functions: Iterable[str], due: float = 0.0) -> None:
        """Look at these functions again at `due`."""
        with self._changed:
            for function in functions:
                heappush(self._alarms, (due, function))
            self._changed.notify()

    def _dispatch_all(self, clock: RealClock) -> None:
        with self._changed:
            while not self._stopping:
                now = clock.now()
                for name in [name for name, moment in self._moments.items() if moment <= now]:
                    self._tick(self._functions[name], now)
                due: set[str] = set()
                while self._alarms and self._alarms[0][0] <= now.timestamp():
                    due.add(heappop(self._alarms)[1])
                for name in due:
                    self._dispatch(self._functions[name], now)
                self._changed.wait(self._pause(clock))

    def _pause(self, clock: RealClock) -> float:
        """Return the real seconds until the next alarm or scheduled moment."""
        now = clock.now()
        moments = [*self._moments.values()]
        if self._alarms:
            moments.append(datetime.fromtimestamp(self._alarms[0][0], now.tzinfo))
        return min([_LOOK_SECONDS, *map(clock.wait_for, moments)])

    def _dispatch(self, function: AnyFunction, now: datetime) -> None:
        """Begin as many deliveries of one function as are due and have a place."""
        running = self._running[function.name]
        free = (function.limits.concurrency or PLACES) - self._invocations[function.name]
        if free <= 0 or self._pool is None:
            return
        batch = function.trigger.batch if isinstance(function.trigger, Subscription) and _is_queued(function) else 1
        due = self._bus.due(function.name, now, free * batch, running)
        for start in range(0, len(due), batch):
            chosen = due[start : start + batch]
            running.update(waiting.id for waiting in chosen)
            self._invocations[function.name] += 1
            self._pool.submit(self._deliver_and_release, function, chosen)
        following = self._bus.next_due(function.name, running)
        if following is not None and len(due) < free * batch:
            heappush(self._alarms, (following, function.name))

    def _deliver_and_release(self, function: AnyFunction, batch: Sequence[Waiting]) -> None:
        again = 0.0
        try:
            self._deliver(function, batch)
        except LaptopError as error:
            _LOG.error("%s: %s", function.name, error)
            again = self._place.clock.now().timestamp() + _UNSETTLED_SECONDS
        except Exception:  # noqa: BLE001 - this thread serves others; what failed is told, and tried again
            _LOG.exception("a delivery to %s could not be settled", function.name)
            again = self._place.clock.now().timestamp() + _UNSETTLED_SECONDS
        finally:
            with self._changed:
                self._running[function.name].difference_update(waiting.id for waiting in batch)
                self._invocations[function.name] -= 1
            self._wake([function.name], again)

    def _deliver(self, function: AnyFunction, batch: Sequence[Waiting]) -> None:
        """Make one invocation, and settle every delivery in it."""
        if _is_queued(function):
            self._deliver_queued(function, batch)
        else:
            self._deliver_direct(function, batch[0])
        for waiting in batch:
            self._when_settled(waiting)

    def _deliver_direct(self, function: AnyFunction, waiting: Waiting) -> None:
        try:
            invoke(function, json.loads(waiting.envelope), context(function, waiting.id), self._place)
        except Exception as error:  # noqa: BLE001 - journaled by the runtime; here it is what Lambda would retry
            now = self._place.clock.now()
            following = now + function.retry.delay("direct", waiting.attempt, function.limits.timeout)
            too_old = following - datetime.fromtimestamp(waiting.sent, now.tzinfo) > function.retry.max_age
            if waiting.attempt > function.retry.times:
                self._bus.bury(waiting, failure_record(waiting, now, "RetriesExhausted", error), {})
            elif too_old:
                self._bus.bury(waiting, failure_record(waiting, now, "EventAgeExceeded", error), {})
            else:
                self._bus.postpone(waiting, following)
        else:
            self._bus.finish(waiting)

    def _deliver_queued(self, function: AnyFunction, batch: Sequence[Waiting]) -> None:
        now = self._place.clock.now()
        answer = invoke(function, sqs_batch(batch, now), context(function, batch[0].id), self._place)
        failed = {item["itemIdentifier"] for item in answer["batchItemFailures"]} if isinstance(answer, dict) else set()
        for waiting in batch:
            if waiting.id not in failed:
                self._bus.finish(waiting)
            elif waiting.attempt > function.retry.times:
                self._bus.bury(waiting, waiting.envelope, redriven(waiting))
            else:
                pause = function.retry.delay("queue", waiting.attempt, function.limits.timeout)
                self._bus.postpone(waiting, self._place.clock.now() + pause)

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


def _is_queued(function: AnyFunction) -> bool:
    return function.delivery == "queue"
