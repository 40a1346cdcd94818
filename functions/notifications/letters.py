"""The texts of mails to customers."""

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
"""The events that lead to a mail."""


class Letter(NamedTuple):
    """The text of a mail."""

    about: str
    """A short description for the log."""
    subject: str
    text: str


def letter(news: MailedEvent) -> Letter:
    """Return the mail about an event."""
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
