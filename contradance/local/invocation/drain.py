"""Delivers on a movable clock, one delivery at a time: 24 hours of retries take milliseconds."""

import sys
from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from dis import opname
from math import inf
from random import Random
from typing import Final

from contradance.choreography import AnyFunction
from contradance.errors import LaptopError
from contradance.local.clock import MovableClock
from contradance.local.events.deliveries import Deliveries
from contradance.local.events.pending_delivery import PendingDelivery
from contradance.local.events.replays import Replays
from contradance.local.events.schedules import Schedules
from contradance.local.invocation.invoker import Invoker
from contradance.local.invocation.recovery import Recovery
from contradance.local.state.stored import stored_time
from contradance.operate.journal import YEARS
from contradance.runtime.containment import raised_by

_TOGETHER: Final = 1_000
"""Most deliveries of one function that are shuffled together."""
_UNSETTLED: Final = 5
"""How often a delivery is made whose outcome cannot be stored; only a clock that waits could make a pause."""
_Due = tuple[str, int, float]


class Drain:
    """Makes deliveries in the calling thread until none is pending."""

    def __init__(
        self,
        functions: Iterable[AnyFunction],
        deliveries: Deliveries,
        invoker: Invoker,
        *,
        schedules: Schedules,
        replays: Replays,
        recovery: Recovery,
        random: Random,
    ) -> None:
        self._functions = {function.name: function for function in functions}
        self._deliveries = deliveries
        self._invoker = invoker
        self._schedules = schedules
        self._replays = replays
        self._recovery = recovery
        self._random = random

    def run(self, clock: MovableClock, until: datetime | None = None) -> None:
        """Make deliveries and replays until none is pending, moving the clock; with `until`, schedules too, up to then.

        EventBridge does not order events. A random order, fixed by the seed, exposes handlers that depend on one.
        """
        for pending in self._recovery.suspects():
            if pending.function in self._functions:
                self._deliver(pending, suspected=True)
        going_on = True
        made: Counter[_Due] = Counter()
        while going_on:
            now = clock.now()
            if until:
                self._schedules.tick(now)
            ready = [pending for name in self._functions for pending in self._deliveries.due(name, now, _TOGETHER)]
            self._random.shuffle(ready)
            made = Counter({_due(one): made[_due(one)] + 1 for one in ready})
            for pending in ready:
                if made[_due(pending)] > _UNSETTLED:
                    raise LaptopError(
                        f"the outcome of a delivery to {pending.function} could not be stored {_UNSETTLED} times.\n"
                        "  The log has the reason, such as a full disk."
                    )
                self._deliver(pending)
            going_on = bool(ready) or self._replays.step() or self._move_on(clock, until)

    def _deliver(self, pending: PendingDelivery, *, suspected: bool = False) -> None:
        """Make one delivery and settle it; raise Ctrl-C and pytest's outcomes, but no other error of its handler."""
        function = self._functions[pending.function]
        flight = self._invoker.begin(pending, inf)  # a handler takes real time, which a movable clock does not measure
        try:
            if suspected:
                self._recovery.wait_no_more(pending)
            error = self._invoker.invoke(function, pending, flight)
            self._invoker.settle(function, pending, error, flight)
        finally:
            self._invoker.end(flight)
        if error is not None:
            _raise_for_caller(raised_by(error))

    def _move_on(self, clock: MovableClock, until: datetime | None) -> bool:
        """Move the clock to the next due delivery or run; return False if there is none by `until`, and move there."""
        now = clock.now()
        dues = [due for name in self._functions if (due := self._deliveries.next_due(name, now)) is not None]
        moments = [at for at in map(stored_time, dues) if at.year in YEARS]  # else a damaged row would move it too far
        moments += self._schedules.coming() if until else []
        following = min(moments, default=None)
        if following is None or (until and following > until):
            clock.move_to(until or now)
            return False
        clock.move_to(following)
        return True


def _due(pending: PendingDelivery) -> _Due:
    """Return what changes with each outcome that is stored."""
    return pending.id, pending.attempt, pending.due


def _raise_for_caller(error: BaseException) -> None:
    """Raise Ctrl-C and pytest's outcomes, which are for the caller; do nothing for a handler's own error."""
    interrupted = isinstance(error, KeyboardInterrupt) and not _is_raised_by_statement(error)
    pytest = sys.modules.get("_pytest.outcomes")
    if interrupted or (pytest is not None and isinstance(error, pytest.OutcomeException)):
        raise error


def _is_raised_by_statement(error: BaseException) -> bool:
    """Whether a `raise` statement raised the error, and not a signal, which interrupts any instruction."""
    last = error.__traceback__
    while last is not None and last.tb_next is not None:
        last = last.tb_next
    return last is not None and opname[last.tb_frame.f_code.co_code[last.tb_lasti]].startswith("RAISE")
