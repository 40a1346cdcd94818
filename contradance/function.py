"""What an author declares: a handler becomes a function by `@subscriber`, `@route` or `@schedule`.

A function stays callable as the plain handler it was: a unit test calls it with an event and looks at what it returns.
"""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import WRAPPER_ASSIGNMENTS
from types import FunctionType
from typing import Any, Final, Generic, ParamSpec, Protocol, TypeVar, get_args, overload

from pydantic import BaseModel

from contradance.contract import Contract, is_contract, where_defined
from contradance.delivery import Delivery
from contradance.errors import InvalidFunction
from contradance.httproute import Route, read_route, reply_of
from contradance.reply import Reply
from contradance.retry import DeliveryMode, Retry
from contradance.service import service_of
from contradance.settings import Secret, Setting
from contradance.signature import published, say, signature
from contradance.subscription import MAX_BATCH, OnReplay, Subscription, Where, event_pattern, subscribed_contracts
from contradance.table import Grant
from contradance.timetable import Timetable, timetable

P = ParamSpec("P")
R_co = TypeVar("R_co", covariant=True)
Event = TypeVar("Event", bound=Contract)
Publishes = TypeVar("Publishes", bound=Contract | Iterable[Contract] | None)
Answer = TypeVar("Answer", bound=BaseModel | Sequence[BaseModel] | Reply[Any, Any] | None)
Link = Grant | Setting[Any] | Secret
"""What `uses=[...]` may name."""

