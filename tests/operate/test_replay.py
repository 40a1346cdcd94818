import json
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from contradance import Choreography, subscriber
from contradance.choreography import AnyFunction
from contradance.errors import LaptopError, OperateError
from contradance.local.state.archive import open_archive
from contradance.operate.flow import flows
from contradance.operate.forecast import Forecast, from_archive, from_journal
from contradance.operate.ports import RunningRule, System
from contradance.operate.replay import ReplayPlan, ignores_replay, plan, start, watch
from food_contracts.orders import OrderPlaced
from food_contracts.registry import registry
from functions.choreography import food_delivery
from tests.food import DECLINED, HAPPY, Food
from tests.local.desk import START, Desk, ask, invalid, opened
from tests.operate.running import food_stack, operated

DAY = timedelta(days=1)
LOYALTY, PAYMENT = "loyalty.add_loyalty_points", "payments.process_payment"
FAR = [None] * 1000


def without(name: str) -> Choreography:
    """Return the food delivery system as it was before a function was written."""
    functions = [function for function in food_delivery.functions.values() if function.name != name]
    return Choreography(food_delivery.name, contracts=registry, functions=functions)


def planned(stack: System, subscriber: str, **changes: Any) -> ReplayPlan:
    given: dict[str, Any] = {"first": START, "last": START + DAY, "identifier": "1", **changes}
    return plan(stack, food_delivery, subscriber, given.pop("first"), given.pop("last"), **given)


def replayed(system: Food, stack: System, subscriber: str, **changes: Any) -> str:
    """Replay the day to one subscriber, and return how it ended."""
    started = start(stack, planned(stack, subscriber, **changes))
    system.laptop.drain()
    (*_, last) = watch(stack, started.name, FAR)
    return last.state


def journaled(system: Food, after: int = 0) -> list[dict[str, Any]]:
    """Return the journal from its row `after` on."""
    system.laptop.database.flush()
    return [json.loads(text) for (text,) in system.laptop.database.read("SELECT record FROM journal ORDER BY id")][
        after:
    ]


def events(system: Food) -> int:
    """Return how many events were accepted."""
    return int(system.laptop.database.read("SELECT count(*) FROM event WHERE archived = 1")[0][0])


def test_replaying_the_day_to_a_new_subscriber_builds_its_table_from_history(tmp_path: Path) -> None:
    with food_stack(tmp_path, without(LOYALTY)) as (system, _):
        for body in (HAPPY, HAPPY, DECLINED, HAPPY):
            system.order(body)

    with food_stack(tmp_path) as (system, stack):
        before, nothing = len(journaled(system)), system.show("/customers/ada/loyalty")
        state = replayed(system, stack, LOYALTY)
        built = system.show("/customers/ada/loyalty")
        after = journaled(system, before)

    assert (state, nothing["orders"], built["orders"]) == ("COMPLETED", 0, 3)
    assert [(record["function"], record["outcome"]) for record in after] == [(LOYALTY, "done")] * 3


def test_replaying_again_changes_nothing(tmp_path: Path) -> None:
    with food_stack(tmp_path) as (system, stack):
        for _ in range(3):
            system.order(HAPPY)
        first, before = system.show("/customers/ada/loyalty"), len(journaled(system))
        for identifier in ("1", "2"):
            replayed(system, stack, LOYALTY, identifier=identifier)
        then = system.show("/customers/ada/loyalty")
        after = journaled(system, before)

    assert first == then
    assert [(record["function"], record["outcome"]) for record in after] == [(LOYALTY, "duplicate")] * 6


def test_replaying_a_completed_order_to_the_payment_publishes_nothing(tmp_path: Path) -> None:
    with food_stack(tmp_path) as (system, stack):
        system.order(HAPPY)
        before, count = len(journaled(system)), events(system)
        state = replayed(system, stack, PAYMENT)
        after = journaled(system, before)

        assert state == "COMPLETED"
        assert [(record["function"], record["outcome"]) for record in after] == [(PAYMENT, "duplicate")]
        assert events(system) == count


