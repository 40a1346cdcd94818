"""Delivers on a running clock: a thread that keeps the time, and workers."""

import logging
import threading
from collections.abc import Callable, Iterable
from datetime import timedelta
from time import monotonic
from typing import Final

from contradance.choreography import AnyFunction
from contradance.local.clock import RealClock
from contradance.local.events.bus import Bus
from contradance.local.events.deliveries import Deliveries
from contradance.local.events.schedules import Schedules
from contradance.local.invocation.invoker import Invoker
from contradance.local.invocation.recovery import Recovery
from contradance.local.invocation.workers import Workers

_LOG = logging.getLogger("contradance.runner")
_MINUTE_SECONDS: Final = 60.0
_AFTER_FAILURE_SECONDS: Final = 1.0


class Runner:
    """Runs workers, schedules and regular tasks, from `start` until `stop`.

    Args:
        functions: those with a subscription or a schedule.
        bus: has the deliveries that it accepts made here, after `start`.
        deliveries: the pending deliveries.
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
        deliveries: Deliveries,
        invoker: Invoker,
        *,
        schedules: Schedules,
        recovery: Recovery,
        others_may_run: threading.Event,
        every_second: Callable[[], object],
        when_jumped: Callable[[timedelta], object],
        every_minute: Callable[[], object],
    ) -> None:
        self._workers = Workers(functions, deliveries, invoker, recovery, others_may_run)
        self._bus = bus
        self._deliveries = deliveries
        self._schedules = schedules
        self._recovery = recovery
        self._every_second = every_second
        self._when_jumped = when_jumped
        self._every_minute = every_minute
        self._minute: float
        """When the next minute's task is due, in seconds of the monotonic clock."""
        self._clock: RealClock
        self._timekeeper: threading.Thread | None = None

    def start(self, clock: RealClock) -> None:
        """Deliver in threads until `stop`; deliveries that a killed process ran are made first, one at a time."""
        self._clock = clock
        self._minute = monotonic()
        suspects = self._recovery.suspects()
        self._bus.dispatcher = self._workers
        self._workers.start(clock, suspects)
        self._timekeeper = threading.Thread(target=self._keep_time, name="contradance-time", daemon=True)
        self._timekeeper.start()

    def stop(self) -> bool:
        """Start no more invocations and wait for the running ones until their timeouts; return whether all ended."""
        self._workers.stop()
        if self._timekeeper is not None:
            self._timekeeper.join()
        return self._workers.close()

    def _keep_time(self) -> None:
        """Do what is due, and sleep until more is; return after `stop`, when the last invocation has ended."""
        awake = True
        while awake:
            least = 0.0
            try:
                self._run_due()
            except Exception:  # noqa: BLE001 - without a timekeeper there are no retries: it continues
                _LOG.exception("the timekeeper failed, and continues")
                least = _AFTER_FAILURE_SECONDS
            awake = self._workers.sleep(self._schedules.coming(), least)

    def _run_due(self) -> None:
        """Do one round: due and late deliveries, schedules, a jump of the clock, the regular tasks, and a commit."""
        jump = self._clock.jump()
        if jump:
            self._when_jumped(jump)
            self._workers.fill_all()
        now = self._clock.now()
        self._workers.fill_due(now)
        self._workers.time_out_late()
        self._every_second()
        if not self._workers.stopping:
            self._schedules.tick(now)
            if monotonic() >= self._minute:
                self._minute = monotonic() + _MINUTE_SECONDS
                self._every_minute()
        self._deliveries.flush()  # after a request that causes no delivery, nothing else would commit its journal record
