"""The events of the food delivery system. Each name is loaded from its module when it is first named."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from food_contracts.deliveries import DeliveryPartnerAssigned
    from food_contracts.orders import OrderPlaced
    from food_contracts.payments import PaymentFailed, PaymentFailureReason, PaymentReversed, PaymentSuccess
    from food_contracts.restaurants import RefusalReason, RestaurantConfirmedOrder, RestaurantOrderConfirmationFailed
    from food_contracts.values import Address, Currency, Customer, Money, OrderLine

__all__ = [
    "Address",
    "Currency",
    "Customer",
    "DeliveryPartnerAssigned",
    "Money",
    "OrderLine",
    "OrderPlaced",
    "PaymentFailed",
    "PaymentFailureReason",
    "PaymentReversed",
    "PaymentSuccess",
    "RefusalReason",
    "RestaurantConfirmedOrder",
    "RestaurantOrderConfirmationFailed",
]

_HOME = {
    "Address": "values",
    "Currency": "values",
    "Customer": "values",
    "DeliveryPartnerAssigned": "deliveries",
    "Money": "values",
    "OrderLine": "values",
    "OrderPlaced": "orders",
    "PaymentFailed": "payments",
    "PaymentFailureReason": "payments",
    "PaymentReversed": "payments",
    "PaymentSuccess": "payments",
    "RefusalReason": "restaurants",
    "RestaurantConfirmedOrder": "restaurants",
    "RestaurantOrderConfirmationFailed": "restaurants",
}


def __getattr__(name: str) -> object:
    """Load a public name from its home."""
    if name not in _HOME:
        raise AttributeError(f"module 'food_contracts' has no attribute {name!r}")
    value = getattr(import_module(f"food_contracts.{_HOME[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
