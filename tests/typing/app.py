"""What the other files of this folder declare functions over: two services' contracts, a table, a setting, a secret."""

from decimal import Decimal
from uuid import UUID

from pydantic import BaseModel

from contradance import Contract, Secret, Setting, Table


class OrderPlaced(Contract, source="shop.orders", subject="order_id"):
    order_id: UUID
    total: int


class OrderCancelled(Contract, source="shop.orders", subject="order_id"):
    order_id: UUID


class PaymentSuccess(Contract, source="shop.payments", subject="order_id"):
    order_id: UUID


class PaymentFailed(Contract, source="shop.payments", subject="order_id", failure=True):
    order_id: UUID
    reason: str


class OrderRequest(BaseModel):
    total: int


class OrderView(BaseModel):
    order_id: UUID


class Charge(BaseModel):
    order_id: UUID
    total: int


charges = Table("charges", key=("order_id",), model=Charge, service="payments")
refusal_rate = Setting("refusal_rate", float, default=0.0)
fee = Setting("fee", Decimal, default=Decimal("0.30"))
gateway_key = Secret("gateway_key")