def test_again_runs_it_again_and_everyone_downstream_sees_new_events_that_say_of_what(tmp_path: Path) -> None:
    with food_stack(tmp_path) as (system, stack):
        order = system.order(HAPPY)
        (placed,) = [
            event for record in journaled(system) for event in record["published"] if "OrderPlaced" in event["contract"]
        ]
        before = len(journaled(system))

        state = replayed(system, stack, PAYMENT, again=True)

        after = journaled(system, before)
        payment = next(record for record in after if record["function"] == PAYMENT)
        published = {event["event_id"] for event in payment["published"]}
        rows = system.laptop.database.read("SELECT envelope FROM event ORDER BY id")
        metadata = [json.loads(envelope)["detail"]["metadata"] for (envelope,) in rows]
        charges = system.show(f"/payments/{order}")
        loyalty = system.show("/customers/ada/loyalty")

    successes = [one for one in metadata if one["publisher"] == PAYMENT]
    assert state == "COMPLETED"
    assert payment["outcome"] == "done"
    assert len({one["event_id"] for one in successes}) == 2
    assert [one.get("replay_of") for one in successes] == [None, placed["event_id"]]
    assert {one["event_id"] for one in successes if one.get("replay_of")} == published
    assert all(one["correlation_id"] == metadata[0]["correlation_id"] for one in metadata)
    assert Counter(record["outcome"] for record in after) == {"done": 8}
    assert charges["status"] == "charged"
    assert loyalty["orders"] == 1


def test_again_twice_under_one_name_is_once(tmp_path: Path) -> None:
    with food_stack(tmp_path) as (system, stack):
        system.order(HAPPY)
        replayed(system, stack, PAYMENT, again=True)
        before = len(journaled(system))
        with pytest.raises(LaptopError, match=r"ResourceAlreadyExistsException: Replay again\.1 already exists\."):
            replayed(system, stack, PAYMENT, again=True)
        replayed(system, stack, PAYMENT, again=True, identifier="2")
        again = [record["outcome"] for record in journaled(system, before) if record["function"] == PAYMENT]

    assert again == ["done"]


def test_a_flow_that_was_replayed_is_still_one_tree(tmp_path: Path) -> None:
    with food_stack(tmp_path) as (system, stack):
        order = system.order(HAPPY)
        replayed(system, stack, PAYMENT, again=True)
        (flow,) = flows(system.laptop.journal.flows(order))

    assert (flow.waiting, flow.dead_letters, len(flow.roots)) == (0, 0, 1)
    assert flow.events == 7


def test_the_archive_tells_what_a_replay_would_do(tmp_path: Path) -> None:
    with food_stack(tmp_path, without(LOYALTY)) as (system, _):
        for body in (HAPPY, HAPPY, DECLINED):
            system.order(body)
    with food_stack(tmp_path) as (system, stack):
        system.order(HAPPY)
        with open_archive(tmp_path) as archive:
            found = from_archive(planned(stack, LOYALTY), archive)
            outside = from_archive(planned(stack, LOYALTY, first=START - DAY, last=START), archive)

    assert found == Forecast(matched=3, done=1, invalid=0, basis="archive")
    assert outside == Forecast(matched=0, done=0, invalid=0, basis="archive")


def test_the_archive_tells_what_a_renamed_function_has_completed(tmp_path: Path) -> None:
    with opened(tmp_path, Desk().clerk()) as laptop:
        ask(laptop, "a")
        laptop.drain()
    renamed = Desk().clerk("hear", deployed_as="listen")
    with opened(tmp_path, renamed) as laptop, operated(laptop) as stack:
        of_the_day = plan(stack, laptop.choreography, "clerk.hear", START, START + DAY, identifier="1")
        with open_archive(tmp_path) as archive:
            found = from_archive(of_the_day, archive)

    assert found == Forecast(matched=1, done=1, invalid=0, basis="archive")


def test_the_archive_tells_what_would_be_invalid(tmp_path: Path) -> None:
    with opened(tmp_path, Desk().clerk()) as laptop, operated(laptop) as stack:
        ask(laptop, "a")
        laptop.bus.put_events(Entries=[invalid(5)])
        laptop.drain()
        of_the_day = plan(stack, laptop.choreography, "clerk.listen", START, START + DAY, identifier="1")
        with open_archive(tmp_path) as archive:
            found = from_archive(of_the_day, archive)

    assert found == Forecast(matched=2, done=1, invalid=1, basis="archive")


def test_the_journal_tells_about_what_a_replay_would_do_where_no_archive_can_be_read(tmp_path: Path) -> None:
    with food_stack(tmp_path, without(LOYALTY)) as (system, _):
        for body in (HAPPY, HAPPY, DECLINED):
            system.order(body)
    with food_stack(tmp_path) as (system, stack):
        system.order(HAPPY)
        system.laptop.database.flush()
        found = from_journal(planned(stack, LOYALTY), system.laptop.journal)

    assert found == Forecast(matched=3, done=1, invalid=None, basis="journal")


def skipping() -> AnyFunction:
    def skips(placed: OrderPlaced) -> None:
        """Do nothing."""

    return subscriber(service="orders", on_replay="skip")(skips)


