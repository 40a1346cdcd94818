import warnings

import pytest

from contradance import Choreography, Contract
from food_contracts.deliveries import DeliveryPartnerAssigned
from food_contracts.orders import OrderPlaced
from food_contracts.payments import PaymentFailed, PaymentReversed, PaymentSuccess
from food_contracts.registry import registry
from food_contracts.restaurants import RestaurantConfirmedOrder, RestaurantOrderConfirmationFailed
from functions.choreography import food_delivery

FLOW: list[tuple[type[Contract], set[str], set[str]]] = [
    (OrderPlaced, {"orders.place_order"}, {"payments.process_payment"}),
    (PaymentSuccess, {"payments.process_payment"}, {"restaurants.confirm_order"}),
    (
        RestaurantConfirmedOrder,
        {"restaurants.confirm_order"},
        {
            "orders.update_order_status",
            "notifications.notify_customer",
            "deliveries.assign_delivery_partner",
            "loyalty.add_loyalty_points",
        },
    ),
    (
        DeliveryPartnerAssigned,
        {"deliveries.assign_delivery_partner"},
        {"orders.update_order_status", "notifications.notify_customer"},
    ),
    (
        RestaurantOrderConfirmationFailed,
        {"restaurants.confirm_order"},
        {"payments.reverse_payment", "notifications.notify_customer", "orders.update_order_status"},
    ),
    (PaymentReversed, {"payments.reverse_payment"}, {"notifications.notify_customer"}),
    (PaymentFailed, {"payments.process_payment"}, {"orders.update_order_status", "notifications.notify_customer"}),
]


@pytest.mark.parametrize(
    ("contract", "publishers", "consumers"), FLOW, ids=lambda value: getattr(value, "__name__", "")
)
def test_each_event_goes_from_its_publisher_to_its_consumers(
    contract: type[Contract], publishers: set[str], consumers: set[str]
) -> None:
    assert {function.name for function in food_delivery.publishers(contract)} == publishers
    assert {function.name for function in food_delivery.consumers(contract)} == consumers


def test_the_flow_is_told_in_full() -> None:
    assert {contract for contract, _, _ in FLOW} == set(registry)


def test_no_event_is_unheard() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        Choreography("again", contracts=registry, functions=list(food_delivery.functions.values()))


def test_every_function_lies_in_a_module_of_its_own_name() -> None:
    for function in food_delivery.functions.values():
        assert function.handler.__module__ == f"functions.{function.service}.{function.handler.__name__}"


def test_there_is_a_route_for_everything_a_person_may_ask() -> None:
    assert [routed.route.key for routed in food_delivery.routes] == [
        "POST /orders",
        "GET /orders/{order_id}",
        "GET /orders",
        "GET /payments/{order_id}",
        "GET /customers/{customer_id}/loyalty",
        "GET /customers/{customer_id}/notifications",
    ]


def test_money_goes_through_queues() -> None:
    queued = {function.name for function in food_delivery.functions.values() if function.delivery == "queue"}

    assert queued == {"payments.process_payment", "payments.reverse_payment"}
