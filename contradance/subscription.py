"""A subscription: the contracts and the content filter of a function, and the event pattern of its rule."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, Literal

from contradance.annotation import members, type_name
from contradance.contentfilter import ContentFilter, checked_filters
from contradance.contract import Contract, is_contract
from contradance.errors import InvalidFunction, InvalidPattern
from contradance.foreign import ForeignEvent, complete, is_foreign
from contradance.identity import Identity
from contradance.quantity import counted
from contradance.retry import DeliveryMode

if TYPE_CHECKING:
    from contradance.pattern import EventPattern

OnReplay = Literal["run", "skip"]
"""Whether an archive replay reaches the function."""

MAX_BATCH: Final = 10
"""Most events of one invocation behind a queue. AWS requires a batching window for more."""

_SHORT: Final = 4_000
"""Characters of a pattern that is shorter than EventBridge's limit for sure, so that it is not compiled."""


@dataclass(frozen=True)
class Subscription:
    """One function's subscription: one rule on the bus, with one target."""

    contracts: tuple[type[Contract], ...]
    spelled: Mapping[str, object] = field(hash=False)
    """The rule's pattern, as a mapping."""
    delivery: DeliveryMode
    batch: int
    on_replay: OnReplay
    takes_delivery: bool
    foreign: tuple[type[ForeignEvent], ...] = ()
    """The events of others among the subscribed ones; all events of one subscription are on one bus."""
    draining: bool = False
    """Whether the queue of an earlier `delivery="queue"` is kept until it is empty."""

    @property
    def has_queue(self) -> bool:
        """Whether the function consumes a queue: `delivery="queue"`, or one that `draining=True` still keeps."""
        return self.delivery == "queue" or self.draining

    @property
    def bus(self) -> str | None:
        """The bus of the rule, by the name in the declarations; None for the application's own."""
        return self.foreign[0].origin.bus if self.foreign else None

    @property
    def events(self) -> tuple[type[Contract] | type[ForeignEvent], ...]:
        """The contracts and the events of others."""
        return (*self.contracts, *self.foreign)

    @cached_property
    def pattern(self) -> "EventPattern":
        """The pattern of the rule. The laptop evaluates the same text that is deployed."""
        return _compile_pattern(self.spelled)

    def contract_of(self, identity: Identity) -> tuple[type[Contract], type[Contract]] | None:
        """Return (contract of the event, contract to upcast it to); None when the function does not subscribe to it.

        An event is not upcast when the function subscribes to its own version.
        """
        return self._by_identity.get(identity)

    def foreign_of(self, source: object, detail_type: object) -> type[ForeignEvent] | None:
        """Return the subscribed event of others with this source and detail-type; None when there is none."""
        for kind in self.foreign:
            if kind.identity.detail_type == detail_type and kind.origin.has_source(source):
                return kind
        return None

    @cached_property
    def _by_identity(self) -> dict[Identity, tuple[type[Contract], type[Contract]]]:
        """(Contract of the event, contract to upcast it to), by the identities of the events that are read."""
        upcast = {
            ancestor.identity: (ancestor, contract) for contract in self.contracts for ancestor in contract.lineage()
        }
        return upcast | {contract.identity: (contract, contract) for contract in self.contracts}


def subscribed_events(
    annotation: Any, function: str, parameter: str
) -> tuple[tuple[type[Contract], ...], tuple[type[ForeignEvent], ...]]:
    """Return (contracts, events of others) in a parameter's annotation; raise `InvalidFunction` for other types."""
    contracts: list[type[Contract]] = []
    foreign: list[type[ForeignEvent]] = []
    for member in members(annotation):
        if is_contract(member):
            contracts.append(member)
        elif is_foreign(member):
            complete(member)
            foreign.append(member)
        else:
            raise InvalidFunction(
                f"{function} subscribes to {type_name(member)} by its parameter {parameter!r}, which is not a contract.\n"
                "  Annotate it with a class that derives from contradance.Contract or ForeignEvent, or a union of such classes."
            )
    _check_one_bus(function, contracts, foreign)
    _check_distinct(function, contracts, foreign)
    return tuple(contracts), tuple(foreign)


def _check_one_bus(function: str, contracts: Sequence[type[Contract]], foreign: Sequence[type[ForeignEvent]]) -> None:
    """Raise `InvalidFunction` for events of several buses: a function has one rule, and a rule is on one bus."""
    buses = {kind.origin.bus: kind.__name__ for kind in foreign}
    if contracts:
        buses.setdefault(None, contracts[0].__name__)
    if len(buses) > 1:
        places = [f"{name} on {'the own bus' if bus is None else f'bus {bus!r}'}" for bus, name in buses.items()]
        raise InvalidFunction(
            f"{function} subscribes to {' and '.join(places)}, but a function has one rule, and a rule is on one bus.\n"
            "  Write one function for each bus; they may call the same code."
        )


