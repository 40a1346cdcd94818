import functools
import inspect
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Generator, Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from types import FunctionType
from typing import Annotated, Any, Literal, NewType, NoReturn, Optional, TypeVar, Union
from uuid import UUID

import pytest
from pydantic import BaseModel
from typing_extensions import TypeAliasType

from contradance import Contract, Delivery, Retry, Secret, Setting, Table, route, schedule, subscriber
from contradance.errors import InvalidFunction
from contradance.function import AnyFunction, Schedule
from contradance.limits import Limits
from contradance.subscription import Subscription

ORDER_ID = UUID(int=1)


class OrderPlaced(Contract, source="shop.orders", subject="order_id"):
    order_id: UUID


class OrderCancelled(Contract, source="shop.orders", subject="order_id"):
    order_id: UUID


class PaymentSuccess(Contract, source="shop.payments", subject="order_id"):
    order_id: UUID


class PaymentFailed(Contract, source="shop.payments", subject="order_id", failure=True):
    order_id: UUID


class Charge(BaseModel):
    order_id: UUID


Either = TypeAliasType("Either", PaymentSuccess | PaymentFailed)
charges = Table("charges", key=("order_id",), model=Charge, service="payments")
orders = Table("orders", key=("order_id",), model=Charge, service="orders")
fee = Setting("fee", int, default=1)
gateway_key = Secret("gateway_key")
item = TypeVar("item")

untyped_subscriber: Any = subscriber
untyped_route: Any = route
untyped_schedule: Any = schedule


@subscriber(
    uses=[charges.write, fee, gateway_key], retry=Retry(times=1), timeout=timedelta(minutes=1), service="payments"
)
def pay(placed: OrderPlaced) -> PaymentSuccess | PaymentFailed:
    """Charge the customer."""
    return PaymentSuccess(order_id=placed.order_id)


class Till:
    def bound(self, placed: OrderPlaced) -> None: ...

    @staticmethod
    def static(placed: OrderPlaced) -> None: ...

    def __call__(self, placed: OrderPlaced) -> None: ...


def plain(placed: OrderPlaced) -> None: ...


def handler(takes: object = OrderPlaced, returns: object = None, *more: object) -> Callable[..., None]:
    """Return a handler with these annotations."""

    def handle_one(event: Any) -> Any: ...
    def handle_two(event: Any, second: Any) -> Any: ...

    chosen: Callable[..., None] = handle_two if more else handle_one
    chosen.__annotations__ = {"event": takes, "return": returns} | ({"second": more[0]} if more else {})
    return chosen


def called(function: Callable[..., object], service: str = "payments") -> str:
    """Return how errors call a function that is declared in this module."""
    assert isinstance(function, FunctionType)
    return f"{service}.{function.__name__} (tests/test_function.py, line {function.__code__.co_firstlineno})"


def refusal(decorate: Callable[[Any], object], function: object) -> str:
    with pytest.raises(InvalidFunction) as refused:
        decorate(function)
    return str(refused.value)


def test_a_function_is_what_its_signature_says() -> None:
    assert pay.name == "payments.pay"
    assert pay.service == "payments"
    assert isinstance(pay.trigger, Subscription)
    assert pay.trigger.contracts == (OrderPlaced,)
    assert pay.publishes == (PaymentSuccess, PaymentFailed)
    assert pay.uses == {charges.write, fee, gateway_key}
    assert pay.retry == Retry(times=1)
    assert pay.limits == Limits(timeout=timedelta(minutes=1))
    assert pay.delivery == "direct"
    assert repr(pay) == "Function('payments.pay')"


def test_a_function_is_called_as_the_handler_it_was() -> None:
    assert pay(OrderPlaced(order_id=ORDER_ID)) == PaymentSuccess(order_id=ORDER_ID)


def test_a_function_looks_like_its_handler() -> None:
    named: Any = pay

    assert callable(pay)
    assert named.__name__ == named.__qualname__ == "pay"
    assert pay.__doc__ == "Charge the customer."
    assert pay.__module__ == __name__
    assert inspect.signature(pay) == inspect.signature(pay.handler)
    assert inspect.unwrap(pay) is pay.handler
    assert inspect.getdoc(pay) == "Charge the customer."


