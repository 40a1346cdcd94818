# pyright: strict
from typing import assert_type
from uuid import UUID

from tests.typing.app import OrderCancelled, OrderPlaced, OrderRequest, OrderView, PaymentFailed, charges
from contradance import Delivery, Reply, route, schedule


@route("POST /orders", status=201, uses=[charges.read])
def place(request: OrderRequest) -> Reply[OrderView, OrderPlaced]:
    placed = OrderPlaced(order_id=UUID(int=1), total=request.total)
    return Reply(OrderView(order_id=placed.order_id), publishes=placed)


@route("POST /orders/{order_id}/cancellation")
def cancel(order_id: UUID, delivery: Delivery) -> Reply[OrderView, OrderCancelled | None]:
    again = delivery.attempt > 1
    return Reply(OrderView(order_id=order_id), publishes=None if again else OrderCancelled(order_id=order_id))


@route("POST /orders/import")
def place_all(request: OrderRequest) -> Reply[list[OrderView], list[OrderPlaced]]:
    placed = [OrderPlaced(order_id=UUID(int=number), total=request.total) for number in range(2)]
    return Reply([OrderView(order_id=event.order_id) for event in placed], publishes=placed)


@route("GET /orders/{order_id}")
def show(order_id: UUID) -> OrderView:
    return OrderView(order_id=order_id)


@route("GET /orders")
def show_all(limit: int = 10, after: str | None = None) -> list[OrderView]:
    return [OrderView(order_id=UUID(int=limit + len(after or "")))]


@route("DELETE /orders/{order_id}", status=204)
def forget(order_id: UUID) -> None:
    assert order_id.int


@schedule("rate(1 day)")
def daily() -> list[OrderCancelled]:
    return [OrderCancelled(order_id=UUID(int=1))]


@schedule("rate(1 hour)")
def hourly(delivery: Delivery) -> OrderCancelled | None:
    return OrderCancelled(order_id=UUID(int=1)) if delivery.is_replay else None


def calls(request: OrderRequest, order_id: UUID, delivery: Delivery) -> None:
    assert_type(place(request), Reply[OrderView, OrderPlaced])
    assert_type(place(request).body, OrderView)
    assert_type(place(request).publishes, OrderPlaced)
    assert_type(cancel(order_id, delivery).publishes, OrderCancelled | None)
    assert_type(place_all(request).body, list[OrderView])
    assert_type(show(order_id=order_id), OrderView)
    assert_type(show_all(), list[OrderView])
    assert_type(show_all(limit=5, after="x"), list[OrderView])
    assert_type(daily(), list[OrderCancelled])
    assert_type(hourly(delivery), OrderCancelled | None)
    forget(order_id)


def wrong_calls(request: OrderRequest, order_id: UUID) -> None:
    place(order_id)  # red
    show("1")  # red
    show(number=order_id)  # red
    daily(order_id)  # red
    place(request).publishes.reason  # red


@route("POST /a")
def replies_with_another_body(request: OrderRequest) -> Reply[OrderView, OrderPlaced]:
    return Reply(request, publishes=OrderPlaced(order_id=UUID(int=1), total=request.total))  # red


@route("POST /b")
def replies_with_another_event(request: OrderRequest) -> Reply[OrderView, OrderPlaced]:
    cancelled = OrderCancelled(order_id=UUID(int=request.total))
    return Reply(OrderView(order_id=cancelled.order_id), publishes=cancelled)  # red


@route("POST /c")
def replies_with_the_body_alone(request: OrderRequest) -> Reply[OrderView, OrderPlaced]:
    return OrderView(order_id=UUID(int=request.total))  # red


@route("POST /d")
def replies_without_an_event(request: OrderRequest) -> Reply[OrderView, OrderPlaced]:
    return Reply(OrderView(order_id=UUID(int=request.total)))  # red


def is_a_reply_of_text() -> Reply[str, OrderPlaced]: ...  # red


def is_a_reply_that_publishes_a_view() -> Reply[OrderView, OrderView]: ...  # red


@route("GET /e")  # red
def answers_with_text() -> str:
    return "no model"


@route("GET /f")  # red
def answers_with_a_dictionary() -> dict[str, int]:
    return {}


@route("GET /g")  # red
async def waits(order_id: UUID) -> OrderView:
    return OrderView(order_id=order_id)


@route("GET /h", delivery="queue")  # red
def has_a_queue() -> None: ...


@route("GET /i", status="201")  # red
def has_a_status_of_text() -> None: ...


@schedule("rate(1 day)")  # red
def takes_an_event(failed: PaymentFailed) -> None: ...


@schedule("rate(1 day)")  # red
def publishes_a_view() -> OrderView:
    return OrderView(order_id=UUID(int=1))


@schedule()  # red
def has_no_expression() -> None: ...
