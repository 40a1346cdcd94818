"""The food delivery system: the list of all its functions. Their signatures connect them by events.

`contradance graph` draws the result.
"""

from contradance import Choreography
from food_contracts.registry import registry
from functions.deliveries.assign_delivery_partner import assign_delivery_partner
from functions.loyalty.add_loyalty_points import add_loyalty_points
from functions.loyalty.show_loyalty_points import show_loyalty_points
from functions.notifications.list_notifications import list_notifications
from functions.notifications.notify_customer import notify_customer
from functions.orders.list_orders import list_orders
from functions.orders.place_order import place_order
from functions.orders.show_order import show_order
from functions.orders.update_order_status import update_order_status
from functions.payments.process_payment import process_payment
from functions.payments.reverse_payment import reverse_payment
from functions.payments.show_payment import show_payment
from functions.restaurants.confirm_order import confirm_order

food_delivery = Choreography(
    "food-delivery",
    contracts=registry,
    functions=[
        # orders
        place_order,
        show_order,
        list_orders,
        update_order_status,
        # payments
        process_payment,
        reverse_payment,
        show_payment,
        # restaurants
        confirm_order,
        # deliveries
        assign_delivery_partner,
        # loyalty
        add_loyalty_points,
        show_loyalty_points,
        # notifications
        notify_customer,
        list_notifications,
    ],
)
