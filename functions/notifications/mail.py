"""The way out for mails: what notifications asks of it, and one that keeps them in a table.

A real mail service is another class with this method, named as `mailer`.
"""

from typing import Protocol

from functions.notifications.tables import Mail, mailbox


class Mailer(Protocol):
    """Sends mails. The same `mail_id` is the same mail, however often it is sent."""

    def send(self, mail: Mail) -> None:
        """Send `mail`, or raise."""


class Mailbox:
    """Sends nothing: it keeps each mail once, where `list_notifications` shows it."""

    def send(self, mail: Mail) -> None:
        """Keep `mail`."""
        mailbox.put_if_absent(mail)


mailer: Mailer = Mailbox()
