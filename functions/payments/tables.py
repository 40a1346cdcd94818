from uuid import UUID

from pydantic import AwareDatetime, BaseModel

from contradance import Secret, Table
from food_contracts.values import Money
from functions.payments.gateway import Approved, Declined


class Refund(BaseModel, frozen=True):
    """The refund of a charge."""

    refund_id: str
    at: AwareDatetime


class Charge(BaseModel, frozen=True):
    """The only charge of an order: the gateway's answer, and the refund if it has one."""

    order_id: UUID
    total: Money
    answer: Approved | Declined
    at: AwareDatetime
    """When the gateway answered."""
    refund: Refund | None = None


charges = Table("charges", key=("order_id",), model=Charge)

gateway_key = Secret("gateway_key", on_laptop="a key that opens nothing")
