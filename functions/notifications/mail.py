"""The mail port of notifications, and an adapter that stores mails in a table.

A real mail service is another class with this method, assigned to `mailer`.
"""

from typing import Protocol

from functions.notifications.tables import Mail, mailbox


class Mailer(Protocol):
    """A port that sends mails. Two calls with the same `mail_id` send one mail."""

    def send(self, mail: Mail) -> None:
        """Send `mail`, or raise."""


class Mailbox:
    """Stores mails in a table instead of sending them; `list_notifications` shows them."""

    def send(self, mail: Mail) -> None:
        """Store `mail` once."""
        mailbox.put_if_absent(mail)


mailer: Mailer = Mailbox()
