"""The start of a rate in the past: EventBridge Scheduler refuses it when the schedule is created or changed."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

from contradance.deployed import Deployed
from contradance.errors import InvalidStack
from contradance.infra.planning.plan import StackPlan
from contradance.timetable import Timetable

_GRACE: Final = timedelta(minutes=5)
"""How long ago a start may be. moto's and the provider's users report Scheduler's message, with these minutes."""


def start_to_send(timetable: Timetable, now: datetime) -> datetime | None:
    """Return the start that Scheduler gets; None for a start in the past, without which all but a rate run at the same times."""
    began = timetable.start is not None and timetable.start <= now
    return None if began and timetable.every is None else timetable.start


def check_starts(plan: StackPlan, before: Deployed | None, now: datetime) -> None:
    """Raise `InvalidStack` for each new or changed rate whose start is over; an unchanged one needs no update.

    Raises:
        InvalidStack: the message has the next of the same runs, which is a start that Scheduler accepts.
    """
    found = [*_refused(plan, before, now)]
    if found:
        site = plan.setup.site
        raise InvalidStack(
            f"stack {site.stack!r} has schedules that EventBridge Scheduler would refuse:\n" + "\n".join(found)
        )


def _refused(plan: StackPlan, before: Deployed | None, now: datetime) -> Iterator[str]:
    """Yield a problem for each new or changed schedule with a start that Scheduler would refuse."""
    functions = before.functions.items() if before else ()
    deployed = {function.deployed_name or name: function for name, function in functions}
    for each in plan.schedules:
        timetable = each.timetable
        start = start_to_send(timetable, now)
        if start is None or now - start <= _GRACE:
            continue
        known = deployed.get(each.function.identity)
        if known is not None and known.schedule in (each.declaration, None):  # None: an older version deployed it
            continue
        later = timetable.next_after(now)
        fix = (
            f"write start=datetime.fromisoformat({later.isoformat()!r}), the next of the same runs"
            if later
            else "remove it"
        )
        yield (
            f"  {each.function.name} has start={start.isoformat()}, which is over; Scheduler accepts a start in the future "
            f"when a schedule is created or changed.\n  Fix: {fix}."
        )
