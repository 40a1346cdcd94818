"""The decorators `@subscriber`, `@route` and `@schedule`: each makes a function of a handler."""

import sys
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from types import FunctionType
from typing import TYPE_CHECKING, Any, Never, ParamSpec, Protocol, TypeVar, get_args, overload

from contradance.contentfilter import ContentFilter
from contradance.contract import Contract
from contradance.delivery import Delivery
from contradance.errors import InvalidFunction
from contradance.foreign import ForeignEvent
from contradance.function import Function, Schedule, make_function
from contradance.limits import Limits, check_batch
from contradance.retry import DeliveryMode, Retry
from contradance.signature import check_whole_number, read_signature
from contradance.subscription import (
    MAX_BATCH,
    OnReplay,
    Subscription,
    event_pattern,
    subscribed_events,
)

if TYPE_CHECKING:  # a deployed function loads only what its own kind needs
    from pydantic import BaseModel

    from contradance.function import Link
    from contradance.reply import Reply

P = ParamSpec("P")
Event = TypeVar("Event", bound=Contract | ForeignEvent)
Publishes = TypeVar("Publishes", bound=Contract | Iterable[Contract] | None)
Answer = TypeVar("Answer", bound="BaseModel | Sequence[BaseModel] | Reply[Any, Any] | None")


class SubscribeDecorator(Protocol):
    """Turns a handler into a subscriber. The handler takes an event, and optionally its `Delivery`."""

    @overload
    def __call__(self, handler: Callable[[Event], Publishes], /) -> Function[[Event], Publishes]: ...
    @overload
    def __call__(
        self, handler: Callable[[Event, Delivery], Publishes], /
    ) -> Function[[Event, Delivery], Publishes]: ...


class RouteDecorator(Protocol):
    """Turns a handler of HTTP requests into a route."""

    def __call__(self, handler: Callable[P, Answer], /) -> Function[P, Answer]:
        """Return the function of a handler."""
        ...


class ScheduleDecorator(Protocol):
    """Turns a handler into a scheduled function. The handler takes nothing, or a `Delivery`."""

    @overload
    def __call__(self, handler: Callable[[], Publishes], /) -> Function[[], Publishes]: ...
    @overload
    def __call__(self, handler: Callable[[Delivery], Publishes], /) -> Function[[Delivery], Publishes]: ...


def subscriber(
    *misplaced: Never,
    retry: Retry | None = None,
    delivery: DeliveryMode = "direct",
    uses: "Sequence[Link]" = (),
    where: ContentFilter | None = None,
    on_replay: OnReplay = "run",
    batch: int = MAX_BATCH,
    draining: bool = False,
    timeout: timedelta = Limits.timeout,
    memory: int = Limits.memory,
    concurrency: int | None = None,
    service: str | None = None,
    deployed_as: str | None = None,
) -> SubscribeDecorator:
    """Return a decorator that subscribes a handler to the events of its first parameter; it publishes its result.

    Args:
        retry: attempts after the first, and the age at which an event becomes a dead letter.
        delivery: `"queue"` puts a queue between rule and function: more attempts, batches, a visible backlog.
        uses: tables, settings and secrets: the only source of grants and environment variables.
        where: an EventBridge content filter over a contract's `data`, or a foreign event's `detail`; a mapping by event
            when the parameter is a union.
        on_replay: `"skip"` excludes archive replays.
        batch: most events of one invocation behind a queue: 1 to 10.
        draining: with `delivery="direct"` after `"queue"`: keep the queue until it is empty. `contradance doctor` reports
            when it is.
        timeout: longest time of one attempt: up to 15 minutes. Behind a queue an invocation takes up to
            `timeout` x `batch` + 5 seconds, which are 15 minutes at most too.
        memory: in MB, 128 to 10,240.
        concurrency: most invocations at a time.
        service: the owning service; the folder of the handler's module unless given.
        deployed_as: the name under which it was first deployed, after a rename: `"old_name"` or `"old_service.old_name"`. Its
            resources, its dead letters and its record of handled events keep that name.
    """
    if misplaced:
        given: object = misplaced[0]
        event = (
            f", and name the event in the handler: def f(event: {given.__name__})" if isinstance(given, type) else ""
        )
        raise InvalidFunction(
            f"@subscriber has {_place(given)} as its argument, and takes none by position.\n  Write @subscriber(){event}."
        )

    def declare(handler: Callable[..., object]) -> Function[..., Any]:
        """Return the subscriber of a handler; raise `InvalidFunction` for a wrong signature or option."""
        read = read_signature(handler, service)
        parameters = read.parameters
        takes_delivery = len(parameters) == 2 and parameters[1].annotation is Delivery  # noqa: PLR2004
        if len(parameters) != 1 + takes_delivery:
            raise InvalidFunction(
                f"{read.function} takes {read}.\n  A subscriber takes the event, and optionally a contradance.Delivery."
            )
        _check_choice(read.function, "delivery", delivery, get_args(DeliveryMode))
        _check_choice(read.function, "on_replay", on_replay, get_args(OnReplay))
        check_whole_number(read.function, "batch", batch)
        if not 1 <= batch <= MAX_BATCH:
            raise InvalidFunction(f"{read.function} has batch={batch}.\n  Use 1 to {MAX_BATCH}.")
        if draining and delivery == "queue":
            raise InvalidFunction(
                f"{read.function} has draining=True and delivery='queue'.\n"
                "  Write draining=True with delivery='direct', after the function was behind a queue."
            )
        contracts, foreign = subscribed_events(parameters[0].annotation, read.function, parameters[0].name)
        pattern = event_pattern(read.function, contracts, where, on_replay, foreign)
        trigger = Subscription(
            contracts, pattern, delivery, batch, on_replay, takes_delivery, foreign, draining=draining
        )
        function = make_function(
            handler,
            read,
            trigger=trigger,
            publishes=read.returns,
            retry=retry,
            uses=uses,
            limits=Limits(timeout, memory, concurrency),
            deployed_as=deployed_as,
        )
        if trigger.has_queue:
            check_batch(read.function, timeout, batch)
        return function

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
    deployed_as: str | None = None,
) -> RouteDecorator:
    """Return a decorator that serves HTTP requests with a handler, which returns a model or a `Reply`.

    Args:
        key: method and path: `"GET /loans/{loan_id}"`.
        status: status code of a successful answer.
        uses: tables, settings and secrets: the only source of grants and environment variables.
        timeout: longest time of a request: up to 15 minutes, but API Gateway answers after 30 seconds.
        memory: in MB, 128 to 10,240.
        concurrency: most invocations at a time.
        service: the owning service; the folder of the handler's module unless given.
        deployed_as: the name under which it was first deployed, after a rename: `"old_name"` or `"old_service.old_name"`. Its
            resources, its dead letters and its record of handled events keep that name.
    """
    _check_called("route", key, "GET /loans")

    from contradance.httproute import read_route, reply_of  # noqa: PLC0415 - only a route loads it

    def declare(handler: Callable[P, Answer], /) -> Function[P, Answer]:
        """Return the route of a handler; raise `InvalidFunction` if a request cannot be read into its signature."""
        read = read_signature(handler, service)
        return make_function(
            handler,
            read,
            trigger=read_route(key, status, read),
            publishes=reply_of(read.returns)[1],
            retry=None,
            uses=uses,
            limits=Limits(timeout, memory, concurrency),
            deployed_as=deployed_as,
        )

    return declare


