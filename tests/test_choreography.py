import warnings
from types import FunctionType
from typing import Any
from uuid import UUID

import pytest
from pydantic import BaseModel

from contradance import (
    Choreography,
    Contract,
    Registry,
    Reply,
    Secret,
    Setting,
    Table,
    UnconsumedEvent,
    route,
    schedule,
    subscriber,
)
from contradance.choreography import Edge
from contradance.errors import InvalidChoreography
from contradance.lint.reach import unconsumed


class OrderPlaced(Contract, source="shop.orders", subject="order_id"):
    order_id: UUID


class PaymentSuccess(Contract, source="shop.payments", subject="order_id"):
    order_id: UUID


class PaymentSuccessV2(
    Contract,
    source="shop.payments",
    detail_type="PaymentSuccess",
    version=2,
    upcasts=PaymentSuccess,
    subject="order_id",
):
    order_id: UUID

    @classmethod
    def upcast(cls, old: PaymentSuccess) -> "PaymentSuccessV2":
        return cls(order_id=old.order_id)


class Weighed(Contract, source="depot.scales", subject="order_id"):
    order_id: UUID


class OrderView(BaseModel):
    order_id: UUID


CONTRACTS = Registry("shop", [OrderPlaced, PaymentSuccess, PaymentSuccessV2, Weighed])
payments = Table("payments", key=("order_id",), model=OrderView, service="payments")
fee = Setting("fee", int, default=1)


@route("POST /orders/{order_id}", service="orders")
def place_order(order_id: UUID) -> Reply[OrderView, OrderPlaced]:
    return Reply(OrderView(order_id=order_id), publishes=OrderPlaced(order_id=order_id))


@route("GET /orders/{order_id}", service="orders")
def show_order(order_id: UUID) -> OrderView:
    return OrderView(order_id=order_id)


@subscriber(uses=[payments.write, fee], service="payments")
def pay(placed: OrderPlaced) -> PaymentSuccess | None:
    return PaymentSuccess(order_id=placed.order_id)


@subscriber(service="orders")
def update(paid: PaymentSuccessV2) -> None: ...


@schedule("rate(1 day)", service="loyalty")
def daily() -> None: ...


untyped_choreography: Any = Choreography


def place(function: Any) -> str:
    handler = function.handler
    assert isinstance(handler, FunctionType)
    return f"{function.name} (tests/test_choreography.py, line {handler.__code__.co_firstlineno})"


def refusal(*functions: object, contracts: Registry = CONTRACTS, name: str = "shop") -> str:
    with pytest.raises(InvalidChoreography) as refused:
        untyped_choreography(name, contracts=contracts, functions=list(functions))
    return str(refused.value)


def test_the_whole_is_read_from_the_signatures() -> None:
    shop = Choreography("shop", contracts=CONTRACTS, functions=[place_order, pay, update, daily, show_order])

    assert list(shop.functions) == [
        "orders.place_order",
        "payments.pay",
        "orders.update",
        "loyalty.daily",
        "orders.show_order",
    ]
    assert shop.services == ("orders", "payments", "loyalty")
    assert shop.tables == ("payments.payments",)
    assert [subscribed.function for subscribed in shop.subscriptions] == [pay, update]
    assert [routed.route.key for routed in shop.routes] == ["POST /orders/{order_id}", "GET /orders/{order_id}"]
    assert shop.edges == (
        Edge("publishes", "orders.place_order", OrderPlaced),
        Edge("consumes", "payments.pay", OrderPlaced),
        Edge("publishes", "payments.pay", PaymentSuccess),
        Edge("consumes", "orders.update", PaymentSuccessV2),
        Edge("consumes", "orders.update", PaymentSuccess),
    )


def test_the_parties_of_an_event_are_found() -> None:
    shop = Choreography("shop", contracts=CONTRACTS, functions=[place_order, pay, update])

    assert shop.publishers(OrderPlaced) == (place_order,)
    assert shop.consumers(OrderPlaced) == (pay,)
    assert shop.consumers(PaymentSuccess) == (update,)
    assert shop.publishers(Weighed) == shop.consumers(Weighed) == ()


def test_a_choreography_cannot_be_changed() -> None:
    shop: Any = Choreography("shop", contracts=CONTRACTS, functions=[daily])

    with pytest.raises(AttributeError):
        shop.name = "other"
    with pytest.raises(TypeError):
        shop.functions["loyalty.daily"] = pay


def test_functions_may_come_one_by_one() -> None:
    shop = untyped_choreography("shop", contracts=CONTRACTS, functions=iter([place_order, pay, update]))

    assert len(shop.functions) == 3
    assert len(shop.edges) == 5


@pytest.mark.parametrize(
    "thing",
    [lambda placed: None, place_order.handler, "pay", None, 5, OrderPlaced],
    ids=["a lambda", "a handler", "a text", "None", "a number", "a contract"],
)
def test_what_is_no_function_is_refused(thing: object) -> None:
    assert refusal(thing) == (
        f"choreography 'shop' lists {thing!r}, which is not a function.\n"
        "  Decorate it with @subscriber(), @route('GET /x') or @schedule('rate(1 day)')."
    )