def test_each_function_is_itself_alone() -> None:
    assert len({pay, subscriber(service="payments")(plain), subscriber(service="payments")(plain)}) == 3


def test_the_service_is_the_folder_of_the_module() -> None:
    function = subscriber()(plain)

    assert function.name == "tests.plain"


def test_a_module_in_no_folder_belongs_to_no_service() -> None:
    lonely = handler()
    lonely.__module__ = "lonely"

    assert refusal(subscriber(), lonely) == (
        "function 'handle_one' is declared in the module 'lonely', which is not in a folder, so it has no service.\n"
        "  Put it in a service's folder, like functions/loans/, or write service='loans'."
    )


@pytest.mark.parametrize(
    ("annotation", "contracts"),
    [
        (OrderPlaced, (OrderPlaced,)),
        ("OrderPlaced", (OrderPlaced,)),
        (OrderPlaced | OrderCancelled, (OrderPlaced, OrderCancelled)),
        ("OrderPlaced | OrderCancelled", (OrderPlaced, OrderCancelled)),
        (Union["OrderPlaced", OrderCancelled], (OrderPlaced, OrderCancelled)),
        (OrderPlaced | Either, (OrderPlaced, PaymentSuccess, PaymentFailed)),
        (Annotated[OrderPlaced, "said"], (OrderPlaced,)),
        (Annotated[OrderPlaced, "said"] | OrderCancelled, (OrderPlaced, OrderCancelled)),
        (Annotated[OrderPlaced | OrderCancelled, "said"], (OrderPlaced, OrderCancelled)),
        (NewType("Checked", OrderPlaced), (OrderPlaced,)),
    ],
    ids=str,
)
def test_a_parameter_names_the_contracts_that_are_subscribed_to(
    annotation: object, contracts: tuple[object, ...]
) -> None:
    trigger = untyped_subscriber(service="payments")(handler(annotation)).trigger

    assert trigger.contracts == contracts


@pytest.mark.parametrize(
    ("annotation", "said"),
    [
        (int, "int"),
        (str, "str"),
        (object, "object"),
        (Any, "Any"),
        (None, "None"),
        (Contract, "Contract"),
        (Charge, "Charge"),
        (Delivery, "Delivery"),
        (OrderPlaced | None, "None"),
        (Optional[OrderPlaced], "None"),  # noqa: UP045 - the old spelling is another type
        (OrderPlaced | Charge, "Charge"),
        (list[OrderPlaced], "list[OrderPlaced]"),
        (type[OrderPlaced], "type[OrderPlaced]"),
        (Callable[[OrderPlaced], None], "Callable[[OrderPlaced], None]"),
        (Iterator[OrderPlaced], "Iterator[OrderPlaced]"),
        (Literal["placed"], "Literal['placed']"),
        (item, "~item"),
        (5, "5"),
        (OrderPlaced | list[OrderCancelled], "list[OrderCancelled]"),
    ],
    ids=str,
)
def test_a_parameter_that_is_no_contract_is_refused(annotation: object, said: str) -> None:
    handle = handler(annotation)

    assert refusal(untyped_subscriber(service="payments"), handle) == (
        f"{called(handle)} subscribes to {said} by its parameter 'event', which is not a contract.\n"
        "  Annotate it with a class that derives from contradance.Contract or ForeignEvent, or a union of such classes."
    )


@pytest.mark.parametrize(
    ("annotation", "contracts"),
    [
        (None, ()),
        ("None", ()),
        (PaymentSuccess, (PaymentSuccess,)),
        (PaymentSuccess | None, (PaymentSuccess,)),
        (Optional[PaymentSuccess], (PaymentSuccess,)),  # noqa: UP045 - the old spelling is another type
        (PaymentSuccess | PaymentFailed | None, (PaymentSuccess, PaymentFailed)),
        (Either, (PaymentSuccess, PaymentFailed)),
        (list[PaymentSuccess], (PaymentSuccess,)),
        (list[PaymentSuccess | PaymentFailed], (PaymentSuccess, PaymentFailed)),
        (list[Either] | None, (PaymentSuccess, PaymentFailed)),
        (list[PaymentSuccess] | PaymentFailed, (PaymentSuccess, PaymentFailed)),
        (Iterator[PaymentSuccess], (PaymentSuccess,)),
        (Iterable[PaymentSuccess], (PaymentSuccess,)),
        (Sequence[PaymentSuccess], (PaymentSuccess,)),
        (Generator[PaymentSuccess, None, None], (PaymentSuccess,)),
        (Generator[PaymentSuccess | PaymentFailed, int, str], (PaymentSuccess, PaymentFailed)),
        (tuple[PaymentSuccess, PaymentFailed], (PaymentSuccess, PaymentFailed)),
        (tuple[PaymentSuccess, ...], (PaymentSuccess,)),
        (Annotated[list[Annotated[PaymentSuccess, "said"]], "said"], (PaymentSuccess,)),
    ],
    ids=str,
)
def test_what_is_returned_is_what_is_published(annotation: object, contracts: tuple[object, ...]) -> None:
    assert untyped_subscriber(service="payments")(handler(OrderPlaced, annotation)).publishes == contracts
    assert untyped_schedule("rate(1 day)", service="payments")(scheduled(annotation)).publishes == contracts


