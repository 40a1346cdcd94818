# pyright: strict
from typing import assert_type
from uuid import UUID

from pydantic import BaseModel

from tests.typing.app import OrderPlaced, PaymentSuccess
from contradance import Choreography, Delivery, ForeignEvent, Registry, schedule, subscriber
from contradance.function import Function


class Bucket(BaseModel):
    name: str


class ObjectCreated(ForeignEvent, source="aws.s3", detail_type="Object Created", bus="default", once_by="bucket.name"):
    bucket: Bucket


class ExistingModel(BaseModel):
    order_id: UUID


class OrderShipped(ForeignEvent, ExistingModel, source="shipping", detail_type="order shipped"): ...


@subscriber(where={"bucket": {"name": ["photos"]}})
def one(created: ObjectCreated) -> None:
    assert_type(created.bucket.name, str)


@subscriber(where={OrderShipped: {"order_id": [{"exists": True}]}})
def mixed(event: OrderShipped | OrderPlaced, delivery: Delivery) -> PaymentSuccess:
    assert delivery.account
    return PaymentSuccess(order_id=event.order_id)


def calls(created: ObjectCreated, shipped: OrderShipped, delivery: Delivery) -> None:
    assert_type(one, Function[[ObjectCreated], None])
    assert_type(mixed(shipped, delivery), PaymentSuccess)
    one(shipped)  # red


@subscriber()  # red
def publishes_a_foreign_event(placed: OrderPlaced) -> ObjectCreated:
    return ObjectCreated(bucket=Bucket(name="photos"))


@subscriber()  # red
def may_publish_a_foreign_event(placed: OrderPlaced) -> PaymentSuccess | OrderShipped:
    return OrderShipped(order_id=placed.order_id)


@subscriber()  # red
def publishes_foreign_events(placed: OrderPlaced) -> list[OrderShipped]:
    return [OrderShipped(order_id=placed.order_id)]


@schedule("rate(1 day)")  # red
def runs_and_publishes_a_foreign_event() -> OrderShipped:
    return OrderShipped(order_id=UUID(int=1))


@subscriber()  # red
def takes_the_existing_model(shipped: ExistingModel) -> None: ...


Registry("shop", [ObjectCreated])  # red
Choreography("shop", contracts=Registry("shop", []), functions=[one], ends=[ObjectCreated])  # red
