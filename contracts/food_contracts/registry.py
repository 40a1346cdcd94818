"""The registry of all contracts of the food delivery system."""

from contradance import Registry
from food_contracts.deliveries import DeliveryPartnerAssigned
from food_contracts.orders import OrderPlaced
from food_contracts.payments import PaymentFailed, PaymentReversed, PaymentSuccess
from food_contracts.restaurants import RestaurantConfirmedOrder, RestaurantOrderConfirmationFailed

registry = Registry(
    "food",
    [
        OrderPlaced,
        PaymentSuccess,
        PaymentFailed,
        PaymentReversed,
        RestaurantConfirmedOrder,
        RestaurantOrderConfirmationFailed,
        DeliveryPartnerAssigned,
    ],
)