def scheduled(returns: object) -> Callable[..., None]:
    def run() -> Any: ...

    run.__annotations__ = {"return": returns}
    return run


@pytest.mark.parametrize(
    ("annotation", "said", "wrong"),
    [
        (int, "int", "int"),
        (Any, "Any", "Any"),
        (object, "object", "object"),
        (Contract, "Contract", "Contract"),
        (Charge, "Charge", "Charge"),
        (list, "list", "list"),
        (PaymentSuccess | str, "PaymentSuccess | str", "str"),
        (list[Charge], "list[Charge]", "Charge"),
        (list[PaymentSuccess | None], "list[PaymentSuccess | None]", "None"),
        (list[list[PaymentSuccess]], "list[list[PaymentSuccess]]", "list[PaymentSuccess]"),
        (tuple[PaymentSuccess, Charge], "tuple[PaymentSuccess, Charge]", "Charge"),
        (dict[str, PaymentSuccess], "dict[str, PaymentSuccess]", "dict[str, PaymentSuccess]"),
        (dict[PaymentSuccess, str], "dict[PaymentSuccess, str]", "dict[PaymentSuccess, str]"),
        (Awaitable[PaymentSuccess], "Awaitable[PaymentSuccess]", "Awaitable[PaymentSuccess]"),
        (AsyncIterator[PaymentSuccess], "AsyncIterator[PaymentSuccess]", "AsyncIterator[PaymentSuccess]"),
        (NoReturn, "NoReturn", "NoReturn"),
        (item, "~item", "~item"),
        (type[PaymentSuccess], "type[PaymentSuccess]", "type[PaymentSuccess]"),
    ],
    ids=str,
)
def test_returning_what_is_no_contract_is_refused(annotation: object, said: str, wrong: str) -> None:
    handle = handler(OrderPlaced, annotation)

    assert refusal(untyped_subscriber(service="payments"), handle) == (
        f"{called(handle)} returns {said}, but {wrong} is not a contract.\n"
        "  Return contracts to publish them, or annotate -> None."
    )


def test_a_contract_of_another_service_is_not_published() -> None:
    def confirm(paid: PaymentSuccess) -> OrderCancelled | None: ...

    assert refusal(subscriber(service="payments"), confirm) == (
        f"{called(confirm)} returns OrderCancelled, but shop.orders/OrderCancelled v1 is published by the service "
        "'orders' (contract in tests/test_function.py).\n"
        "  Publish a contract of 'payments', or move the function to functions/orders/."
    )


async def wait(placed: OrderPlaced) -> None: ...


async def wait_often(placed: OrderPlaced) -> AsyncIterator[PaymentSuccess]:
    yield PaymentSuccess(order_id=placed.order_id)


@pytest.mark.parametrize(
    "decorate",
    [subscriber(service="payments"), schedule("rate(1 day)", service="payments"), route("GET /x", service="payments")],
)
@pytest.mark.parametrize("handle", [wait, wait_often])
def test_async_is_refused(decorate: Any, handle: Callable[..., object]) -> None:
    assert refusal(decorate, handle) == (
        f"{called(handle)} is async, but Lambda runs one delivery at a time.\n  Write def instead of async def."
    )


def without_type(placed: OrderPlaced) -> None: ...


def without_return(placed: OrderPlaced) -> None: ...


