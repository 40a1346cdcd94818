"""The article's traps: each check passes on our system, and fails on one in which the trap is put back."""

from collections.abc import Callable
from itertools import permutations
from pathlib import Path
from uuid import UUID

import pytest

from contradance import Choreography, Contract, Delivery, Registry, Reply, route, subscriber
from contradance.choreography import AnyFunction
from contradance.testing import sample, unit_of_work
from food_contracts.deliveries import DeliveryPartnerAssigned
from food_contracts.orders import OrderPlaced
from food_contracts.payments import PaymentSuccess
from food_contracts.registry import registry
from food_contracts.restaurants import RestaurantConfirmedOrder, RestaurantOrderConfirmationFailed
from functions.choreography import food_delivery
from functions.orders import place_order as place_order_module
from functions.orders.place_order import PlaceOrder
from functions.orders.tables import Order, orders
from functions.orders.update_order_status import StatusEvent, change_in, update_order_status
from functions.restaurants.chance import refusal_rate, refusal_seed
from functions.restaurants.confirm_order import confirm_order as decide
from functions.restaurants.tables import diaries, tickets
from tests.food import HAPPY, REFUSED, food
from tests.functions.given import ORDER_ID
from tests.functions.test_show_orders import placed

Decision = RestaurantConfirmedOrder | RestaurantOrderConfirmationFailed


def with_function(function: AnyFunction) -> Choreography:
    """Return the food delivery system with the function of this name exchanged."""
    functions = {**food_delivery.functions, function.name: function}
    return Choreography("food-delivery", contracts=registry, functions=list(functions.values()))


def with_kitchen(handle: Callable[[PaymentSuccess, Delivery], Decision | None]) -> Choreography:
    """Return the system with a restaurant that handles paid orders in its own way."""

    @subscriber(service="restaurants", uses=[tickets.write, diaries.write, refusal_rate, refusal_seed])
    def confirm_order(
        paid: PaymentSuccess, delivery: Delivery
    ) -> RestaurantConfirmedOrder | RestaurantOrderConfirmationFailed | None:
        return handle(paid, delivery)

    return with_function(confirm_order)


# T1: the article's last listing drops the publish of the happy path.


def check_the_happy_path_goes_on(choreography: Choreography, state: Path) -> None:
    with food(state, choreography) as system:
        assert "DeliveryPartnerAssigned" in system.events(system.order(HAPPY))


def test_the_happy_path_is_published_to_its_end(tmp_path: Path) -> None:
    def forget_to_publish(paid: PaymentSuccess, delivery: Delivery) -> Decision | None:
        answer = decide(paid, delivery)
        return answer if isinstance(answer, RestaurantOrderConfirmationFailed) else None

    check_the_happy_path_goes_on(food_delivery, tmp_path / "ours")

    with pytest.raises(AssertionError):
        check_the_happy_path_goes_on(with_kitchen(forget_to_publish), tmp_path / "trap")


# T2: an id sent by the client overrides the order's.


def check_a_client_cannot_choose_the_id(choreography: Choreography, state: Path) -> None:
    with food(state, choreography) as system:
        status, _ = system.ask("POST", "/orders", {**HAPPY, "order_id": str(ORDER_ID)})

        assert status == 422
        assert system.ask("GET", f"/orders/{ORDER_ID}")[0] == 404


class OpenOrder(PlaceOrder, frozen=True):
    order_id: UUID


def test_a_client_cannot_choose_an_orders_id(tmp_path: Path) -> None:
    @route("POST /orders", status=201, uses=[orders.write], service="orders")
    def place_order(request: OpenOrder, delivery: Delivery) -> Reply[Order, OrderPlaced]:
        reply = place_order_module.place_order(request, delivery)
        order = reply.body.model_copy(update={"order_id": request.order_id})
        orders.put(order)
        return Reply(order, publishes=reply.publishes)

    check_a_client_cannot_choose_the_id(food_delivery, tmp_path / "ours")

    with pytest.raises(AssertionError):
        check_a_client_cannot_choose_the_id(with_function(place_order), tmp_path / "trap")


# T3: failures carry no reason.


def check_failures_say_why(contracts: Registry) -> None:
    refusals = [contract for contract in contracts if contract.__name__.endswith("Failed")]

    assert refusals
    for contract in refusals:
        assert contract.failure
        assert {"reason", "explanation"} <= contract.model_fields.keys()
        assert contract.model_fields["reason"].is_required()


def test_every_failure_carries_its_reason(tmp_path: Path) -> None:
    class PaymentFailed(Contract, source="food.payments", subject="order_id", failure=True):
        order_id: UUID

    check_failures_say_why(registry)
    with food(tmp_path) as system:
        assert system.show(f"/orders/{system.order(REFUSED)}")["reason"] == "kitchen_closed"

    with pytest.raises(AssertionError):
        check_failures_say_why(Registry("food", [PaymentFailed]))


# T7: late events overwrite the status.


def check_late_events_do_not_take_the_status_back(update: Callable[[StatusEvent], None]) -> None:
    told: list[StatusEvent] = [sample(RestaurantConfirmedOrder), sample(DeliveryPartnerAssigned)]
    for news in permutations(told):
        with unit_of_work():
            orders.put(placed(1).model_copy(update={"order_id": ORDER_ID}))
            for event in news:
                update(event)
            order = orders.get(ORDER_ID)
        assert order is not None
        assert order.status == "delivery_assigned"


def test_late_events_do_not_take_the_status_back() -> None:
    def overwrite_the_status(news: StatusEvent) -> None:
        order = orders.get(news.order_id)
        assert order is not None
        orders.update(order.model_copy(update={"status": change_in(news).status}))

    check_late_events_do_not_take_the_status_back(update_order_status)

    with pytest.raises(AssertionError):
        check_late_events_do_not_take_the_status_back(overwrite_the_status)


# T8: an expected refusal and a crash are treated alike.


def decide_or_crash(paid: PaymentSuccess, delivery: Delivery) -> Decision:
    if paid.restaurant_id == "crash":
        raise RuntimeError("a bug")
    return decide(paid, delivery)


def check_a_refusal_is_an_answer_and_a_crash_is_not(choreography: Choreography, state: Path) -> None:
    with food(state, choreography) as system:
        refused = system.order(REFUSED)
        crashed = system.order({**HAPPY, "restaurant_id": "crash"})

        assert system.flow(refused).dead_letters == 0
        assert "PaymentReversed" in system.events(refused)
        assert system.flow(crashed).dead_letters == 1
        assert system.events(crashed) == ["OrderPlaced", "PaymentSuccess"]


def test_a_refusal_is_published_and_a_crash_is_retried(tmp_path: Path) -> None:
    def crash_to_refuse(paid: PaymentSuccess, delivery: Delivery) -> Decision:
        answer = decide_or_crash(paid, delivery)
        if isinstance(answer, RestaurantOrderConfirmationFailed):
            raise RuntimeError(answer.reason)  # noqa: TRY004 - the trap
        return answer

    def refuse_when_crashed(paid: PaymentSuccess, delivery: Delivery) -> Decision:
        try:
            return decide_or_crash(paid, delivery)
        except RuntimeError:
            return decide(paid.model_copy(update={"restaurant_id": "night-owl"}), delivery)

    check_a_refusal_is_an_answer_and_a_crash_is_not(with_kitchen(decide_or_crash), tmp_path / "ours")

    for position, trap in enumerate([crash_to_refuse, refuse_when_crashed]):
        with pytest.raises(AssertionError):
            check_a_refusal_is_an_answer_and_a_crash_is_not(with_kitchen(trap), tmp_path / f"trap{position}")
