"""What identifies an invocation, for one that ended without a record."""

import pytest

from contradance import route, schedule, subscriber
from contradance.choreography import AnyFunction
from contradance.runtime.consume import once_key
from contradance.runtime.entry import attempt_to_record, key_of
from contradance.runtime.once import OnceKey
from tests.runtime.desk import TicketOpened, opened
from tests.runtime.fakes import World, delivered, recorded


@subscriber(service="repairs")
def mend(event: TicketOpened) -> None:
    raise ValueError("no screws")


@schedule("rate(1 day)", service="repairs")
def tidy() -> None:
    raise ValueError("no broom")


@route("GET /tools", service="repairs")
def show_tools() -> None: ...


EVENTS = {mend: delivered(opened()), tidy: recorded("scheduler")}


@pytest.mark.parametrize("function", [mend, tidy], ids=["event", "schedule"])
def test_an_attempt_that_is_recorded_afterwards_has_the_ids_of_its_own_record(
    world: World, function: AnyFunction
) -> None:
    with pytest.raises(ValueError, match="no "):
        world.deliver(function, EVENTS[function])

    attempt_to_record(function, EVENTS[function], world.environment).record("failed", 1)

    own, afterwards = (
        (one.trigger, one.event_id, one.subject, one.correlation_id, one.causation_id) for one in world.journal.records
    )
    assert afterwards == own


def test_a_scheduled_run_is_identified_by_its_schedule_and_time_and_a_request_by_nothing() -> None:
    event = EVENTS[tidy]

    assert key_of(tidy, event) == OnceKey("repairs.tidy", "schedule", f"{event['schedule']}@{event['scheduled_time']}")
    assert (
        key_of(mend, EVENTS[mend]) == once_key(mend, EVENTS[mend]) == OnceKey("repairs.mend", "desk.tickets", "event-1")
    )
    assert key_of(show_tools, recorded("eventbridge")) is None
