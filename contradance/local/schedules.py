"""The laptop's EventBridge Scheduler: when each scheduled function runs next."""

from datetime import datetime

from contradance.choreography import Choreography
from contradance.function import Schedule
from contradance.local.bus import Bus
from contradance.timetable import Timetable


class Schedules:
    """The scheduled functions of one choreography, and the next moment of each."""

    def __init__(self, choreography: Choreography, bus: Bus, now: datetime) -> None:
        self._bus = bus
        self._timetables = {
            name: function.trigger.timetable
            for name, function in choreography.functions.items()
            if isinstance(function.trigger, Schedule)
        }
        self._next = {name: timetable.next_after(now) for name, timetable in self._timetables.items()}

    def tick(self, now: datetime) -> None:
        """Put every run whose moment has come on the bus; moments that were missed are one run."""
        for name, timetable in self._timetables.items():
            moment = self._next[name]
            if moment is not None and moment <= now:
                self._run(name, timetable, moment, now)

    def _run(self, name: str, timetable: Timetable, moment: datetime, now: datetime) -> None:
        self._bus.put_moment(name, timetable.expression, moment)
        self._next[name] = timetable.next_after(max(now, moment))

    def coming(self) -> list[datetime]:
        """Return the next moment of each function that has one."""
        return [moment for moment in self._next.values() if moment is not None]
