import pytest

from contradance.testing import sample, unit_of_work
from food_contracts.deliveries import DeliveryPartnerAssigned
from food_contracts.payments import PaymentFailed, PaymentReversed
from food_contracts.restaurants import RestaurantConfirmedOrder, RestaurantOrderConfirmationFailed
from functions.notifications.letters import MailedEvent
from functions.notifications.list_notifications import list_notifications
from functions.notifications.notify_customer import notify_customer
from tests.functions.given import NOW, ORDER_ID, delivery


@pytest.mark.parametrize(
    ("news", "subject", "told"),
    [
        (sample(RestaurantConfirmedOrder), "Your order is confirmed", "24.50 EUR is confirmed"),
        (sample(DeliveryPartnerAssigned), "Your order will be brought to you", "bike-1 brings your order"),
        (
            sample(RestaurantOrderConfirmationFailed, explanation="The kitchen is closed."),
            "Your order is cancelled",
            "The kitchen is closed. You will get 24.50 EUR back.",
        ),
        (sample(PaymentReversed), "Your money is on its way back", "given 24.50 EUR back"),
        (sample(PaymentFailed, explanation="Your card has expired."), "Your payment failed", "Your card has expired."),
    ],
    ids=lambda value: type(value).__name__,
)
def test_the_customer_is_told_of_each_event(news: MailedEvent, subject: str, told: str) -> None:
    with unit_of_work():
        notify_customer(news, delivery())
        (mail,) = list_notifications("ada")

    assert (mail.to, mail.subject, mail.order_id, mail.sent_at) == ("ada@example.com", subject, ORDER_ID, NOW)
    assert mail.text.startswith("Dear Ada Example,")
    assert told in mail.text


def test_a_delivery_that_is_made_twice_sends_one_mail() -> None:
    with unit_of_work():
        for attempt in (1, 2):
            notify_customer(sample(RestaurantConfirmedOrder), delivery(attempt=attempt))
        mails = list_notifications("ada")

    assert len(mails) == 1


def test_mails_are_listed_oldest_first() -> None:
    with unit_of_work():
        notify_customer(sample(DeliveryPartnerAssigned), delivery(minutes=1, key="a"))
        notify_customer(sample(RestaurantConfirmedOrder), delivery(minutes=0, key="b"))
        mails = list_notifications("ada")

    assert [mail.mail_id for mail in mails] == ["b", "a"]


def test_mails_go_to_their_customer_alone() -> None:
    with unit_of_work():
        notify_customer(sample(RestaurantConfirmedOrder), delivery())
        mails = list_notifications("bob")

    assert mails == []


def test_the_log_names_the_order_and_nothing_personal(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")

    with unit_of_work():
        notify_customer(sample(RestaurantConfirmedOrder), delivery())

    assert caplog.messages == [
        f"Emailing customer of order success: {ORDER_ID}",
        f"Emailed customer of order success: {ORDER_ID}",
    ]
