"""What customers are told."""

from typing import NamedTuple

from food_contracts.deliveries import DeliveryPartnerAssigned
from food_contracts.payments import PaymentFailed, PaymentReversed
from food_contracts.restaurants import RestaurantConfirmedOrder, RestaurantOrderConfirmationFailed

MailedEvent = (
    RestaurantConfirmedOrder
    | DeliveryPartnerAssigned
    | RestaurantOrderConfirmationFailed
    | PaymentReversed
    | PaymentFailed
)
"""What customers get a mail about."""


class Letter(NamedTuple):
    """What a mail says."""

    about: str
    """For the log."""
    subject: str
    text: str


def letter(news: MailedEvent) -> Letter:
    """Say an event in words for the customer."""
    match news:
        case RestaurantConfirmedOrder():
            return Letter(
                "order success",
                "Your order is confirmed",
                f"Your order over {news.total} is confirmed. It will be ready at {news.ready_at:%H:%M} UTC.",
            )
        case DeliveryPartnerAssigned():
            return Letter(
                "delivery partner assignment",
                "Your order will be brought to you",
                f"{news.partner_id} brings your order and should arrive at {news.arrives_at:%H:%M} UTC.",
            )
        case RestaurantOrderConfirmationFailed():
            return Letter(
                "order cancellation",
                "Your order is cancelled",
                f"We are sorry: your order is cancelled. {news.explanation} You will get {news.total} back.",
            )
        case PaymentReversed():
            return Letter(
                "payment reversal",
                "Your money is on its way back",
                f"We have given {news.refunded} back to you.",
            )
        case PaymentFailed():
            return Letter(
                "payment failure",
                "Your payment failed",
                f"Your order is cancelled: you could not be charged {news.total}. {news.explanation}",
            )
