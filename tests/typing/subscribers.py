# pyright: strict
from collections.abc import Iterator
from typing import assert_type

from tests.typing.app import (
    OrderCancelled,
    OrderPlaced,
    OrderView,
    PaymentFailed,
    PaymentSuccess,
    charges,
    gateway_key,
    refusal_rate,
)
from contradance import Delivery, Retry, Table, subscriber
from contradance.function import Function


@subscriber(
    uses=[charges.write, gateway_key, refusal_rate], retry=Retry(times=1), where={"total": [{"numeric": [">", 0]}]}
)
def one(placed: OrderPlaced) -> PaymentSuccess:
    return PaymentSuccess(order_id=placed.order_id)


@subscriber(delivery="queue", on_replay="skip", where={OrderPlaced: {"total": [1]}})
def alternatives(event: OrderPlaced | OrderCancelled, delivery: Delivery) -> PaymentSuccess | PaymentFailed:
    if delivery.attempt > 1:
        return PaymentFailed(order_id=event.order_id, reason="again")
    return PaymentSuccess(order_id=event.order_id)


@subscriber()
def perhaps(placed: OrderPlaced) -> PaymentSuccess | None:
    return PaymentSuccess(order_id=placed.order_id) if placed.total else None


@subscriber()
def nothing(placed: OrderPlaced, delivery: Delivery) -> None:
    assert placed.total
    assert delivery.is_replay


@subscriber()
def several(placed: OrderPlaced) -> list[PaymentSuccess | PaymentFailed]:
    return [PaymentSuccess(order_id=placed.order_id), PaymentFailed(order_id=placed.order_id, reason="both")]


@subscriber()
def one_by_one(placed: OrderPlaced) -> Iterator[PaymentSuccess]:
    yield PaymentSuccess(order_id=placed.order_id)


def calls(placed: OrderPlaced, cancelled: OrderCancelled, delivery: Delivery) -> None:
    assert_type(one, Function[[OrderPlaced], PaymentSuccess])
    assert_type(one(placed), PaymentSuccess)
    assert_type(alternatives(placed, delivery), PaymentSuccess | PaymentFailed)
    assert_type(alternatives(cancelled, delivery), PaymentSuccess | PaymentFailed)
    assert_type(perhaps(placed), PaymentSuccess | None)
    assert_type(several(placed), list[PaymentSuccess | PaymentFailed])
    assert_type(one_by_one(placed), Iterator[PaymentSuccess])
    nothing(placed, delivery)


def wrong_calls(placed: OrderPlaced, cancelled: OrderCancelled) -> None:
    one(cancelled)  # red
    one()  # red
    one(placed, placed)  # red
    alternatives(placed)  # red
    one(placed).reason  # red


@subscriber()
def returns_another_event(placed: OrderPlaced) -> PaymentSuccess:
    return PaymentFailed(order_id=placed.order_id, reason="no")  # red


@subscriber()
def returns_more_than_it_says(placed: OrderPlaced) -> PaymentSuccess | None:
    if placed.total:
        return PaymentFailed(order_id=placed.order_id, reason="no")  # red
    return None


@subscriber()
def yields_another_event(placed: OrderPlaced) -> Iterator[PaymentSuccess]:
    yield PaymentFailed(order_id=placed.order_id, reason="no")  # red


@subscriber()  # red
def takes_no_contract(order: OrderView) -> None: ...


@subscriber()  # red
def takes_text(order: str) -> None: ...


@subscriber()  # red in mypy
def takes_a_contract_or_none(placed: OrderPlaced | None) -> None: ...


@subscriber()  # red
def takes_many(placed: list[OrderPlaced]) -> None: ...


@subscriber()  # red
def takes_nothing() -> None: ...


@subscriber()  # red
def publishes_no_contract(placed: OrderPlaced) -> OrderView:
    return OrderView(order_id=placed.order_id)


@subscriber()  # red
def publishes_no_contracts(placed: OrderPlaced) -> list[OrderView]:
    return [OrderView(order_id=placed.order_id)]


@subscriber()  # red
def publishes_a_contract_or_text(placed: OrderPlaced) -> PaymentSuccess | str:
    return str(placed.order_id)


@subscriber()  # red
def publishes_nones(placed: OrderPlaced) -> list[PaymentSuccess | None]:
    return [PaymentSuccess(order_id=placed.order_id), None]


@subscriber()  # red
def takes_a_number_besides(placed: OrderPlaced, attempt: int) -> None: ...


@subscriber()  # red
def takes_two_events(placed: OrderPlaced, cancelled: OrderCancelled) -> None: ...


@subscriber()  # red
async def waits(placed: OrderPlaced) -> PaymentSuccess:
    return PaymentSuccess(order_id=placed.order_id)


@subscriber()  # red
def takes_a_keyword(*, placed: OrderPlaced) -> None: ...


@subscriber  # red
def is_not_called(placed: OrderPlaced) -> None: ...


@subscriber(uses=[charges])  # red
def uses_a_table(placed: OrderPlaced) -> None: ...


@subscriber(uses=["charges"])  # red
def uses_text(placed: OrderPlaced) -> None: ...


@subscriber(uses=charges.write)  # red
def uses_no_list(placed: OrderPlaced) -> None: ...


@subscriber(uses=[Table])  # red
def uses_a_class(placed: OrderPlaced) -> None: ...


@subscriber(delivery="fifo")  # red
def has_another_delivery(placed: OrderPlaced) -> None: ...


@subscriber(on_replay="never")  # red
def has_another_replay(placed: OrderPlaced) -> None: ...


@subscriber(retry=3)  # red
def has_a_number_of_retries(placed: OrderPlaced) -> None: ...


@subscriber(timeout=30)  # red
def has_a_number_of_seconds(placed: OrderPlaced) -> None: ...


@subscriber(where=["total"])  # red
def filters_by_a_list(placed: OrderPlaced) -> None: ...
