"""What an author writes above a handler: `@subscriber`, `@route` or `@schedule` make it a function."""

from collections.abc import Callable, Iterable, Sequence
from datetime import timedelta
from types import FunctionType
from typing import TYPE_CHECKING, Any, ParamSpec, Protocol, TypeVar, get_args, overload

from contradance.contentfilter import ContentFilter
from contradance.contract import Contract
from contradance.delivery import Delivery
from contradance.errors import InvalidFunction
from contradance.function import Function, Schedule, declared, make_function
from contradance.limits import Limits
from contradance.retry import DeliveryMode, Retry
from contradance.service import service_of
from contradance.signature import signature
from contradance.subscription import (
    MAX_BATCH,
    OnReplay,
    Subscription,
    event_pattern,
    subscribed_contracts,
)

if TYPE_CHECKING:  # what one kind of function needs, the others do not load
    from pydantic import BaseModel

    from contradance.function import Link
    from contradance.reply import Reply

P = ParamSpec("P")
Event = TypeVar("Event", bound=Contract)
Publishes = TypeVar("Publishes", bound=Contract | Iterable[Contract] | None)
Answer = TypeVar("Answer", bound="BaseModel | Sequence[BaseModel] | Reply[Any, Any] | None")


class SubscribeDecorator(Protocol):
    """Turns a handler of an event, and of its `Delivery` if it wants one, into a function."""

    @overload
    def __call__(self, handler: Callable[[Event], Publishes], /) -> Function[[Event], Publishes]: ...
    @overload
    def __call__(
        self, handler: Callable[[Event, Delivery], Publishes], /
    ) -> Function[[Event, Delivery], Publishes]: ...


class RouteDecorator(Protocol):
    """Turns a handler of a request into a function."""

    def __call__(self, handler: Callable[P, Answer], /) -> Function[P, Answer]:
        """Read the handler's signature and make a function of it."""


class ScheduleDecorator(Protocol):
    """Turns a handler of a moment into a function."""

    @overload
    def __call__(self, handler: Callable[[], Publishes], /) -> Function[[], Publishes]: ...
    @overload
    def __call__(self, handler: Callable[[Delivery], Publishes], /) -> Function[[Delivery], Publishes]: ...


def subscriber(
    *,
    retry: Retry | None = None,
    delivery: DeliveryMode = "direct",
    uses: "Sequence[Link]" = (),
    where: ContentFilter | None = None,
    on_replay: OnReplay = "run",
    batch: int = MAX_BATCH,
    timeout: timedelta = Limits.timeout,
    memory: int = Limits.memory,
    concurrency: int | None = None,
    service: str | None = None,
) -> SubscribeDecorator:
    """Subscribe a handler to the contracts that its first parameter names; it publishes what it returns.

    Args:
        retry: attempts after the first and the age at which an event is given up.
        delivery: `"queue"` puts a queue between rule and function: more attempts, batches, a backlog one can see.
        uses: tables, settings and secrets: the only source of grants and environment variables.
        where: an EventBridge content filter over `data`; per contract where the parameter is a union.
        on_replay: `"skip"` keeps archive replays away from the function.
        batch: most events that one invocation behind a queue takes: 1 to 10.
        timeout: longest that an attempt may run: up to 15 minutes.
        memory: in MB, 128 to 10,240.
        concurrency: most invocations at a time.
        service: the owning service; the folder of the handler's module unless given.
    """

    def declare(handler: Callable[..., object]) -> Function[..., Any]:
        place, called = _place(handler, service)
        read = signature(handler, called)
        parameters = read.parameters
        takes_delivery = len(parameters) == 2 and parameters[1].annotation is Delivery  # noqa: PLR2004
        if len(parameters) != 1 + takes_delivery:
            raise InvalidFunction(
                f"{called} takes {read}.\n  A subscriber takes the event and, if it wants one, a contradance.Delivery."
            )
        _check_choice(called, "delivery", delivery, get_args(DeliveryMode))
        _check_choice(called, "on_replay", on_replay, get_args(OnReplay))
        if not 1 <= batch <= MAX_BATCH:
            raise InvalidFunction(f"{called} asks for batch={batch}.\n  Ask for 1 to {MAX_BATCH}.")
        contracts = subscribed_contracts(parameters[0].annotation, called, parameters[0].name)
        pattern = event_pattern(called, contracts, where, on_replay)
        trigger = Subscription(contracts, pattern, delivery, batch, on_replay, takes_delivery)
        return make_function(
            handler,
            place,
            trigger=trigger,
            returns=read.returns,
            retry=retry,
            uses=uses,
            limits=Limits(timeout, memory, concurrency),
        )

    return declare