def _check_distinct(function: str, contracts: Sequence[type[Contract]], foreign: Sequence[type[ForeignEvent]]) -> None:
    """Raise `InvalidFunction` for two subscribed events that one delivered event would fit."""
    seen: list[type[Contract | ForeignEvent]] = [*contracts]
    for kind in foreign:
        for other in seen:
            sources = [one.origin.source if is_foreign(one) else one.identity.source for one in (kind, other)]
            reached = [source.removesuffix("*") for source in sources]
            overlap = any(
                one == two or (source.endswith("*") and two.startswith(one))
                for source, one, two in zip(sources, reached, reversed(reached), strict=True)
            )
            if overlap and kind.identity.detail_type == other.identity.detail_type:
                raise InvalidFunction(
                    f"{function} subscribes to {kind.__name__} and {other.__name__}, but an event may be both: they have the "
                    f"detail-type {kind.identity.detail_type!r} and the sources {sources[0]!r} and {sources[1]!r}.\n"
                    "  Keep one of them."
                )
        seen.append(kind)


def event_pattern(
    function: str,
    contracts: tuple[type[Contract], ...],
    where: ContentFilter | None,
    on_replay: OnReplay,
    foreign: tuple[type[ForeignEvent], ...] = (),
) -> Mapping[str, object]:
    """Return the pattern of a subscriber's rule, as a mapping; raise `InvalidFunction` for an invalid filter."""
    # Several events need `$or`: flat lists would match every source with every detail-type and every version.
    filters = checked_filters(function, (*contracts, *foreign), where)
    parts = [
        _contract_pattern(contract, filters.get(contract), _readable_versions(contract, contracts))
        for contract in contracts
    ]
    parts += [_foreign_pattern(kind, filters.get(kind)) for kind in foreign]
    pattern: dict[str, object] = parts[0] if len(parts) == 1 else {"$or": parts}
    if on_replay == "skip":
        pattern = {**pattern, "replay-name": [{"exists": False}]}
    is_short = len(json.dumps(pattern, default=dict)) < _SHORT  # with spaces and escapes, which make it only longer
    if where or not is_short or any(kind.origin.source.endswith("*") for kind in foreign):
        try:
            _compile_pattern(pattern)
        except InvalidPattern as error:
            if where:
                raise InvalidFunction(f"{function} has a where= that is not an event pattern.\n  {error}") from error
            raise InvalidFunction(
                f"{function} subscribes to {counted(len(parts), 'event')}, too many for the pattern of one rule.\n  {error}\n"
                "  Split the function."
            ) from error
    return pattern


def _compile_pattern(pattern: Mapping[str, object]) -> "EventPattern":
    """Return the compiled pattern; raise `InvalidPattern` for one that EventBridge would refuse."""
    from contradance.pattern import EventPattern  # noqa: PLC0415 - on Lambda the rule matches, not the function

    return EventPattern(pattern)


def _readable_versions(contract: type[Contract], contracts: tuple[type[Contract], ...]) -> set[int]:
    """Return the versions of an event that a function can read: those of `contracts`, and all that these upcast."""
    return {
        ancestor.identity.version
        for each in contracts
        if each.identity[:2] == contract.identity[:2]
        for ancestor in each.lineage()
    }


def _contract_pattern(
    contract: type[Contract], where: Mapping[str, object] | None, readable: set[int]
) -> dict[str, object]:
    """Return the part of the pattern for one contract, in all versions that it can read.

    A publisher may publish one event in several versions. Then the pattern matches only the newest that the function reads.
    """
    versions = sorted(ancestor.identity.version for ancestor in contract.lineage())
    metadata: dict[str, object] = {"version": versions}
    newer = sorted(version for version in readable if version > versions[0])
    if newer:
        metadata["newer_version"] = [{"exists": False}, {"anything-but": newer}]
    detail: dict[str, object] = {"metadata": metadata}
    if where:
        detail["data"] = dict(where)
    return {"source": [contract.identity.source], "detail-type": [contract.identity.detail_type], "detail": detail}


def _foreign_pattern(kind: type[ForeignEvent], where: Mapping[str, object] | None) -> dict[str, object]:
    """Return the part of the pattern for one event of others, whose filter is over the whole detail."""
    pattern: dict[str, object] = {
        "source": [kind.origin.source_pattern],
        "detail-type": [kind.identity.detail_type],
    }
    return {**pattern, "detail": dict(where)} if where else pattern
