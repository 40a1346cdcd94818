from typing import Annotated
from uuid import UUID

from pydantic import BaseModel

from contradance import PII, Table
from food_contracts.fields import Moment


class Mail(BaseModel, frozen=True, hide_input_in_errors=True):
    """A mail to a customer."""

    customer_id: str
    mail_id: str
    """The same for the same mail, however often it is sent."""
    order_id: UUID
    to: Annotated[str, PII]
    subject: str
    text: Annotated[str, PII]
    sent_at: Moment


mailbox = Table("mailbox", key=("customer_id", "mail_id"), model=Mail)
