import pytest

from contradance.local.scene import Scene
from contradance.testing import unit_of_work
from food_contracts.payments import PaymentFailed
from food_contracts.restaurants import RestaurantConfirmedOrder, RestaurantOrderConfirmationFailed
from functions.demo import scenes
from functions.orders.place_order import PlaceOrder, place_order
from functions.payments.gateway import GatewayOutage
from functions.payments.process_payment import process_payment
from functions.restaurants.confirm_order import confirm_order
from tests.functions.given import delivery


def played(scene: Scene) -> str:
    """Return how far a scene goes: the last event that payments or restaurants publish of it."""
    with unit_of_work():
        reply = place_order(PlaceOrder.model_validate(scene.body), delivery())
        paid = process_payment(reply.publishes, delivery())
        return type(paid if isinstance(paid, PaymentFailed) else confirm_order(paid, delivery())).__name__


def test_the_four_scenes_place_orders() -> None:
    assert [scene.route for scene in scenes] == ["POST /orders"] * 4


def test_the_scenes_end_as_their_titles_say() -> None:
    happy, refused, declined, outage = scenes

    assert played(happy) == RestaurantConfirmedOrder.__name__
    assert played(refused) == RestaurantOrderConfirmationFailed.__name__
    assert played(declined) == PaymentFailed.__name__
    with pytest.raises(GatewayOutage):
        played(outage)
