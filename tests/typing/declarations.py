# pyright: strict
from datetime import timedelta
from decimal import Decimal
from typing import assert_type
from uuid import UUID

from tests.typing.app import (
    Charge,
    OrderPlaced,
    OrderView,
    PaymentFailed,
    PaymentSuccess,
    charges,
    fee,
    gateway_key,
    refusal_rate,
)
from contradance import Choreography, Page, Registry, Retry, Secret, Setting, Table, schedule, subscriber


@subscriber()
def pay(placed: OrderPlaced) -> PaymentSuccess | PaymentFailed:
    return PaymentSuccess(order_id=placed.order_id)


@schedule("rate(1 day)")
def daily() -> None: ...


def plain(placed: OrderPlaced) -> None:
    assert placed.total


registry = Registry("shop", [OrderPlaced, PaymentSuccess, PaymentFailed])
Choreography("shop", contracts=registry, functions=[pay, daily])
Choreography("shop", contracts=registry, functions=[plain])  # red
Choreography("shop", contracts=registry, functions=[pay(OrderPlaced(order_id=UUID(int=1), total=1))])  # red
Choreography("shop", contracts=[OrderPlaced], functions=[pay])  # red
Registry("shop", [OrderView])  # red
Registry("shop", [OrderPlaced(order_id=UUID(int=1), total=1)])  # red

OrderPlaced(order_id=UUID(int=1))  # red
OrderPlaced(order_id=UUID(int=1), total="1")  # red
OrderPlaced(order_id=UUID(int=1), total=1, note="")  # red


Setting("rate", int, default=1)
Setting("rate", float, default=1)
Setting("rate", bool, default=True)
Setting("rate", str, default="")
Setting("rate", timedelta, default=timedelta(hours=1))
Setting("rate", int, default="1")  # red
Setting("rate", str, default=None)  # red
Setting("rate", float, default="0.5")  # red
Setting("rate", timedelta, default=60)  # red
Setting("rate", int)  # red
Secret("key", on_laptop=5)  # red
Retry(times="3")  # red
Retry(max_age=60)  # red


def settings() -> None:
    assert_type(refusal_rate.get(), float)
    assert_type(fee.get(), Decimal)
    assert_type(gateway_key.get(), str)


def tables(charge: Charge, view: OrderView) -> None:
    assert_type(charges, Table[Charge])
    assert_type(charges.get(charge.order_id), Charge | None)
    assert_type(charges.query("x"), list[Charge])
    assert_type(charges.scan(), Page[Charge])
    assert_type(charges.scan().items, list[Charge])
    assert_type(charges.put_if_absent(charge), bool)
    charges.put(charge)
    charges.put(view)  # red
    charges.update(view)  # red
    charges.put_if_absent(view)  # red
    charges.get(5)  # red
    charges.get(charge.order_id).total  # red


Table("orders", key=("order_id",), model=str, service="orders")  # red
Table("orders", key="order_id", model=OrderView, service="orders")  # red
Table("orders", key=("order_id",), service="orders")  # red