del without_type.__annotations__["placed"]
del without_return.__annotations__["return"]


def keyword_only(*, placed: OrderPlaced) -> None: ...


def positional_only(placed: OrderPlaced, /) -> None: ...


def starred(*placed: OrderPlaced) -> None: ...


def double_starred(**placed: OrderPlaced) -> None: ...


@pytest.mark.parametrize(
    ("handle", "why"),
    [
        (
            without_type,
            (
                "does not annotate its parameter 'placed'.\n"
                "  Annotate it: the type of a parameter selects what the function receives."
            ),
        ),
        (
            without_return,
            (
                "has no return annotation.\n"
                "  Annotate the events it publishes, like `-> LoanExtended | ExtensionRefused`, or `-> None`."
            ),
        ),
        (
            keyword_only,
            (
                "takes placed: tests.test_function.OrderPlaced, but a handler is called with its parameters in order.\n"
                "  Make 'placed' an ordinary parameter."
            ),
        ),
        (
            positional_only,
            (
                "takes placed: tests.test_function.OrderPlaced, but a handler is called with its parameters in order.\n"
                "  Make 'placed' an ordinary parameter."
            ),
        ),
        (
            starred,
            (
                "takes *placed: tests.test_function.OrderPlaced, but a handler is called with its parameters in order.\n"
                "  Make 'placed' an ordinary parameter."
            ),
        ),
        (
            double_starred,
            (
                "takes **placed: tests.test_function.OrderPlaced, but a handler is called with its parameters in order.\n"
                "  Make 'placed' an ordinary parameter."
            ),
        ),
        (
            handler("Missing"),
            (
                "has an annotation that cannot be evaluated: name 'Missing' is not defined.\n"
                "  Import the name at run time, not under TYPE_CHECKING; a handler's annotations are its wiring."
            ),
        ),
        (
            handler("datetime.Missing"),
            (
                "has an annotation that cannot be evaluated: type object 'datetime.datetime' has no attribute 'Missing'.\n"
                "  Import the name at run time, not under TYPE_CHECKING; a handler's annotations are its wiring."
            ),
        ),
        (
            handler(OrderPlaced, "list["),
            (
                "has an annotation that cannot be evaluated: Forward reference must be an expression -- got 'list['.\n"
                "  Import the name at run time, not under TYPE_CHECKING; a handler's annotations are its wiring."
            ),
        ),
        (
            handler(OrderPlaced, None, int),
            (
                "takes (event: OrderPlaced, second: int).\n"
                "  A subscriber takes the event, and optionally a contradance.Delivery."
            ),
        ),
        (
            handler(OrderPlaced, None, Delivery | None),
            (
                "takes (event: OrderPlaced, second: Delivery | None).\n"
                "  A subscriber takes the event, and optionally a contradance.Delivery."
            ),
        ),
        (
            handler(Delivery, None, OrderPlaced),
            (
                "takes (event: Delivery, second: OrderPlaced).\n"
                "  A subscriber takes the event, and optionally a contradance.Delivery."
            ),
        ),
        (scheduled(None), "takes ().\n  A subscriber takes the event, and optionally a contradance.Delivery."),
    ],
    ids=lambda argument: getattr(argument, "__name__", ""),
)
def test_a_signature_that_is_no_subscription_is_refused(handle: Callable[..., object], why: str) -> None:
    assert refusal(subscriber(service="payments"), handle) == f"{called(handle)} {why}"


def test_a_delivery_may_be_the_second_parameter() -> None:
    trigger = untyped_subscriber(service="payments")(handler(OrderPlaced, None, Delivery)).trigger

    assert trigger.takes_delivery


def test_defaults_do_not_change_what_is_subscribed_to() -> None:
    first = Delivery("e", "c", 1, "k", datetime.now(UTC))

    def pay_later(placed: OrderPlaced, delivery: Delivery = first) -> None: ...

    trigger = subscriber(service="payments")(pay_later).trigger

    assert isinstance(trigger, Subscription)
    assert trigger.takes_delivery


