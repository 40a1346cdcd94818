import pytest

from contradance import HttpError
from contradance.testing import sample, unit_of_work
from food_contracts.orders import OrderPlaced
from functions.orders.list_orders import list_orders
from functions.orders.show_order import show_order
from functions.orders.tables import Order, OrderStatus, StatusChange, orders
from tests.functions.given import NOW, ORDER_ID, order_id


def placed(number: int) -> Order:
    """Return a stored order."""
    facts = sample(OrderPlaced).model_dump(exclude={"order_id", "payment_token", "placed_at"})
    change = StatusChange(status=OrderStatus.PLACED, at=NOW)
    return Order.model_validate({**facts, "order_id": order_id(number), "status": change.status, "history": (change,)})


def test_an_order_is_shown_with_its_history() -> None:
    with unit_of_work():
        orders.put(placed(1))
        shown = show_order(order_id(1))

    assert shown.status is OrderStatus.PLACED
    assert [change.status for change in shown.history] == [OrderStatus.PLACED]


def test_an_order_that_does_not_exist_is_not_found() -> None:
    with unit_of_work(), pytest.raises(HttpError, match=r"There is no such order\.") as refusal:
        show_order(ORDER_ID)

    assert refusal.value.status == 404


def test_orders_are_listed_page_by_page_each_once() -> None:
    seen = []
    with unit_of_work():
        for number in range(5):
            orders.put(placed(number))
        page = list_orders(limit=2)
        seen += page.orders
        while page.after is not None:
            page = list_orders(limit=2, after=page.after)
            seen += page.orders

    assert sorted(order.order_id for order in seen) == [order_id(number) for number in range(5)]


def test_a_list_of_orders_holds_no_personal_data() -> None:
    with unit_of_work():
        orders.put(placed(1))
        listed = list_orders().model_dump_json()

    assert "Ada" not in listed
    assert "Example Street" not in listed


def test_no_orders_are_an_empty_list() -> None:
    with unit_of_work():
        page = list_orders()

    assert page.orders == []
    assert page.after is None
