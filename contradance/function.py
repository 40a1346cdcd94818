"""A function: a handler, what triggers it, what it publishes and what it uses.

It stays callable as the plain handler it was: a unit test calls it with an event and looks at what it returns.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from functools import WRAPPER_ASSIGNMENTS
from types import FunctionType, NoneType
from typing import TYPE_CHECKING, Any, Generic, ParamSpec, TypeVar, get_origin

from contradance.annotation import members, published, type_name
from contradance.contract import Contract, is_contract, where_defined
from contradance.errors import InvalidFunction
from contradance.limits import Limits
from contradance.retry import DeliveryMode, Retry
from contradance.subscription import Subscription
from contradance.table import Grant

if TYPE_CHECKING:  # what one kind of function needs, the others do not load
    from contradance.httproute import Route
    from contradance.settings import Secret, Setting
    from contradance.timetable import Timetable

    Link = Grant | Setting[Any] | Secret
    """What `uses=[...]` may name."""

P = ParamSpec("P")
R_co = TypeVar("R_co", covariant=True)


@dataclass(frozen=True, slots=True)
class Schedule:
    """A function that runs by the clock."""

    timetable: "Timetable"
    takes_delivery: bool


@dataclass(frozen=True, eq=False)
class Function(Generic[P, R_co]):
    """A deployed function: its handler, what triggers it, what it publishes and what it uses."""

    service: str
    name: str
    """`service.handler`, unique in a choreography."""
    handler: Callable[P, R_co]
    trigger: "Subscription | Route | Schedule"
    publishes: tuple[type[Contract], ...]
    may_publish_nothing: bool
    """Whether its annotation allows it to return no event."""
    retry: Retry
    uses: "frozenset[Link]"
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


AnyFunction = Function[..., object]
"""A function, whatever its handler takes and returns."""


def declared(service: str, handler: Callable[..., object]) -> str:
    """Return how errors call a function: `loans.remind_reader (functions/.../x.py, line 12)`."""
    line = f", line {handler.__code__.co_firstlineno}" if isinstance(handler, FunctionType) else ""
    return f"{service}.{handler.__name__} ({handler.__module__.replace('.', '/')}.py{line})"


def make_function(
    handler: Callable[P, R_co],
    service: str,
    *,
    trigger: "Subscription | Route | Schedule",
    returns: Any,
    retry: Retry | None,
    uses: "Sequence[Link]",
    limits: Limits,
) -> Function[P, R_co]:
    """Check what every kind of function has in common, and make it."""
    called = declared(service, handler)
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
        may_publish_nothing=any(member is NoneType or get_origin(member) is not None for member in members(returns)),
        retry=settled,
        uses=_links(called, service, uses),
        limits=limits,
    )


def _published_contracts(called: str, service: str, returns: Any) -> tuple[type[Contract], ...]:
    contracts = tuple(dict.fromkeys(published(returns)))
    for contract in contracts:
        if not is_contract(contract):
            raise InvalidFunction(
                f"{called} returns {type_name(returns)}, but {type_name(contract)} is no contract.\n"
                "  Return contracts to publish them, or annotate -> None."
            )
        if contract.identity.service != service:
            raise InvalidFunction(
                f"{called} returns {contract.__name__}, but {contract.identity} is published by the service "
                f"{contract.identity.service!r} (contract in {where_defined(contract)}).\n"
                f"  Publish a contract of {service!r}, or move the function to functions/{contract.identity.service}/."
            )
    return contracts


def _links(called: str, service: str, uses: object) -> "frozenset[Link]":
    if not isinstance(uses, Collection) or isinstance(uses, str):
        raise InvalidFunction(f"{called} has uses={uses!r}, which is no list.\n  Write it like uses=[loans.read].")
    for link in uses:
        if not isinstance(link, Grant) and not _is_setting(link):
            raise InvalidFunction(
                f"{called} uses {link!r}, which is no table grant, setting or secret.\n"
                "  Link a table by loans.read or loans.write."
            )
        if isinstance(link, Grant) and link.table.partition(".")[0] != service:
            raise InvalidFunction(
                f"{called} uses the table {link.table}, which belongs to the service "
                f"{link.table.partition('.')[0]!r}.\n  Another service's facts arrive as events: subscribe to one."
            )
    return frozenset(uses)


def _is_setting(link: object) -> bool:
    from contradance.settings import Secret, Setting  # noqa: PLC0415 - who links only tables does without

    return isinstance(link, Setting | Secret)
