from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from types import FunctionType
from typing import Annotated, Any, Literal
from uuid import UUID

import pytest
from pydantic import BaseModel, Field

from contradance import Contract, Delivery, Reply, route
from contradance.annotation import type_name
from contradance.errors import InvalidFunction
from contradance.httproute import Route


class OrderPlaced(Contract, source="shop.orders", subject="order_id"):
    order_id: UUID


class PaymentSuccess(Contract, source="shop.payments", subject="order_id"):
    order_id: UUID


class OrderRequest(BaseModel):
    total: int


class OrderView(BaseModel):
    order_id: UUID


class Status(StrEnum):
    OPEN = "open"


@dataclass
class Point:
    x: int


untyped_route: Any = route


def declared(key: str, returns: object = None, takes: Mapping[str, object] | None = None, **options: Any) -> Any:
    return untyped_route(key, service="orders", **options)(handler(takes or {}, returns))


def handler(takes: Mapping[str, object], returns: object) -> Callable[..., None]:
    """Return a handler with these parameters."""

    def handle() -> None: ...

    code = compile(f"def handle({', '.join(takes)}): ...", "handle", "exec").co_consts[0]
    handle.__code__ = code
    handle.__annotations__ = {**takes, "return": returns}
    return handle


def refusal(key: str, returns: object = None, takes: Mapping[str, object] | None = None, **options: Any) -> str:
    with pytest.raises(InvalidFunction) as refused:
        declared(key, returns, takes, **options)
    return str(refused.value).removeprefix("orders.handle (tests/test_route_declaration.py, line 1) ")


@route("POST /orders/{order_id}/lines", status=201, service="orders")
def add_line(
    order_id: UUID, request: OrderRequest, delivery: Delivery, dry: int = 0, status: Status | None = None
) -> Reply[OrderView, OrderPlaced]:
    return Reply(OrderView(order_id=order_id), publishes=OrderPlaced(order_id=order_id))


def test_a_route_is_what_its_signature_says() -> None:
    trigger = add_line.trigger

    assert isinstance(trigger, Route)
    assert trigger.key == "POST /orders/{order_id}/lines"
    assert trigger.shape == "POST /orders/{}/lines"
    assert (trigger.method, trigger.path, trigger.status) == ("POST", "/orders/{order_id}/lines", 201)
    assert [parameter.name for parameter in trigger.in_path] == ["order_id"]
    assert [(parameter.name, parameter.required) for parameter in trigger.in_query] == [
        ("dry", False),
        ("status", False),
    ]
    assert trigger.body is not None
    assert trigger.body.annotation is OrderRequest
    assert trigger.delivery is not None
    assert trigger.delivery.name == "delivery"
    assert trigger.answers is OrderView
    assert add_line.publishes == (OrderPlaced,)
    assert add_line.delivery == "direct"


@pytest.mark.parametrize(
    "key", ["GET /", "GET /orders", "POST /v1/orders.json", "PUT /a-b_c~d", "DELETE /a", "PATCH /a/b/c"]
)
def test_a_path_is_made_of_words(key: str) -> None:
    assert declared(key).trigger.key == key


@pytest.mark.parametrize(
    "annotation",
    [
        str,
        int,
        float,
        bool,
        Decimal,
        UUID,
        date,
        datetime,
        Status,
        Literal["a", "b"],
        int | None,
        Annotated[int, Field(gt=0)],
    ],
    ids=str,
)
def test_a_path_and_a_query_parameter_is_made_from_text(annotation: object) -> None:
    trigger = declared("GET /orders/{one}", OrderView, {"one": annotation, "two": annotation}).trigger

    assert [trigger.in_path[0].name, trigger.in_query[0].name] == ["one", "two"]


@pytest.mark.parametrize(
    "annotation",
    [
        dict,
        list[str],
        list[OrderRequest],
        OrderRequest | None,
        Annotated[OrderRequest, "said"],
        Any,
        object,
        bytes,
        Point,
        Callable[[], None],
        Delivery | None,
        Sequence[int],
        5,
    ],
    ids=str,
)
def test_what_no_text_can_be_turned_into_is_refused(annotation: object) -> None:
    assert refusal("POST /orders", OrderView, {"asked": annotation}) == (
        f"takes 'asked' as {type_name(annotation)}, which cannot be read from text.\n"
        "  Take a str, a number, a UUID, a date or an enum from the path and the query, and the body as one model."
    )