LONGEST_TIMEOUT: Final = timedelta(minutes=15)
"""Longest that a function may run. Lambda quota."""
MEMORY: Final = (128, 10_240)
"""Least and most memory of a function, in MB. Lambda quota."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """A function that runs by the clock."""

    timetable: Timetable
    takes_delivery: bool


@dataclass(frozen=True)
class Limits:
    """What one function may take of the machine."""

    timeout: timedelta = timedelta(seconds=30)
    memory: int = 256
    """In MB."""
    concurrency: int | None = None
    """Invocations at a time; None leaves it to the account."""

    def check(self, function: str) -> None:
        """Refuse what Lambda cannot give."""
        if not isinstance(self.timeout, timedelta):
            raise InvalidFunction(f"{function} asks for timeout={self.timeout!r}.\n  Say timedelta(seconds=...).")
        if not timedelta(0) < self.timeout <= LONGEST_TIMEOUT or self.timeout % timedelta(seconds=1):
            raise InvalidFunction(
                f"{function} asks for timeout={self.timeout}.\n"
                "  Lambda runs a function for 1 second to 15 minutes, in whole seconds."
            )
        if not MEMORY[0] <= self.memory <= MEMORY[1]:
            raise InvalidFunction(
                f"{function} asks for memory={self.memory}.\n  Lambda gives {MEMORY[0]} to {MEMORY[1]:,} MB."
            )
        if self.concurrency is not None and self.concurrency < 1:
            raise InvalidFunction(
                f"{function} asks for concurrency={self.concurrency}.\n  Ask for 1 or more, or leave it out."
            )


@dataclass(frozen=True, eq=False)
class Function(Generic[P, R_co]):
    """A deployed function: its handler, what triggers it, what it publishes and what it uses."""

    service: str
    name: str
    """`service.handler`, unique in a choreography."""
    handler: Callable[P, R_co]
    trigger: Subscription | Route | Schedule
    publishes: tuple[type[Contract], ...]
    retry: Retry
    uses: frozenset[Link]
    limits: Limits

    def __post_init__(self) -> None:
        """Look like the handler to `help`, `inspect` and pytest, as `functools.update_wrapper` would have it."""
        for attribute in (*WRAPPER_ASSIGNMENTS, "__wrapped__"):
            value = self.handler if attribute == "__wrapped__" else getattr(self.handler, attribute, None)
            object.__setattr__(self, attribute, value)

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R_co:
        """Call the handler."""
        return self.handler(*args, **kwargs)

    @property
    def delivery(self) -> DeliveryMode:
        """How events reach it; a route and a schedule are invoked directly."""
        return self.trigger.delivery if isinstance(self.trigger, Subscription) else "direct"

    def __repr__(self) -> str:
        return f"Function({self.name!r})"


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
    uses: Sequence[Link] = (),
    where: Where | None = None,
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
        return _function(
            handler, place, called, trigger, read.returns, retry, uses, Limits(timeout, memory, concurrency)
        )

    return declare


def route(
    key: str,
    *,
    status: int = 200,
    uses: Sequence[Link] = (),
    timeout: timedelta = Limits.timeout,
    memory: int = Limits.memory,
    concurrency: int | None = None,
    service: str | None = None,
) -> RouteDecorator:
    """Serve a handler over HTTP; it takes path, query and body, and answers with a model or a `Reply`.

    Args:
        key: method and path: `"GET /orders/{order_id}"`.
        status: the answer's status when all is well.
        uses: tables, settings and secrets: the only source of grants and environment variables.
        timeout: longest that a request may run: up to 15 minutes, though API Gateway answers after 30 seconds.
        memory: in MB, 128 to 10,240.
        concurrency: most invocations at a time.
        service: the owning service; the folder of the handler's module unless given.
    """
    _check_called("route", key, "GET /orders")

    def declare(handler: Callable[P, Answer], /) -> Function[P, Answer]:
        place, called = _place(handler, service)
        read = signature(handler, called)
        trigger = read_route(called, key, status, read)
        publishes = reply_of(read.returns)[1]
        return _function(handler, place, called, trigger, publishes, None, uses, Limits(timeout, memory, concurrency))

    return declare


def schedule(
    expression: str,
    *,
    retry: Retry | None = None,
    uses: Sequence[Link] = (),
    timeout: timedelta = Limits.timeout,
    memory: int = Limits.memory,
    service: str | None = None,
) -> ScheduleDecorator:
    """Run a handler by the clock: `@schedule("rate(1 day)")`, in UTC; it publishes what it returns.

    Args:
        expression: `rate(...)` or `cron(...)`, as EventBridge Scheduler takes them.
        retry: attempts after the first and the age at which a run is given up.
        uses: tables, settings and secrets: the only source of grants and environment variables.
        timeout: longest that a run may take: up to 15 minutes.
        memory: in MB, 128 to 10,240.
        service: the owning service; the folder of the handler's module unless given.
    """
    _check_called("schedule", expression, "rate(1 day)")

    def declare(handler: Callable[..., object]) -> Function[..., Any]:
        place, called = _place(handler, service)
        read = signature(handler, called)
        if [parameter.annotation for parameter in read.parameters] not in ([], [Delivery]):
            raise InvalidFunction(
                f"{called} takes {read}, but a schedule has no event.\n"
                "  A scheduled handler takes nothing, or a contradance.Delivery."
            )
        trigger = Schedule(timetable(expression, called), takes_delivery=bool(read.parameters))
        return _function(handler, place, called, trigger, read.returns, retry, uses, Limits(timeout, memory))

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


def declared(service: str, handler: Callable[..., object]) -> str:
    """Return how errors call a function: `payments.process_payment (functions/.../x.py, line 12)`."""
    line = f", line {handler.__code__.co_firstlineno}" if isinstance(handler, FunctionType) else ""
    return f"{service}.{handler.__name__} ({handler.__module__.replace('.', '/')}.py{line})"


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


def _function(  # noqa: PLR0917 - called three times, above
    handler: Callable[P, R_co],
    service: str,
    called: str,
    trigger: Subscription | Route | Schedule,
    returns: Any,
    retry: Retry | None,
    uses: Sequence[Link],
    limits: Limits,
) -> Function[P, R_co]:
    """Check what every kind of function has in common, and make it."""
    delivery = trigger.delivery if isinstance(trigger, Subscription) else "direct"
    settled = Retry() if retry is None else retry
    if not isinstance(settled, Retry):
        raise InvalidFunction(f"{called} has retry={retry!r}, which is no Retry.\n  Write it like Retry(times=2).")
    settled.check(called, delivery)
    limits.check(called)
    return Function(
        service=service,
        name=f"{service}.{handler.__name__}",
        handler=handler,
        trigger=trigger,
        publishes=_published_contracts(called, service, returns),
        retry=settled,
        uses=_links(called, service, uses),
        limits=limits,
    )


def _published_contracts(called: str, service: str, returns: Any) -> tuple[type[Contract], ...]:
    contracts = tuple(dict.fromkeys(published(returns)))
    for contract in contracts:
        if not is_contract(contract):
            raise InvalidFunction(
                f"{called} returns {say(returns)}, but {say(contract)} is no contract.\n"
                "  Return contracts to publish them, or annotate -> None."
            )
        if contract.identity.service != service:
            raise InvalidFunction(
                f"{called} returns {contract.__name__}, but {contract.identity} is published by the service "
                f"{contract.identity.service!r} (contract in {where_defined(contract)}).\n"
                f"  Publish a contract of {service!r}, or move the function to functions/{contract.identity.service}/."
            )
    return contracts


def _links(called: str, service: str, uses: object) -> frozenset[Link]:
    if not isinstance(uses, Collection) or isinstance(uses, str):
        raise InvalidFunction(f"{called} has uses={uses!r}, which is no list.\n  Write it like uses=[orders.read].")
    for link in uses:
        if not isinstance(link, Grant | Setting | Secret):
            raise InvalidFunction(
                f"{called} uses {link!r}, which is no table grant, setting or secret.\n"
                "  Link a table by orders.read or orders.write."
            )
        if isinstance(link, Grant) and link.table.partition(".")[0] != service:
            raise InvalidFunction(
                f"{called} uses the table {link.table}, which belongs to the service "
                f"{link.table.partition('.')[0]!r}.\n  Another service's facts arrive as events: subscribe to one."
            )
    return frozenset(uses)
