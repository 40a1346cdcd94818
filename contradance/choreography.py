"""A choreography: every function of a system, and the edges between functions and contracts, as pure data.

    library = Choreography("library", contracts=registry, functions=[lend_book, remind_reader, ...])

The Pulumi program, the laptop, the picture and the checks all read it.
"""

import re
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType
from typing import Any, Literal, NamedTuple

from contradance.consistency import consistent_functions
from contradance.contract import Contract
from contradance.errors import InvalidChoreography, UnconsumedEvent
from contradance.foreign import ForeignEvent, id_at
from contradance.function import AnyFunction
from contradance.httproute import Route
from contradance.identity import Identity
from contradance.registry import Registry
from contradance.subscription import Subscription
from contradance.table import Grant

__all__ = ["AnyFunction", "Choreography", "Edge", "Relied", "Routed", "Subscribed"]

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9._-]*")


class Edge(NamedTuple):
    """The fact that a function publishes, or consumes, events of a contract."""

    kind: Literal["publishes", "consumes"]
    function: str
    contract: type[Contract]


class Relied(NamedTuple):
    """An event of others that functions consume: the choreography relies on it, and promises nothing of it."""

    identity: Identity
    models: tuple[type[ForeignEvent], ...]
    """Its classes: each function may have its own."""
    consumers: tuple[str, ...]

    @property
    def places(self) -> str:
        """The buses it comes from: `bus 'default'`."""
        return " and ".join(dict.fromkeys(str(model.origin) for model in self.models))

    @property
    def summary(self) -> str:
        """The first line of its docstring; its detail-type without one."""
        return (self.models[0].__doc__ or self.identity.detail_type).strip().partition("\n")[0]


class Subscribed(NamedTuple):
    """A function that consumes events, and its subscription."""

    function: AnyFunction
    subscription: Subscription


class Routed(NamedTuple):
    """A function that answers HTTP requests, and its route."""

    function: AnyFunction
    route: Route


