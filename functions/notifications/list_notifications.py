from contradance import route
from food_contracts.values import Handle
from functions.notifications.tables import Mail, mailbox


@route("GET /customers/{customer_id}/notifications", uses=[mailbox.read])
def list_notifications(customer_id: Handle) -> list[Mail]:
    """List a customer's mails, oldest first."""
    return sorted(mailbox.query(customer_id), key=lambda mail: mail.sent_at)
