"""The laptop's EventBridge Scheduler: it puts the runs of scheduled functions on the bus."""

import logging
from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Final

from contradance.choreography import Choreography
from contradance.envelope import derived_id
from contradance.function import Schedule
from contradance.local.events.bus import Bus
from contradance.local.names import schedule_arn, scheduled_time
from contradance.runtime.once import scheduled_key

_LOG = logging.getLogger("contradance.schedules")
_SMALL_STEP: Final = timedelta(minutes=1)
"""A clock that is set back by less makes a schedule wait that much longer."""
_AHEAD: Final = "the laptop's time was ahead: an earlier run used --time-scale, or the system's clock was set back"
"""Why a schedule has run for a time that is still to come."""


class Schedules:
    """The scheduled functions of one choreography, each with the time of its next run."""

    def __init__(self, choreography: Choreography, bus: Bus, now: datetime) -> None:
        self._bus = bus
        self._timetables = {
            name: function.trigger.timetable
            for name, function in choreography.functions.items()
            if isinstance(function.trigger, Schedule)
        }
        self._deployed_names = {name: choreography.functions[name].deployed_name for name in self._timetables}
        self._reported: set[str] = set()
        self._next = {name: self._next_of(name, now) for name in self._timetables}

    def only(self, functions: Collection[str]) -> None:
        """Run these functions alone, from now on."""
        self._timetables = {name: one for name, one in self._timetables.items() if name in functions}
        self._next = {name: moment for name, moment in self._next.items() if name in functions}

    def run(self, name: str, now: datetime) -> str:
        """Put a run of a scheduled function on the bus, now, and return its flow's id; raise `KeyError` for another."""
        moment, expression = now, self._timetables[name].expression
        while not self._bus.enqueue_scheduled(name, expression, moment):
            moment += timedelta(seconds=1)  # a run of this second was accepted before
        return derived_id(
            *scheduled_key(self._deployed_names[name], schedule_arn(name), scheduled_time(moment)), "correlation"
        )

    def tick(self, now: datetime) -> None:
        """Put each function's due run on the bus; of several runs that a function missed, only the earliest."""
        for name, timetable in self._timetables.items():
            moment = self._next[name]
            if moment is not None and moment <= now:
                self._bus.enqueue_scheduled(name, timetable.expression, moment)
                self._next[name] = self._next_of(name, now)

    def coming(self) -> list[datetime]:
        """Return the times of the functions' next runs; a function without a next run has none."""
        return [moment for moment in self._next.values() if moment is not None]

    def set_back(self, now: datetime, back: timedelta) -> None:
        """Choose the next runs anew, after `now`, if the clock was set back by more than a minute; else do nothing."""
        if back > _SMALL_STEP:
            self._next = {name: self._next_of(name, now) for name in self._timetables}

    def _next_of(self, name: str, now: datetime) -> datetime | None:
        """Return a function's next run after `now`, or None; skip one made by a clock that was ahead, forget several.

        A clock that was ahead, by a time scale or before it was set back, may have made runs that are still to come. One
        run is not repeated. Several are forgotten: else the schedule would be silent until real time catches up.
        """
        timetable = self._timetables[name]
        moment = timetable.next_after(now)
        if moment is None or not self._bus.has_run(name, timetable.expression, moment):
            return moment
        following = timetable.next_after(moment)
        if following is None or not self._bus.has_run(name, timetable.expression, following):
            _LOG.warning(
                "%s has run for %s, because %s; its next run is %s.",
                name,
                moment,
                _AHEAD,
                following,
            )
            return following
        if name not in self._reported:
            self._reported.add(name)
            _LOG.warning(
                "%s has run for %s and later, because %s; it runs for them again.",
                name,
                moment,
                _AHEAD,
            )
        self._bus.forget_run(name, timetable.expression, moment)
        return moment
