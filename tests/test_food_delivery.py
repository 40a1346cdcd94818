from pathlib import Path

import pytest

from tests.food import DECLINED, HAPPY, OUTAGE, REFUSED, food

SEEDS = range(5)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_happy_order_makes_four_events_and_eight_deliveries(tmp_path: Path, seed: int) -> None:
    with food(tmp_path, seed=seed) as system:
        order_id = system.order(HAPPY)

        flow, order = system.flow(order_id), system.show(f"/orders/{order_id}")

    assert (flow.events, flow.deliveries, flow.dead_letters) == (4, 8, 0)
    assert order["status"] == "delivery_assigned"
    assert [change["status"] for change in order["history"]] == ["placed", "confirmed", "delivery_assigned"]


@pytest.mark.parametrize("seed", SEEDS)
def test_a_refused_order_is_cancelled_and_refunded_in_four_events_and_six_deliveries(tmp_path: Path, seed: int) -> None:
    with food(tmp_path, seed=seed) as system:
        order_id = system.order(REFUSED)

        flow, order = system.flow(order_id), system.show(f"/orders/{order_id}")
        payment = system.show(f"/payments/{order_id}")

    assert (flow.events, flow.deliveries, flow.dead_letters) == (4, 6, 0)
    assert (order["status"], order["reason"]) == ("cancelled", "kitchen_closed")
    assert payment["status"] == "refunded"


def test_every_order_can_be_refused_on_purpose(tmp_path: Path) -> None:
    with food(tmp_path, refusal_rate=1) as system:
        order_id = system.order(HAPPY)

        flow, payment = system.flow(order_id), system.show(f"/payments/{order_id}")

    assert (flow.events, flow.deliveries) == (4, 6)
    assert payment["status"] == "refunded"


def test_about_half_of_all_orders_can_be_refused_as_in_the_article(tmp_path: Path) -> None:
    with food(tmp_path, refusal_rate=0.5) as system:
        statuses = [
            system.show(f"/orders/{system.order(HAPPY | {'restaurant_id': 'canteen'})}")["status"] for _ in range(40)
        ]

    assert 8 <= statuses.count("cancelled") <= 32
    assert set(statuses) == {"cancelled", "delivery_assigned"}


def test_a_declined_card_cancels_the_order(tmp_path: Path) -> None:
    with food(tmp_path) as system:
        order_id = system.order(DECLINED)

        flow, order = system.flow(order_id), system.show(f"/orders/{order_id}")
        payment = system.show(f"/payments/{order_id}")

    assert (flow.events, flow.deliveries) == (2, 3)
    assert (order["status"], order["reason"]) == ("cancelled", "card_declined")
    assert payment["status"] == "declined"


def test_an_outage_is_retried_and_then_kept_as_a_dead_letter(tmp_path: Path) -> None:
    with food(tmp_path) as system:
        order_id = system.order(OUTAGE)

        flow, order = system.flow(order_id), system.show(f"/orders/{order_id}")

    assert (flow.events, flow.deliveries, flow.dead_letters) == (1, 1, 1)
    assert order["status"] == "placed"


def test_the_customer_hears_of_every_turn(tmp_path: Path) -> None:
    with food(tmp_path) as system:
        for body in (HAPPY, REFUSED, DECLINED):
            system.order(body)

        mails = system.show("/customers/ada/notifications")

    assert len(mails) == 2 + 2 + 1


def test_points_are_earned_by_confirmed_orders_alone(tmp_path: Path) -> None:
    with food(tmp_path) as system:
        system.order(HAPPY)
        once = system.show("/customers/ada/loyalty")
        system.order(REFUSED)
        system.order(DECLINED)

        then = system.show("/customers/ada/loyalty")

    assert once == then
    assert once["points"] > 0
