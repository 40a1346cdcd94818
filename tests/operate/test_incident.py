"""The incident of the README: a bug in one function, its dead letters, the fix, the redrive."""

import json
from collections import Counter
from pathlib import Path

import pytest

from contradance import Choreography, subscriber
from contradance.choreography import AnyFunction
from contradance.operate.dead_letters import find, purge, redrive
from food_contracts.registry import registry
from food_contracts.restaurants import RestaurantConfirmedOrder
from functions.choreography import food_delivery
from functions.loyalty.add_loyalty_points import add_loyalty_points
from functions.loyalty.tables import awards
from tests.food import HAPPY
from tests.operate.running import food_stack, letters_of

ORDERS = 50
LOYALTY = "loyalty.add_loyalty_points"


def with_loyalty(function: AnyFunction) -> Choreography:
    """Return the food delivery system with another function in loyalty's place."""
    functions = [function if one.name == function.name else one for one in food_delivery.functions.values()]
    return Choreography(food_delivery.name, contracts=registry, functions=functions)


def buggy() -> AnyFunction:
    """Return loyalty's function with a bug: how many points a free order earns is not one division away."""

    def add_loyalty_points(confirmed: RestaurantConfirmedOrder) -> None:
        awards.get(confirmed.customer.customer_id, confirmed.order_id)
        raise ZeroDivisionError("integer division or modulo by zero")

    return subscriber(service="loyalty", uses=[awards.write])(add_loyalty_points)


@pytest.fixture(scope="module")
def incident(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the state in which the bug was found: fifty orders have passed."""
    state = tmp_path_factory.mktemp("incident")
    with food_stack(state, with_loyalty(buggy())) as (system, _):
        for _ in range(ORDERS):
            status, _ = system.ask("POST", "/orders", HAPPY)
            assert status == 201
        system.laptop.drain()
    return state


@pytest.fixture
def state(incident: Path, tmp_path: Path) -> Path:
    """Return a copy of the incident's state."""
    (tmp_path / "bus.sqlite3").write_bytes((incident / "bus.sqlite3").read_bytes())
    return tmp_path


def test_fifty_dead_letters_are_grouped_under_one_reason(state: Path) -> None:
    with food_stack(state) as (system, stack):
        (group,) = find(stack, food_delivery).groups
        letters = letters_of(stack, food_delivery)
        wallet = system.show("/customers/ada/loyalty")

    assert (group.subscriber, group.reason, group.count) == (LOYALTY, "failed", ORDERS)
    assert group.cause == "ZeroDivisionError: integer division or modulo by zero (tests/operate/test_incident.py:35)"
    assert {letter.attempts for letter in letters} == {3}
    assert wallet["orders"] == 0


def test_looking_at_dead_letters_hides_none_of_them(state: Path) -> None:
    with food_stack(state) as (_, stack):
        looks = [len(letters_of(stack, food_delivery)) for _ in range(3)]

    assert looks == [ORDERS] * 3


def test_a_redrive_that_is_a_dry_run_changes_nothing(state: Path) -> None:
    with food_stack(state) as (system, stack):
        verdicts = [*redrive(stack, food_delivery)]
        system.laptop.drain()
        wallet, left = system.show("/customers/ada/loyalty"), letters_of(stack, food_delivery)

    assert Counter(verdict.outcome for verdict in verdicts) == {"redrivable": ORDERS}
    assert (wallet["orders"], len(left)) == (0, ORDERS)


def test_once_the_bug_is_fixed_a_redrive_heals_exactly_those_fifty(state: Path) -> None:
    with food_stack(state) as (system, stack):
        before = journaled(system.laptop.database.read("SELECT record FROM journal ORDER BY id"))
        mails = system.show("/customers/ada/notifications")

        verdicts = [*redrive(stack, food_delivery, really=True)]
        system.laptop.drain()

        after = journaled(system.laptop.database.read("SELECT record FROM journal ORDER BY id"))[len(before) :]
        wallet = system.show("/customers/ada/loyalty")
        left = letters_of(stack, food_delivery)
        mails_after = system.show("/customers/ada/notifications")

    assert Counter(verdict.outcome for verdict in verdicts) == {"redriven": ORDERS}
    assert after == [(LOYALTY, "done")] * ORDERS
    assert (wallet["orders"], left) == (ORDERS, [])
    assert mails_after == mails


def test_nobody_gets_points_twice_for_a_dead_letter_that_is_there_four_times(state: Path) -> None:
    with food_stack(state) as (system, stack):
        (dead, *_) = letters_of(stack, food_delivery)
        for _ in range(3):
            system.laptop.dead_letters.send(LOYALTY, dead.message.body, {})
        verdicts = [*redrive(stack, food_delivery, really=True)]
        system.laptop.drain()
        wallet = system.show("/customers/ada/loyalty")
        left = letters_of(stack, food_delivery)

    assert Counter(verdict.outcome for verdict in verdicts) == {"redriven": ORDERS + 3}
    assert (wallet["orders"], left) == (ORDERS, [])


def test_a_redrive_before_the_bug_is_fixed_ends_and_keeps_every_event(state: Path) -> None:
    with food_stack(state, with_loyalty(buggy())) as (system, stack):
        verdicts = [*redrive(stack, food_delivery, really=True)]
        system.laptop.drain()
        left = letters_of(stack, food_delivery)

    assert Counter(verdict.outcome for verdict in verdicts) == {"redriven": ORDERS}
    assert len({letter.event_id for letter in left}) == len(left) == ORDERS


def test_the_fix_is_the_function_of_the_project() -> None:
    assert food_delivery.functions[LOYALTY] is add_loyalty_points


def test_dead_letters_can_be_purged_and_a_dry_run_purges_none(state: Path) -> None:
    with food_stack(state) as (_, stack):
        dry = Counter(verdict.outcome for verdict in purge(stack, food_delivery, LOYALTY))
        left = len(letters_of(stack, food_delivery))
        wet = Counter(verdict.outcome for verdict in purge(stack, food_delivery, LOYALTY, really=True))
        gone = letters_of(stack, food_delivery)

    assert (dry, left) == ({"deletable": ORDERS}, ORDERS)
    assert (wet, gone) == ({"deleted": ORDERS}, [])


def journaled(rows: list[tuple[str]]) -> list[tuple[str, str]]:
    """Return (function, outcome) of journal records."""
    records = [json.loads(record) for (record,) in rows]
    return [(record["function"], record["outcome"]) for record in records]
