from contradance.testing import sample, unit_of_work
from food_contracts.restaurants import RestaurantConfirmedOrder
from food_contracts.values import Customer
from functions.loyalty.add_loyalty_points import add_loyalty_points
from functions.loyalty.show_loyalty_points import show_loyalty_points
from tests.functions.given import eur, order_id

BOB = Customer(customer_id="bob", name="Bob Example", email="bob@example.com")


def test_a_confirmed_order_earns_a_point_per_whole_unit() -> None:
    with unit_of_work():
        add_loyalty_points(sample(RestaurantConfirmedOrder, total=eur(2499)))
        wallet = show_loyalty_points("ada")

    assert (wallet.points, wallet.orders) == (24, 1)


def test_an_order_heard_of_twice_is_counted_once() -> None:
    with unit_of_work():
        for _ in range(2):
            add_loyalty_points(sample(RestaurantConfirmedOrder))
        wallet = show_loyalty_points("ada")

    assert (wallet.points, wallet.orders) == (24, 1)


def test_points_add_up_over_orders_and_not_over_customers() -> None:
    with unit_of_work():
        add_loyalty_points(sample(RestaurantConfirmedOrder, order_id=order_id(1)))
        add_loyalty_points(sample(RestaurantConfirmedOrder, order_id=order_id(2)))
        add_loyalty_points(sample(RestaurantConfirmedOrder, order_id=order_id(3), customer=BOB))
        ada, bob = show_loyalty_points("ada"), show_loyalty_points("bob")

    assert (ada.points, bob.points) == (48, 24)


def test_a_customer_without_orders_has_no_points() -> None:
    with unit_of_work():
        wallet = show_loyalty_points("nobody")

    assert (wallet.customer_id, wallet.points, wallet.orders) == ("nobody", 0, 0)
