from typing import Annotated
from uuid import UUID

from pydantic import AwareDatetime, BaseModel

from contradance import PII, Table


class Mail(BaseModel, frozen=True, hide_input_in_errors=True):
    """A mail to a customer."""

    customer_id: str
    mail_id: str
    """Identifies the mail, so that it is stored once."""
    order_id: UUID
    to: Annotated[str, PII]
    subject: str
    text: Annotated[str, PII]
    sent_at: AwareDatetime


mailbox = Table("mailbox", key=("customer_id", "mail_id"), model=Mail)
