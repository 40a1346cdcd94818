"""A function: a handler with its trigger, the contracts it publishes, and the tables, settings and secrets it uses.

A function is callable like its handler: a unit test calls it with an event and checks what it returns.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import WRAPPER_ASSIGNMENTS
from types import NoneType
from typing import TYPE_CHECKING, Any, Generic, ParamSpec, TypeVar, get_origin

from contradance.annotation import members, published_types, type_name
from contradance.contract import Contract, is_contract, where_defined
from contradance.errors import InvalidFunction
from contradance.foreign import is_foreign
from contradance.limits import Limits, batch_timeout
from contradance.retry import DeliveryMode, Retry
from contradance.signature import Signature, deployed_name
from contradance.subscription import Subscription
from contradance.table import Grant, Table

if TYPE_CHECKING:  # a deployed function loads only what its own kind needs
    from contradance.httproute import Route
    from contradance.settings import Secret, Setting
    from contradance.timetable import Timetable

    Link = Grant | Setting[Any] | Secret
    """What `uses=[...]` may name."""

P = ParamSpec("P")
R_co = TypeVar("R_co", covariant=True)


@dataclass(frozen=True, slots=True)
class Schedule:
    """The trigger of a function that runs at scheduled times."""

    timetable: "Timetable"
    takes_delivery: bool


@dataclass(frozen=True, eq=False)
class Function(Generic[P, R_co]):
    """A function of a choreography: a handler and its declaration. It runs as one Lambda function."""

    service: str
    name: str
    """`service.handler`, unique in a choreography."""
    handler: Callable[P, R_co]
    trigger: "Subscription | Route | Schedule"
    publishes: tuple[type[Contract], ...]
    may_publish_nothing: bool
    """Whether its return annotation allows it to return no event."""
    retry: Retry
    uses: "frozenset[Link]"
    limits: Limits
    deployed_name: str
    """The name of its resources and its once-records: `name`, unless `deployed_as=` pins an earlier one."""

    def __post_init__(self) -> None:
        """Copy the handler's name, docstring and module, as `functools.update_wrapper` does, for `help` and pytest."""
        for attribute in (*WRAPPER_ASSIGNMENTS, "__wrapped__"):
            value = self.handler if attribute == "__wrapped__" else getattr(self.handler, attribute, None)
            object.__setattr__(self, attribute, value)

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R_co:
        """Call the handler."""
        return self.handler(*args, **kwargs)

    @property
    def delivery(self) -> DeliveryMode:
        """How events reach the function; a route and a schedule are always direct."""
        return self.trigger.delivery if isinstance(self.trigger, Subscription) else "direct"

    @property
    def batch(self) -> int | None:
        """Most events of one invocation behind a queue; None without a queue."""
        return self.trigger.batch if isinstance(self.trigger, Subscription) and self.trigger.has_queue else None

    @property
    def invocation_timeout(self) -> timedelta:
        """Longest time of one invocation: behind a queue, of a whole batch. `timeout=` is that of one attempt."""
        return batch_timeout(self.limits.timeout, self.batch) if self.batch else self.limits.timeout

    def __repr__(self) -> str:
        return f"Function({self.name!r})"


AnyFunction = Function[..., object]
"""A function with any parameters and any result."""


def make_function(
    handler: Callable[P, R_co],
    signature: Signature,
    *,
    trigger: "Subscription | Route | Schedule",
    publishes: Any,
    retry: Retry | None,
    uses: "Sequence[Link]",
    limits: Limits,
    deployed_as: str | None = None,
) -> Function[P, R_co]:
    """Return a function, or raise `InvalidFunction`, by the checks of all kinds; `publishes` is an annotation."""
    function, service = signature.function, signature.service
    delivery = trigger.delivery if isinstance(trigger, Subscription) else "direct"
    checked = Retry() if retry is None else retry
    if not isinstance(checked, Retry):
        raise InvalidFunction(f"{function} has retry={retry!r}, which is not a Retry.\n  Write it like Retry(times=2).")
    checked.check(function, delivery)
    limits.check(function)
    return Function(
        service=service,
        name=f"{service}.{handler.__name__}",
        handler=handler,
        trigger=trigger,
        publishes=_published_contracts(function, service, publishes),
        may_publish_nothing=any(member is NoneType or get_origin(member) is not None for member in members(publishes)),
        retry=checked,
        uses=_checked_links(function, service, uses),
        limits=limits,
        deployed_name=deployed_name(function, f"{service}.{handler.__name__}", deployed_as, InvalidFunction),
    )


def _published_contracts(function: str, service: str, returns: Any) -> tuple[type[Contract], ...]:
    """Return the contracts of a return annotation; raise `InvalidFunction` for all but the service's own."""
    contracts = tuple(dict.fromkeys(published_types(returns)))
    for contract in contracts:
        if is_foreign(contract):
            raise InvalidFunction(
                f"{function} returns {contract.__name__}, an event that others publish from {contract.identity.source!r}: it "
                "is only consumed.\n  Return a contract of your own."
            )
        if not is_contract(contract):
            raise InvalidFunction(
                f"{function} returns {type_name(returns)}, but {type_name(contract)} is not a contract.\n"
                "  Return contracts to publish them, or annotate -> None."
            )
        if contract.identity.service != service:
            raise InvalidFunction(
                f"{function} returns {contract.__name__}, but {contract.identity} is published by the service "
                f"{contract.identity.service!r} (contract in {where_defined(contract)}).\n"
                f"  Publish a contract of {service!r}, or move the function to functions/{contract.identity.service}/."
            )
    return contracts


def _checked_links(function: str, service: str, uses: object) -> "frozenset[Link]":
    """Return the links of `uses=`; raise `InvalidFunction` for what is none, and for a table of another service."""
    if not isinstance(uses, Collection) or isinstance(uses, str):
        raise InvalidFunction(f"{function} has uses={uses!r}, which is not a list.\n  Write it like uses=[loans.read].")
    for link in uses:
        if isinstance(link, Table):
            name = link.name.partition(".")[2]
            raise InvalidFunction(
                f"{function} uses the table {link.name}, but not how.\n  Write uses=[{name}.read] or uses=[{name}.write]."
            )
        if not isinstance(link, Grant) and not _is_setting_or_secret(link):
            raise InvalidFunction(
                f"{function} uses {link!r}, which is not a table grant, a setting or a secret.\n"
                "  Link a table by loans.read or loans.write."
            )
        if isinstance(link, Grant) and link.table.partition(".")[0] != service:
            raise InvalidFunction(
                f"{function} uses the table {link.table}, which belongs to the service "
                f"{link.table.partition('.')[0]!r}.\n  To use another service's data, subscribe to one of its events."
            )
    return frozenset(uses)


def _is_setting_or_secret(link: object) -> bool:
    """Return whether a link is a setting or a secret."""
    from contradance.settings import Secret, Setting  # noqa: PLC0415 - a function that links only tables does not load them

    return isinstance(link, Setting | Secret)
