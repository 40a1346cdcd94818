"""The laptop's EventBridge Scheduler: it puts the runs of scheduled functions on the bus."""

from collections.abc import Collection
from datetime import datetime

from contradance.choreography import Choreography
from contradance.function import Schedule
from contradance.local.events.bus import Bus


class Schedules:
    """The scheduled functions of one choreography, each with the time of its next run."""

    def __init__(self, choreography: Choreography, bus: Bus, now: datetime) -> None:
        self._bus = bus
        self._timetables = {
            name: function.trigger.timetable
            for name, function in choreography.functions.items()
            if isinstance(function.trigger, Schedule)
        }
        self._next = {name: timetable.next_after(now) for name, timetable in self._timetables.items()}

    def only(self, functions: Collection[str]) -> None:
        """Run these functions alone, from now on."""
        self._timetables = {name: one for name, one in self._timetables.items() if name in functions}
        self._next = {name: moment for name, moment in self._next.items() if name in functions}

    def tick(self, now: datetime) -> None:
        """Put every run that is due on the bus; the missed runs of one function become one."""
        for name, timetable in self._timetables.items():
            moment = self._next[name]
            if moment is not None and moment <= now:
                self._bus.enqueue_scheduled(name, timetable.expression, moment)
                self._next[name] = timetable.next_after(now)

    def coming(self) -> list[datetime]:
        """Return the time of each function's next run."""
        return [moment for moment in self._next.values() if moment is not None]