@dataclass(frozen=True, init=False)
class Choreography:
    """The functions of one system, checked against each other and against the registry of contracts.

    Args:
        name: the name of the system and, in its stacks, of the bus.
        contracts: the registry with every contract of the functions.
        functions: every function of the system.
        ends: contracts whose events need no subscriber here: they end a flow, or another application consumes them.

    Raises:
        InvalidChoreography: two functions share a name or a route, a contract is not in the registry, or a function
            consumes a declared end.

    Warns:
        UnconsumedEvent: an event is published, has no subscriber and is not a declared end.
    """

    name: str
    contracts: Registry
    functions: MappingProxyType[str, AnyFunction]
    """By name, in the order given."""
    edges: tuple[Edge, ...]
    ends: frozenset[type[Contract]]
    """Contracts whose events need no subscriber."""

    def __init__(
        self,
        name: str,
        *,
        contracts: Registry,
        functions: Sequence[AnyFunction],
        ends: Iterable[type[Contract]] = (),
    ) -> None:
        if not _NAME.fullmatch(name):
            raise InvalidChoreography(
                f"choreography {name!r} has a name that a bus cannot have.\n"
                "  Use letters, digits, '.', '-' and '_', like 'city-library'."
            )
        by_name = consistent_functions(name, contracts, functions)
        object.__setattr__(self, "name", name)
        object.__setattr__(self, "contracts", contracts)
        object.__setattr__(self, "functions", MappingProxyType(by_name))
        object.__setattr__(self, "edges", tuple(_edges(by_name.values())))
        object.__setattr__(self, "ends", frozenset(ends))
        self._check_ends()
        self._check_buses()
        self._warn_of_unconsumed()

    @cached_property
    def subscriptions(self) -> tuple[Subscribed, ...]:
        """The functions that consume events."""
        return tuple(
            Subscribed(function, function.trigger)
            for function in self.functions.values()
            if isinstance(function.trigger, Subscription)
        )

    @cached_property
    def routes(self) -> tuple[Routed, ...]:
        """The functions that answer HTTP requests."""
        return tuple(
            Routed(function, function.trigger)
            for function in self.functions.values()
            if isinstance(function.trigger, Route)
        )

    @cached_property
    def services(self) -> tuple[str, ...]:
        """The services, in the order of their first functions."""
        return tuple(dict.fromkeys(function.service for function in self.functions.values()))

    @cached_property
    def tables(self) -> tuple[str, ...]:
        """The full names of the tables that functions use, sorted."""
        grants = {use.table for function in self.functions.values() for use in function.uses if isinstance(use, Grant)}
        return tuple(sorted(grants))

    @cached_property
    def foreign(self) -> tuple[Relied, ...]:
        """The events of others, in the order of their first consumers. They are not in the registry."""
        models: dict[Identity, list[type[ForeignEvent]]] = {}
        consumers: dict[Identity, list[str]] = {}
        for function, subscription in self.subscriptions:
            for model in subscription.foreign:
                models.setdefault(model.identity, []).append(model)
                consumers.setdefault(model.identity, []).append(function.name)
        return tuple(
            Relied(identity, tuple(dict.fromkeys(found)), tuple(consumers[identity]))
            for identity, found in models.items()
        )

    @cached_property
    def buses(self) -> tuple[str, ...]:
        """The names of the buses beside the application's own, sorted."""
        return tuple(sorted({one.subscription.bus for one in self.subscriptions if one.subscription.bus is not None}))

    @cached_property
    def connected(self) -> frozenset[str]:
        """The functions that publish or consume an event."""
        return frozenset(
            {edge.function for edge in self.edges} | {name for one in self.foreign for name in one.consumers}
        )

    def foreign_of(self, source: object, detail_type: object) -> type[ForeignEvent] | None:
        """Return the event of others that an event with this source and detail-type is; None when it is not one."""
        for one in self.foreign:
            if one.identity.detail_type == detail_type and one.models[0].origin.has_source(source):
                return one.models[0]
        return None

    def event_ids(self, event: Mapping[str, Any]) -> tuple[str, str]:
        """Return (event id, correlation id) of our metadata, of others by the class's field; else EventBridge's id."""
        own = str(event.get("id"))
        kind = self.foreign_of(event.get("source"), event.get("detail-type"))
        if kind is not None:
            return own, id_at(event, kind.origin.correlation)
        detail = event.get("detail")
        metadata = detail.get("metadata") if isinstance(detail, dict) else None
        ours = metadata if isinstance(metadata, dict) else {}
        return str(ours.get("event_id", own)), str(ours.get("correlation_id", own))

    def publishers(self, contract: type[Contract]) -> tuple[AnyFunction, ...]:
        """Return the functions that publish `contract`, or a later version with a downcast to it."""
        return self._functions_by_edge("publishes", contract)

    def consumers(self, contract: type[Contract]) -> tuple[AnyFunction, ...]:
        """Return the functions that consume `contract`, directly or upcast."""
        return self._functions_by_edge("consumes", contract)

    def receivers(self, contract: type[Contract]) -> dict[str, type[Contract]]:
        """Return the functions that an event of `contract` reaches, by name, each with the newest version it reads.

        An event is published in several versions where its contract has a downcast.
        """
        found: dict[str, type[Contract]] = {}
        for version in contract.renderings():
            for consumer in self.consumers(version):
                found.setdefault(consumer.name, version)
        return found

    def is_end(self, contract: type[Contract]) -> bool:
        """Return whether any version of the event of `contract` is declared as an end."""
        return contract.identity[:2] in self._ended

    @cached_property
    def _ended(self) -> frozenset[tuple[str, str]]:
        """Source and detail-type of the declared ends."""
        return frozenset(end.identity[:2] for end in self.ends)

    def _functions_by_edge(self, kind: str, contract: type[Contract]) -> tuple[AnyFunction, ...]:
        """Return the functions that have an edge of this kind to a contract, in the order of the edges."""
        return self._by_contract.get((kind, contract), ())

    @cached_property
    def _by_contract(self) -> dict[tuple[str, type[Contract]], tuple[AnyFunction, ...]]:
        """The functions by (`publishes` or `consumes`, contract), in the order of the edges."""
        found: dict[tuple[str, type[Contract]], list[AnyFunction]] = {}
        for kind, function, contract in self.edges:
            found.setdefault((kind, contract), []).append(self.functions[function])
        return {edge: tuple(functions) for edge, functions in found.items()}

    def _check_ends(self) -> None:
        """Raise `InvalidChoreography` for a declared end that a function consumes."""
        for kind, function, contract in self.edges:
            if kind == "consumes" and self.is_end(contract):
                raise InvalidChoreography(
                    f"choreography {self.name!r} declares {contract.identity} as an end, but {function} consumes it.\n"
                    "  Remove it from ends=[...]."
                )

    def _check_buses(self) -> None:
        """Raise `InvalidChoreography` for a function that names the choreography's own bus, which is the default."""
        if self.name in self.buses:
            consumers = [one.function.name for one in self.subscriptions if one.subscription.bus == self.name]
            raise InvalidChoreography(
                f"choreography {self.name!r} has {consumers[0]} on bus {self.name!r}, which is its own bus.\n"
                "  Leave bus= out."
            )

    def _warn_of_unconsumed(self) -> None:
        """Warn with `UnconsumedEvent` of each published event without a subscriber of any version, unless an end."""
        # An event that is published as several versions is one event: a subscriber of any version consumes it.
        consumed = {contract.identity[:2] for kind, _, contract in self.edges if kind == "consumes"}
        published = {contract.identity[:2]: contract for kind, _, contract in self.edges if kind == "publishes"}
        for event, contract in published.items():
            if event not in consumed and not self.is_end(contract):
                warnings.warn(
                    f"{contract.identity.detail_type} has no subscriber. Subscribe a function to it, or list it in the "
                    f"ends=[...] of choreography {self.name!r}.",
                    UnconsumedEvent,
                    stacklevel=3,
                )


def _edges(functions: Iterable[AnyFunction]) -> Iterator[Edge]:
    """Yield the edges of functions: what they consume, upcast too, and what they publish, in all renderings."""
    for function in functions:
        if isinstance(function.trigger, Subscription):
            for contract in function.trigger.contracts:
                for ancestor in contract.lineage():
                    yield Edge("consumes", function.name, ancestor)
        published = (rendering for contract in function.publishes for rendering in contract.renderings())
        for contract in dict.fromkeys(published):
            yield Edge("publishes", function.name, contract)
