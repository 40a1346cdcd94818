"""The laptop's EventBridge Scheduler: it puts the runs of scheduled functions on the bus."""

from collections.abc import Collection
from datetime import datetime, timedelta

from contradance.choreography import Choreography
from contradance.envelope import derived_id
from contradance.function import Schedule
from contradance.local.events.bus import Bus
from contradance.local.names import schedule_arn, scheduled_time
from contradance.runtime.once import scheduled_key


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

    def run(self, name: str, now: datetime) -> str:
        """Put one more run of a function on the bus, now, and return the id of its flow."""
        moment, expression = now, self._timetables[name].expression
        while not self._bus.enqueue_scheduled(name, expression, moment):
            moment += timedelta(seconds=1)  # a run of this second was accepted before
        return derived_id(*scheduled_key(name, schedule_arn(name), scheduled_time(moment)), "correlation")

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