def schedule(
    expression: str,
    *,
    timezone: str = "UTC",
    start: datetime | None = None,
    end: datetime | None = None,
    retry: Retry | None = None,
    uses: "Sequence[Link]" = (),
    timeout: timedelta = Limits.timeout,
    memory: int = Limits.memory,
    concurrency: int | None = None,
    service: str | None = None,
    deployed_as: str | None = None,
) -> ScheduleDecorator:
    """Return a decorator that runs a handler by the clock; it publishes the events that the handler returns.

    Args:
        expression: `rate(...)`, `cron(...)` or, for one run, `at(...)` of EventBridge Scheduler: `"rate(1 day)"`.
        timezone: the IANA time zone of a cron or an at: `"Europe/Berlin"`. A local time that does not exist is skipped, and
            one that occurs twice runs once.
        start: the earliest run; of a rate, the first. It has a time zone.
        end: the latest run. It has a time zone.
        retry: attempts after the first, and the age at which a run becomes a dead letter.
        uses: tables, settings and secrets: the only source of grants and environment variables.
        timeout: longest time of a run: up to 15 minutes.
        memory: in MB, 128 to 10,240.
        concurrency: most invocations at a time.
        service: the owning service; the folder of the handler's module unless given.
        deployed_as: the name under which it was first deployed, after a rename: `"old_name"` or `"old_service.old_name"`. Its
            resources, its dead letters and its record of handled events keep that name.
    """
    _check_called("schedule", expression, "rate(1 day)")

    from contradance.timetable import parse_timetable  # noqa: PLC0415 - only a schedule loads it

    def declare(handler: Callable[..., object]) -> Function[..., Any]:
        """Return the scheduled function of a handler; raise `InvalidFunction` for parameters but a `Delivery`."""
        read = read_signature(handler, service)
        if [parameter.annotation for parameter in read.parameters] not in ([], [Delivery]):
            raise InvalidFunction(
                f"{read.function} takes {read}, but a schedule has no event.\n"
                "  A scheduled handler takes nothing, or a contradance.Delivery."
            )
        trigger = Schedule(
            parse_timetable(expression, read.function, timezone=timezone, start=start, end=end),
            takes_delivery=bool(read.parameters),
        )
        return make_function(
            handler,
            read,
            trigger=trigger,
            publishes=read.returns,
            retry=retry,
            uses=uses,
            limits=Limits(timeout, memory, concurrency),
            deployed_as=deployed_as,
        )

    return declare


def _check_called(decorator: str, given: object, example: str) -> None:
    """Raise `InvalidFunction` for a decorator without its argument: `@route` instead of `@route("GET /x")`."""
    if not isinstance(given, str):
        raise InvalidFunction(
            f"@{decorator} has {_place(given)} as its argument, instead of a text.\n"
            f"  Call the decorator: @{decorator}({example!r})."
        )


def _place(given: object) -> str:
    """Return the name of a wrong argument with its module and line: of a handler its own, else of the decorator."""
    if isinstance(given, FunctionType):
        module, line = given.__module__, given.__code__.co_firstlineno
    else:
        frame: Any = sys._getframe()  # noqa: SLF001 - the documented way to the caller
        while frame.f_globals["__name__"] == __name__:
            frame = frame.f_back
        module, line = frame.f_globals["__name__"], frame.f_lineno
    return f"{getattr(given, '__qualname__', repr(given))} ({module.replace('.', '/')}.py, line {line})"


def _check_choice(function: str, option: str, given: object, choices: tuple[str, ...]) -> None:
    """Raise `InvalidFunction` for an option that is not one of its choices."""
    if given not in choices:
        raise InvalidFunction(f"{function} has {option}={given!r}.\n  Use {' or '.join(map(repr, choices))}.")