@pytest.mark.parametrize(
    ("name", "changes", "message"),
    [
        ("nobody.here", {}, "the code has no function nobody.here.\n  Subscribers: orders.update_order_status, "),
        ("orders.place_order", {}, "orders.place_order consumes no events, so none can be replayed to it."),
        ("orders.skips", {}, "orders.skips is declared with on_replay='skip': its rule matches no replayed event."),
        (LOYALTY, {"last": START}, "the window ends before it begins."),
    ],
)
def test_a_replay_that_cannot_be_is_refused_with_the_fix(
    tmp_path: Path, name: str, changes: dict[str, Any], message: str
) -> None:
    system = Choreography("food", contracts=registry, functions=[*food_delivery.functions.values(), skipping()])
    with food_stack(tmp_path, system) as (_, stack):
        given: dict[str, Any] = {"last": START + DAY, **changes}
        with pytest.raises(OperateError) as refusal:
            plan(stack, system, name, START, given["last"], identifier="1")

    assert str(refusal.value).startswith(message)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"archive_arn": None},
            "the archive of the bus food-delivery is not known: another stack owns it.\n  Name it: pulumi config set busArchive",
        ),
        ({"functions": {}}, f"food-delivery has no function {LOYALTY} here."),
    ],
)
def test_a_stack_that_cannot_replay_is_said_not_to(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    with food_stack(tmp_path) as (_, stack):
        other = replace(stack, deployed=stack.deployed.model_copy(update=changes))
        with pytest.raises(OperateError) as refusal:
            planned(other, LOYALTY)

    assert str(refusal.value).startswith(message)


def test_only_a_function_that_publishes_publishes_again(tmp_path: Path) -> None:
    with food_stack(tmp_path) as (_, stack):
        found = {
            (name, again): planned(stack, name, again=again).publishes_again
            for name in (LOYALTY, PAYMENT)
            for again in (False, True)
        }

    assert [key for key, publishes in found.items() if publishes] == [(PAYMENT, True)]


def test_a_window_that_reaches_into_the_last_ten_minutes_is_fresh(tmp_path: Path) -> None:
    with food_stack(tmp_path) as (_, stack):
        found = planned(stack, LOYALTY)

    assert found.is_fresh(found.last)
    assert found.is_fresh(found.last + timedelta(minutes=9))
    assert not found.is_fresh(found.last + timedelta(minutes=10))


def test_a_replay_is_watched_until_it_has_ended(tmp_path: Path) -> None:
    with food_stack(tmp_path) as (system, stack):
        system.order(HAPPY)
        started = start(stack, planned(stack, LOYALTY))

        def pauses() -> Any:
            for _ in range(5):
                yield
                system.laptop.replays.step()

        seen = [*watch(stack, started.name, pauses())]

    assert (started.name, started.state) == ("replay.1", "STARTING")
    assert [progress.state for progress in seen] == ["STARTING", "RUNNING", "COMPLETED"]
    assert seen[-1].last_replayed == datetime(2026, 1, 1, tzinfo=UTC)
    assert (seen[-1].ended, seen[0].ended) == (True, False)


@pytest.mark.parametrize(
    ("pattern", "ignores_once", "ignores_again"),
    [
        ({"source": ["a"]}, False, False),
        ({"replay-name": [{"exists": False}]}, True, True),
        ({"replay-name": [{"exists": True}]}, False, False),
        ({"replay-name": ["replay.1"]}, False, True),
        ({"replay-name": ["replay.2", {"exists": False}]}, True, True),
        ({"replay-name": [{"prefix": "again."}]}, True, False),
        ({"replay-name": [{"anything-but": {"prefix": "again."}}]}, False, True),
        ({"$or": [{"replay-name": [{"exists": False}]}, {"source": ["a"]}]}, False, False),
        ({"$or": [{"replay-name": [{"exists": False}]}, {"replay-name": ["again.1"]}]}, True, False),
        ({"replay-name": {"x": ["y"]}}, True, True),
        ({"replay-name": [{"a-later-operator": 1}]}, False, False),
    ],
    ids=str,
)
def test_a_rule_ignores_a_replay_by_what_its_pattern_means(
    pattern: dict[str, object], ignores_once: bool, ignores_again: bool
) -> None:
    rule = RunningRule("ENABLED", json.dumps(pattern), ())

    assert (ignores_replay(rule, "replay.1"), ignores_replay(rule, "again.1")) == (ignores_once, ignores_again)
    assert not ignores_replay(RunningRule("ENABLED", "", ()), "replay.1")