@pytest.mark.parametrize(
    "thing",
    [
        Till().bound,
        Till(),
        Till,
        functools.partial(plain),
        print,
        len,
        functools.cache(plain),
        pay,
        OrderPlaced,
        5,
        None,
    ],
    ids=[
        "a bound method",
        "a callable object",
        "a class",
        "a partial",
        "print",
        "len",
        "a cached function",
        "a function that is decorated already",
        "a contract",
        "a number",
        "None",
    ],
)
@pytest.mark.parametrize(
    "decorate", [subscriber(), schedule("rate(1 day)"), route("GET /x")], ids=["subscriber", "schedule", "route"]
)
def test_only_a_plain_function_is_decorated(decorate: Any, thing: object) -> None:
    assert refusal(decorate, thing) == (
        f"{thing!r} is not a plain function.\n"
        "  Decorate a def, and call the decorator: @subscriber(), @route('GET /x'), @schedule('rate(1 day)')."
    )


def test_a_lambda_says_nothing_and_is_refused() -> None:
    untyped: Any = subscriber(service="payments")

    message = refusal(untyped, lambda placed: None)

    assert message.startswith("payments.<lambda> (tests/test_function.py, line ")
    assert "does not annotate its parameter 'placed'" in message


def test_a_static_method_is_a_plain_function() -> None:
    assert subscriber(service="payments")(Till.static).publishes == ()


def test_a_wrapped_function_is_read_as_the_one_it_wraps() -> None:
    @functools.wraps(plain)
    def wrapper(*args: Any, **kwargs: Any) -> None:
        plain(*args, **kwargs)

    trigger = subscriber(service="payments")(wrapper).trigger

    assert isinstance(trigger, Subscription)
    assert trigger.contracts == (OrderPlaced,)


def test_a_decorator_that_is_not_called_is_refused() -> None:
    place = f"plain (tests/test_function.py, line {plain.__code__.co_firstlineno})"

    assert refusal(untyped_subscriber, plain) == (
        f"@subscriber has {place} as its argument, and takes none by position.\n  Write @subscriber()."
    )
    assert refusal(untyped_route, plain) == (
        f"@route has {place} as its argument, instead of a text.\n  Call the decorator: @route('GET /loans')."
    )
    assert refusal(untyped_schedule, plain) == (
        f"@schedule has {place} as its argument, instead of a text.\n  Call the decorator: @schedule('rate(1 day)')."
    )


def test_a_decorator_with_an_event_as_its_argument_is_refused_with_the_line() -> None:
    for decorator, fix in (
        (untyped_subscriber, "Write @subscriber(), and name the event in the handler: def f(event: OrderPlaced)."),
        (untyped_route, "Call the decorator: @route('GET /loans')."),
        (untyped_schedule, "Call the decorator: @schedule('rate(1 day)')."),
    ):
        with pytest.raises(InvalidFunction) as refused:
            decorator(OrderPlaced)

        assert f" has {OrderPlaced.__qualname__} (tests/test_function.py, line " in str(refused.value)
        assert str(refused.value).endswith(fix)


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"delivery": "fifo"}, "has delivery='fifo'.\n  Use 'direct' or 'queue'."),
        ({"on_replay": "never"}, "has on_replay='never'.\n  Use 'run' or 'skip'."),
        ({"batch": 0}, "has batch=0.\n  Use 1 to 10."),
        ({"batch": 11}, "has batch=11.\n  Use 1 to 10."),
        (
            {"timeout": timedelta(0)},
            "has timeout=0:00:00.\n  Lambda runs a function for 1 second to 15 minutes, in whole seconds.",
        ),
        (
            {"timeout": timedelta(minutes=16)},
            "has timeout=0:16:00.\n  Lambda runs a function for 1 second to 15 minutes, in whole seconds.",
        ),
        (
            {"timeout": timedelta(seconds=1.5)},
            "has timeout=0:00:01.500000.\n  Lambda runs a function for 1 second to 15 minutes, in whole seconds.",
        ),
        ({"timeout": 30}, "has timeout=30.\n  Write timedelta(seconds=...)."),
        ({"memory": 64}, "has memory=64.\n  Lambda supports 128 to 10,240 MB."),
        ({"memory": 20_000}, "has memory=20000.\n  Lambda supports 128 to 10,240 MB."),
        ({"concurrency": 0}, "has concurrency=0.\n  Use 1 or more, or leave it out."),
        *(
            ({option: value}, f"has {option}={value!r}, which is not a whole number.\n  Write an int.")
            for option in ("batch", "memory", "concurrency")
            for value in (1.5, True, "1", float("nan"))
        ),
        ({"retry": Retry(times=1.5)}, "has Retry.times=1.5, which is not a whole number.\n  Write an int."),  # type: ignore[arg-type]
        ({"retry": 3}, "has retry=3, which is not a Retry.\n  Write it like Retry(times=2)."),
        (
            {"uses": [orders.read]},
            (
                "uses the table orders.orders, which belongs to the service 'orders'.\n"
                "  To use another service's data, subscribe to one of its events."
            ),
        ),
        (
            {"uses": [charges]},
            "uses the table payments.charges, but not how.\n  Write uses=[charges.read] or uses=[charges.write].",
        ),
        (
            {"uses": ["fee"]},
            "uses 'fee', which is not a table grant, a setting or a secret.\n  Link a table by loans.read or loans.write.",
        ),
        ({"uses": charges}, f"has uses={charges!r}, which is not a list.\n  Write it like uses=[loans.read]."),
        (
            {"uses": charges.read},
            f"has uses={charges.read!r}, which is not a list.\n  Write it like uses=[loans.read].",
        ),
        ({"uses": "fee"}, "has uses='fee', which is not a list.\n  Write it like uses=[loans.read]."),
        ({"uses": None}, "has uses=None, which is not a list.\n  Write it like uses=[loans.read]."),
    ],
    ids=str,
)
def test_an_option_that_cannot_be_honoured_is_refused(options: dict[str, Any], why: str) -> None:
    assert refusal(untyped_subscriber(service="payments", **options), plain) == f"{called(plain)} {why}"


