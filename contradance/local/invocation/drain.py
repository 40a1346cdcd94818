"""Delivers on a movable clock, one delivery at a time: 24 hours of retries take milliseconds."""

from collections.abc import Iterable
from datetime import datetime
from random import Random
from time import monotonic
from typing import Final

from contradance.choreography import AnyFunction
from contradance.local.clock import MovableClock
from contradance.local.events.bus import Bus
from contradance.local.events.replays import Replays
from contradance.local.events.schedules import Schedules
from contradance.local.invocation.invoker import Invoker

_NO_TIMEOUT_SECONDS: Final = 86_400.0
"""Effectively no timeout: a handler takes real time, which a movable clock does not measure."""
_TOGETHER: Final = 1_000
"""Most deliveries of one function that are shuffled together."""


class Drain:
    """Makes deliveries in the calling thread until none is pending."""

    def __init__(
        self,
        functions: Iterable[AnyFunction],
        bus: Bus,
        invoker: Invoker,
        *,
        schedules: Schedules,
        replays: Replays,
        random: Random,
    ) -> None:
        self._functions = {function.name: function for function in functions}
        self._bus = bus
        self._invoker = invoker
        self._schedules = schedules
        self._replays = replays
        self._random = random

    def run(self, clock: MovableClock, until: datetime | None = None) -> None:
        """Deliver until nothing is pending; with `until`, run schedules too and stop at that moment.

        EventBridge does not order events. A random order, fixed by the seed, exposes handlers that depend on one.
        """
        going_on = True
        while going_on:
            now = clock.now()
            if until:
                self._schedules.tick(now)
            ready = [pending for name in self._functions for pending in self._bus.due(name, now, _TOGETHER)]
            self._random.shuffle(ready)
            for pending in ready:
                function = self._functions[pending.function]
                failed = self._invoker.invoke(function, [pending], monotonic() + _NO_TIMEOUT_SECONDS)
                self._invoker.settle(function, [pending], failed)
            going_on = bool(ready) or self._replays.step() or self._move_on(clock, until)

    def _move_on(self, clock: MovableClock, until: datetime | None) -> bool:
        """Move the clock to the next due delivery or run; return False when there is none up to `until`."""
        now = clock.now()
        dues = [due for name in self._functions if (due := self._bus.next_due(name, now)) is not None]
        moments = [datetime.fromtimestamp(due, now.tzinfo) for due in dues]
        moments += self._schedules.coming() if until else []
        following = min(moments, default=None)
        if following is None or (until and following > until):
            clock.move_to(until or now)
            return False
        clock.move_to(following)
        return True