@pytest.mark.parametrize(
    ("key", "takes", "why"),
    [
        *[
            (key, {}, f"has the route {key!r}, which is not a method and a path.\n  Write it like 'POST /loans'.")
            for key in (
                "/orders",
                "get /orders",
                "GET orders",
                "HEAD /orders",
                "GET /orders?x=1",
                "GET  /orders",
                "GET //a",
                "",
            )
        ],
        *[
            (
                f"GET /orders/{segment}",
                {"order_id": UUID},
                (
                    f"has {segment!r} in its path '/orders/{segment}', which is neither a word nor a placeholder.\n"
                    "  A placeholder is a whole segment in lower case, like {loan_id}."
                ),
            )
            for segment in ("{order_id", "{OrderId}", "{order_id+}", "a-{order_id}", "{}", "%20", "\u00fc")
        ],
        (
            "GET /orders/{order_id}",
            {},
            (
                "has {order_id} in its path '/orders/{order_id}', but takes no parameter of that name.\n"
                "  Add one: order_id: UUID."
            ),
        ),
        (
            "GET /orders/{order_id}/{order_id}",
            {"order_id": UUID},
            "has {order_id} twice in its path '/orders/{order_id}/{order_id}'.\n  Give each placeholder its own name.",
        ),
        (
            "GET /orders",
            {"delivery": Delivery, "again": Delivery},
            (
                "takes 'again' as Delivery, which cannot be read from text.\n"
                "  Take a str, a number, a UUID, a date or an enum from the path and the query, and the body as one model."
            ),
        ),
        (
            "POST /orders/{request}",
            {"request": OrderRequest},
            (
                "takes 'request' as OrderRequest, which cannot be read from text.\n"
                "  Take a str, a number, a UUID, a date or an enum from the path and the query, and the body as one model."
            ),
        ),
        (
            "GET /orders",
            {"request": OrderRequest},
            (
                "takes OrderRequest, but a GET request has no body.\n"
                "  Take its fields as query parameters, or merge the models."
            ),
        ),
        (
            "DELETE /orders",
            {"request": OrderRequest},
            (
                "takes OrderRequest, but a DELETE request has no body.\n"
                "  Take its fields as query parameters, or merge the models."
            ),
        ),
        (
            "POST /orders",
            {"request": OrderRequest, "view": OrderView},
            (
                "takes OrderRequest and OrderView, but a request has one body.\n"
                "  Take its fields as query parameters, or merge the models."
            ),
        ),
    ],
    ids=str,
)
def test_a_route_that_cannot_be_called_is_refused(key: str, takes: dict[str, object], why: str) -> None:
    assert refusal(key, OrderView, takes) == why


@pytest.mark.parametrize(
    ("annotation", "answers", "publishes"),
    [
        (None, type(None), ()),
        (OrderView, OrderView, ()),
        (list[OrderView], list[OrderView], ()),
        (Reply[OrderView, OrderPlaced], OrderView, (OrderPlaced,)),
        (Reply[OrderView, OrderPlaced | None], OrderView, (OrderPlaced,)),
        (Reply[OrderView, list[OrderPlaced]], OrderView, (OrderPlaced,)),
        (Reply[OrderView, None], OrderView, ()),
        (Reply[None, OrderPlaced], type(None), (OrderPlaced,)),
        (Reply[list[OrderView], OrderPlaced], list[OrderView], (OrderPlaced,)),
    ],
    ids=str,
)
def test_a_route_answers_a_model_and_publishes_beside_it(
    annotation: object, answers: object, publishes: tuple[object, ...]
) -> None:
    function = declared("GET /orders", annotation)

    assert (function.trigger.answers, function.publishes) == (answers, publishes)


@pytest.mark.parametrize(
    ("annotation", "said"),
    [
        (str, "str"),
        (dict[str, OrderView], "dict[str, OrderView]"),
        (OrderView | None, "OrderView | None"),
        (Sequence[OrderView], "Sequence[OrderView]"),
        (list, "list"),
        (list[int], "list[int]"),
        (OrderPlaced, "OrderPlaced"),
        (list[OrderPlaced], "list[OrderPlaced]"),
        (Any, "Any"),
    ],
    ids=str,
)
def test_what_is_no_response_model_is_refused(annotation: object, said: str) -> None:
    assert refusal("GET /orders", annotation) == (
        f"returns {said}, which is not a response model.\n"
        "  Return a Pydantic model, a list of them or None; publish with Reply(body, publishes=event)."
    )


def test_a_reply_says_of_what() -> None:
    assert refusal("GET /orders", Reply) == (
        "returns a Reply without its types.\n  Annotate it: -> Reply[Loan, BookLent]."
    )


def test_a_route_publishes_contracts_of_its_own_service() -> None:
    of_a_view = Reply.__class_getitem__((OrderView, OrderView))  # type: ignore[attr-defined]

    assert refusal("GET /orders", of_a_view) == (
        "returns OrderView, but OrderView is not a contract.\n  Return contracts to publish them, or annotate -> None."
    )
    assert refusal("GET /orders", Reply[OrderView, PaymentSuccess]) == (
        "returns PaymentSuccess, but shop.payments/PaymentSuccess v1 is published by the service 'payments' "
        "(contract in tests/test_route_declaration.py).\n"
        "  Publish a contract of 'orders', or move the function to functions/payments/."
    )


@pytest.mark.parametrize("status", [100, 199, 400, 500, 9999])
def test_a_status_that_is_no_success_is_raised_not_declared(status: int) -> None:
    assert refusal("GET /orders", OrderView, status=status) == (
        f"has status={status}, which is not a success.\n  Use 200 to 399 here; raise HttpError for anything else."
    )


def test_a_route_stays_the_handler_it_was() -> None:
    assert isinstance(add_line.handler, FunctionType)
    assert add_line.name == "orders.add_line"