def test_two_functions_of_one_name_are_refused() -> None:
    def twin(name: str) -> Any:
        def other(placed: OrderPlaced) -> None: ...

        other.__name__ = name
        return subscriber(service="payments")(other)

    twin_of_pay = twin("pay")

    assert refusal(pay, pay) == "choreography 'shop' lists payments.pay twice.\n  Remove one."

    assert refusal(pay, twin_of_pay) == (
        f"choreography 'shop' has two functions named payments.pay: {place(pay)} and {place(twin_of_pay)}.\n"
        "  Rename one of the handlers."
    )


@pytest.mark.parametrize("name", ["", "my shop", "shop!", "-shop", "shop/1"])
def test_a_name_is_one_that_a_bus_can_have(name: str) -> None:
    assert refusal(daily, name=name) == (
        f"choreography {name!r} has a name that a bus cannot have.\n  Use letters, digits, '.', '-' and '_', like 'city-library'."
    )


def test_a_contract_that_the_registry_does_not_hold_is_refused_on_both_sides() -> None:
    half = Registry("shop", [OrderPlaced])

    assert refusal(pay, contracts=half) == (
        f"{place(pay)} publishes shop.payments/PaymentSuccess v1 (contract in tests/test_choreography.py), which is "
        "not in the registry 'shop'.\n  Add PaymentSuccess to the registry's list."
    )
    assert refusal(update, contracts=half) == (
        f"{place(update)} consumes shop.payments/PaymentSuccess v2 (contract in tests/test_choreography.py), which is "
        "not in the registry 'shop'.\n  Add PaymentSuccessV2 to the registry's list."
    )


def test_an_event_of_another_application_is_consumed_but_not_published() -> None:
    @subscriber(service="orders")
    def note(weighed: Weighed) -> None: ...

    @schedule("rate(1 day)", service="scales")
    def weigh() -> Weighed | None: ...

    assert untyped_choreography("shop", contracts=CONTRACTS, functions=[note]).consumers(Weighed) == (note,)
    assert refusal(weigh) == (
        f"{place(weigh)} publishes depot.scales/Weighed v1, but the registry 'shop' belongs to another application.\n"
        "  Publish contracts with source 'shop.scales'."
    )


@pytest.mark.parametrize(
    "key", ["GET /orders/{order_id}", "GET /orders/{number}"], ids=["the same", "other placeholder names"]
)
def test_one_route_is_one_function(key: str) -> None:
    def again(order_id: UUID) -> None: ...
    def other(number: UUID) -> None: ...

    twin = route(key, service="orders")(again if "order_id" in key else other)

    assert refusal(show_order, twin) == (
        f"choreography 'shop' has two functions for one route: {place(show_order)} serves GET /orders/{{order_id}} and "
        f"{place(twin)} serves {key}.\n  Give one of them another method or path."
    )


def test_one_path_may_have_several_methods() -> None:
    assert len(untyped_choreography("shop", contracts=CONTRACTS, functions=[show_order, forget]).routes) == 2


@route("DELETE /orders/{order_id}", service="orders")
def forget(order_id: UUID) -> None: ...


@pytest.mark.parametrize(
    ("first", "second", "name"),
    [
        (fee, Setting("fee", int, default=2), "fee"),
        (fee, Setting("fee", float, default=1.0), "fee"),
        (Secret("key"), Secret("key", on_laptop="x"), "key"),
    ],
    ids=["another default", "another type", "secrets"],
)
def test_one_name_is_one_declaration(first: Any, second: Any, name: str) -> None:
    one = schedule("rate(1 day)", uses=[first], service="loyalty")(daily.handler)
    two = subscriber(uses=[second], service="orders")(update.handler)

    assert refusal(one, two) == (
        f"choreography 'shop' has two declarations of {name!r}: {place(one)} uses {first} and {place(two)} uses {second}.\n"
        "  Declare it once, and import it where it is used."
    )


def test_a_setting_and_a_secret_may_share_a_name() -> None:
    both = schedule("rate(1 day)", uses=[fee, Secret("fee")], service="loyalty")(daily.handler)

    assert Choreography("shop", contracts=CONTRACTS, functions=[both]).functions


def test_an_event_without_a_subscriber_is_one_warning_however_many_publish_it() -> None:
    @schedule("rate(1 day)", service="payments")
    def pay_late() -> list[PaymentSuccess]:
        return []

    with pytest.warns(UnconsumedEvent) as warned:
        Choreography("shop", contracts=CONTRACTS, functions=[place_order, pay, pay_late])

    assert [str(warning.message) for warning in warned] == [
        "PaymentSuccess has no subscriber. Subscribe a function to it, or list it in the ends=[...] of choreography 'shop'."
    ]
    assert warned[0].filename == __file__


def test_a_declared_end_is_no_warning() -> None:
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        shop = Choreography("shop", contracts=CONTRACTS, functions=[place_order, pay], ends=[PaymentSuccessV2])

    assert warned == []
    assert shop.is_end(PaymentSuccess)
    assert not shop.is_end(OrderPlaced)
    assert list(unconsumed(shop)) == []


def test_an_end_that_a_function_consumes_is_refused() -> None:
    with pytest.raises(InvalidChoreography) as refused:
        Choreography("shop", contracts=CONTRACTS, functions=[place_order, pay], ends=[OrderPlaced])

    assert str(refused.value) == (
        f"choreography 'shop' declares {OrderPlaced.identity} as an end, but payments.pay consumes it.\n"
        "  Remove it from ends=[...]."
    )


def test_a_consumer_of_a_newer_version_hears_the_older_one() -> None:
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        Choreography("shop", contracts=CONTRACTS, functions=[place_order, pay, update])

    assert told == []
