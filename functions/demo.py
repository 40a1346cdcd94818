"""The demo: four orders with four outcomes: delivered, refused, declined, and a dead letter."""

from contradance.local.scene import Scene


def _order(restaurant_id: str, payment_token: str) -> dict[str, object]:
    return {
        "customer": {"customer_id": "ada", "name": "Ada Example", "email": "ada@example.com"},
        "restaurant_id": restaurant_id,
        "lines": [
            {
                "sku": "margherita",
                "name": "Margherita",
                "quantity": 2,
                "unit_price": {"amount": 950, "currency": "EUR"},
            },
            {"sku": "tiramisu", "name": "Tiramisu", "quantity": 1, "unit_price": {"amount": 550, "currency": "EUR"}},
        ],
        "delivery_address": {"street": "1 Example Street", "postal_code": "10115", "city": "Berlin", "country": "DE"},
        "payment_token": payment_token,
    }


scenes: list[Scene] = [
    Scene("An order that is cooked and delivered", "POST /orders", _order("luigis", "tok_visa")),
    Scene(
        "An order that the restaurant refuses: its kitchen is closed", "POST /orders", _order("night-owl", "tok_visa")
    ),
    Scene("An order whose card is declined", "POST /orders", _order("luigis", "tok_declined")),
    Scene("An order that meets an outage of the payment gateway", "POST /orders", _order("luigis", "tok_outage")),
]
"""One request for each order."""