@pytest.mark.parametrize(
    ("service", "name"), [("größe", "f"), ("a b", "f"), ("a", "grüße"), ("a", "x\x1b"), ("a", "b.c")]
)
def test_a_name_that_aws_does_not_accept_is_refused(service: str, name: str) -> None:
    def handler(placed: OrderPlaced) -> None: ...

    handler.__name__ = name

    assert refusal(subscriber(service=service), handler) == (
        f"{called(handler, service)} has the name {f'{service}.{name}'!r}, which AWS does not accept.\n"
        "  Use ASCII letters, digits and '_' for the name and for its service."
    )


def test_every_kind_of_function_takes_a_concurrency() -> None:
    def subscribed(placed: OrderPlaced) -> None: ...
    def scheduled() -> None: ...
    def served() -> Charge:
        raise NotImplementedError

    functions: list[AnyFunction] = [
        subscriber(service="payments", concurrency=2)(subscribed),
        schedule("rate(1 day)", service="payments", concurrency=3)(scheduled),
        route("GET /payments", service="payments", concurrency=4)(served),
    ]

    assert [function.limits.concurrency for function in functions] == [2, 3, 4]


def test_a_schedule_refuses_a_concurrency_below_one() -> None:
    def scheduled() -> None: ...

    assert refusal(schedule("rate(1 day)", service="payments", concurrency=0), scheduled) == (
        f"{called(scheduled)} has concurrency=0.\n  Use 1 or more, or leave it out."
    )


@pytest.mark.parametrize("expression", ["rate(1 day)", "cron(0 12 * * ? *)"])
def test_a_schedule_takes_nothing_or_a_delivery(expression: str) -> None:
    def silent() -> None: ...
    def attentive(delivery: Delivery) -> PaymentSuccess | None: ...

    triggers = [
        schedule(expression, service="payments")(silent).trigger,
        schedule(expression, service="payments")(attentive).trigger,
    ]

    assert [isinstance(trigger, Schedule) and trigger.takes_delivery for trigger in triggers] == [False, True]


def test_a_schedule_has_no_event() -> None:
    assert refusal(untyped_schedule("rate(1 day)", service="payments"), plain) == (
        f"{called(plain)} takes (placed: OrderPlaced), but a schedule has no event.\n"
        "  A scheduled handler takes nothing, or a contradance.Delivery."
    )


def test_every_refusal_says_who_and_how_to_mend_it() -> None:
    message = refusal(subscriber(service="payments"), without_return)

    assert re.fullmatch(
        r"payments\.without_return \(tests/test_function\.py, line \d+\) [^\n]+\.\n  [A-Z][^\n]+\.", message
    )
