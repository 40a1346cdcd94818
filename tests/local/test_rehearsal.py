"""A handler that runs once for a debugger: on the laptop's rows, with its result, and without a trace."""

import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from contradance import Choreography, Delivery, Table, subscriber
from contradance.errors import LaptopError
from contradance.local.clock import VirtualClock
from contradance.local.laptop import Laptop
from contradance.local.rehearsal import Rehearsed, pending_events, rehearse
from tests.local.desk import START, Answered, Asked, Broken, Desk, ask, opened, registry


class Shelf(BaseModel):
    item: str
    left: int


shelves = Table("shelves", key=("item",), model=Shelf, service="clerk")


@subscriber(service="clerk", uses=[shelves.write])
def hand_over(asked: Asked, delivery: Delivery) -> Answered:
    shelf = shelves.get(asked.item) or Shelf(item=asked.item, left=3)
    assert delivery.attempt == 1
    shelves.put(shelf.model_copy(update={"left": shelf.left - 1}))
    return Answered(item=f"{shelf.left} left")


def delivered(**changed: object) -> dict[str, Any]:
    """Return an event as it is delivered."""
    metadata = {"event_id": "e-1", "version": 1, "occurred_at": "2026-01-01T00:00:00Z", "subject": "tea"}
    data = {"item": "tea", **changed}
    detail = {"metadata": {**metadata, "correlation_id": "c-1", "publisher": "desk.ask"}, "data": data}
    return {"id": "x", "source": "shop.desk", "detail-type": "Asked", "detail": detail, "time": "2026-01-01T00:00:00Z"}


def state(laptop: Laptop) -> list[Any]:
    tables = ("item", "once", "event", "delivery", "journal", "dead_letter")
    return [laptop.database.read(f"SELECT * FROM {table}") for table in tables]  # noqa: S608 - constants


def test_it_reads_the_rows_and_keeps_nothing_however_often_it_runs(tmp_path: Path) -> None:
    shop = Choreography("shop", contracts=registry, functions=[hand_over], ends=[Answered])
    with Laptop(shop, tmp_path, clock=VirtualClock(START), variables={}, synchronous="OFF") as laptop:
        ask(laptop, "tea")
        laptop.drain()
        before = state(laptop)

        results = [rehearse(hand_over, delivered(), laptop.database, {}) for _ in range(2)]

        assert state(laptop) == before
        assert json.loads(before[0][0][-1]) == {"item": "tea", "left": 2}
    assert results == [Rehearsed(None, ["shop.clerk/Answered v1"], ["clerk.shelves"], "")] * 2


@pytest.mark.parametrize(
    "error", [Broken("out"), SystemExit(3), KeyboardInterrupt()], ids=["error", "exit", "interrupt"]
)
def test_what_it_raises_comes_with_the_frame_that_raised_it(tmp_path: Path, error: BaseException) -> None:
    def fails(item: str, attempt: int) -> None:
        raise error

    clerk = Desk().clerk(does=fails, delivery="queue")
    with opened(tmp_path, clerk) as laptop:
        done = rehearse(clerk, delivered(), laptop.database, {})

    assert done.error is error
    trace = done.error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    assert trace is not None
    assert trace.tb_frame.f_locals["item"] == "tea"


def test_an_event_that_breaks_its_contract_does_not_reach_the_handler(tmp_path: Path) -> None:
    desk = Desk()
    clerk = desk.clerk()
    with opened(tmp_path, clerk) as laptop:
        done = rehearse(clerk, delivered(item=7), laptop.database, {})

    assert done.error is None
    assert "data.item: Input should be a valid string" in done.refused
    assert desk.calls == []


@pytest.mark.parametrize("text", ["no JSON", "[1]", "{}", '{"detail": 1}', "null"])
def test_a_message_that_is_no_event_is_refused(text: str, tmp_path: Path) -> None:
    desk = Desk()
    clerk = desk.clerk(delivery="queue")
    with opened(tmp_path, clerk) as laptop:
        laptop.bus.enqueue_direct("clerk.listen", text)

        (found,) = pending_events(laptop.database, "clerk.listen")
        done = rehearse(clerk, found.event, laptop.database, {})

    assert done.error is None
    assert done.refused
    assert desk.calls == []


def test_a_scheduled_run_is_rehearsed_from_its_input(tmp_path: Path) -> None:
    desk = Desk()
    watch = desk.watchman("rate(1 day)")
    run = {"schedule": "arn:aws:scheduler:eu-central-1:1:schedule/a/b", "scheduled_time": "2026-01-01T00:00:00Z"}
    with opened(tmp_path, watch) as laptop:
        done = rehearse(watch, run, laptop.database, {})

    assert (done.error, done.refused, len(desk.calls)) == (None, "", 1)


def test_pending_deliveries_are_found_by_function_event_flow_and_subject_and_a_closed_state_is_an_error(
    tmp_path: Path,
) -> None:
    clerk = Desk().clerk()
    with opened(tmp_path, clerk) as laptop:
        ask(laptop, "tea", "milk")
        found = pending_events(laptop.database, "clerk.listen")
        tea = next(one for one in found if one.event["detail"]["data"]["item"] == "tea")
        flow = tea.event["detail"]["metadata"]["correlation_id"]

        assert len(found) == 2
        for term in (tea.event_id, flow):
            assert pending_events(laptop.database, term) == [tea]
        assert pending_events(laptop.database, "another") == []
        reader = laptop.database
    with pytest.raises(LaptopError):
        rehearse(hand_over, delivered(), reader, {})