def route(
    key: str,
    *,
    status: int = 200,
    uses: "Sequence[Link]" = (),
    timeout: timedelta = Limits.timeout,
    memory: int = Limits.memory,
    concurrency: int | None = None,
    service: str | None = None,
) -> RouteDecorator:
    """Serve a handler over HTTP; it takes path, query and body, and answers with a model or a `Reply`.

    Args:
        key: method and path: `"GET /loans/{loan_id}"`.
        status: the answer's status when all is well.
        uses: tables, settings and secrets: the only source of grants and environment variables.
        timeout: longest that a request may run: up to 15 minutes, though API Gateway answers after 30 seconds.
        memory: in MB, 128 to 10,240.
        concurrency: most invocations at a time.
        service: the owning service; the folder of the handler's module unless given.
    """
    _check_called("route", key, "GET /loans")

    from contradance.httproute import read_route, reply_of  # noqa: PLC0415 - a subscriber does without

    def declare(handler: Callable[P, Answer], /) -> Function[P, Answer]:
        place, called = _place(handler, service)
        read = signature(handler, called)
        trigger = read_route(called, key, status, read)
        publishes = reply_of(read.returns)[1]
        return make_function(
            handler,
            place,
            trigger=trigger,
            returns=publishes,
            retry=None,
            uses=uses,
            limits=Limits(timeout, memory, concurrency),
        )

    return declare


def schedule(
    expression: str,
    *,
    retry: Retry | None = None,
    uses: "Sequence[Link]" = (),
    timeout: timedelta = Limits.timeout,
    memory: int = Limits.memory,
    concurrency: int | None = None,
    service: str | None = None,
) -> ScheduleDecorator:
    """Run a handler by the clock: `@schedule("rate(1 day)")`, in UTC; it publishes what it returns.

    Args:
        expression: `rate(...)` or `cron(...)`, as EventBridge Scheduler takes them.
        retry: attempts after the first and the age at which a run is given up.
        uses: tables, settings and secrets: the only source of grants and environment variables.
        timeout: longest that a run may take: up to 15 minutes.
        memory: in MB, 128 to 10,240.
        concurrency: most invocations at a time.
        service: the owning service; the folder of the handler's module unless given.
    """
    _check_called("schedule", expression, "rate(1 day)")

    from contradance.timetable import timetable  # noqa: PLC0415 - what has no schedule does without

    def declare(handler: Callable[..., object]) -> Function[..., Any]:
        place, called = _place(handler, service)
        read = signature(handler, called)
        if [parameter.annotation for parameter in read.parameters] not in ([], [Delivery]):
            raise InvalidFunction(
                f"{called} takes {read}, but a schedule has no event.\n"
                "  A scheduled handler takes nothing, or a contradance.Delivery."
            )
        trigger = Schedule(timetable(expression, called), takes_delivery=bool(read.parameters))
        return make_function(
            handler,
            place,
            trigger=trigger,
            returns=read.returns,
            retry=retry,
            uses=uses,
            limits=Limits(timeout, memory, concurrency),
        )

    return declare


def _place(handler: Callable[..., object], service: str | None) -> tuple[str, str]:
    """Return (service, how errors call the function)."""
    if not isinstance(handler, FunctionType):
        raise InvalidFunction(
            f"{handler!r} is no plain function.\n"
            "  Decorate a def, and call the decorator: @subscriber(), @route('GET /x'), @schedule('rate(1 day)')."
        )
    owner = service or service_of(handler.__module__, f"function {handler.__name__!r}", InvalidFunction)
    return owner, declared(owner, handler)


def _check_called(decorator: str, given: object, example: str) -> None:
    """Refuse `@route` above a handler, where `@route("GET /x")` is meant."""
    if not isinstance(given, str):
        raise InvalidFunction(
            f"@{decorator} is given {getattr(given, '__qualname__', repr(given))} where its text stands.\n"
            f"  Call the decorator: @{decorator}({example!r})."
        )


def _check_choice(called: str, option: str, given: object, choices: tuple[str, ...]) -> None:
    if given not in choices:
        raise InvalidFunction(f"{called} asks for {option}={given!r}.\n  Ask for {' or '.join(map(repr, choices))}.")
