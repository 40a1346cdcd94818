from aws_lambda_powertools import Logger

from contradance import Delivery, subscriber
from functions.notifications.letters import MailedEvent, letter
from functions.notifications.mail import mailer
from functions.notifications.tables import Mail, mailbox

logger = Logger()


@subscriber(uses=[mailbox.write])
def notify_customer(news: MailedEvent, delivery: Delivery) -> None:
    """Mail the customer about each event, once."""
    about, subject, text = letter(news)
    logger.info("Emailing customer of %s: %s", about, news.order_id)
    mailer.send(
        Mail(
            customer_id=news.customer.customer_id,
            mail_id=delivery.idempotency_key,
            order_id=news.order_id,
            to=news.customer.email,
            subject=subject,
            text=f"Dear {news.customer.name},\n\n{text}\n\nYour order: {news.order_id}\n",
            sent_at=delivery.now,
        )
    )
    logger.info("Emailed customer of %s: %s", about, news.order_id)
