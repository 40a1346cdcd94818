"""A subscription: the contracts and the content filter of a function, and the event pattern of its rule."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, Literal

from contradance.annotation import members, type_name
from contradance.contentfilter import ContentFilter, checked_filters
from contradance.contract import Contract, is_contract
from contradance.errors import InvalidFunction, InvalidPattern
from contradance.identity import Identity
from contradance.retry import DeliveryMode

if TYPE_CHECKING:
    from contradance.pattern import EventPattern

OnReplay = Literal["run", "skip"]
"""Whether an archive replay reaches the function."""

MAX_BATCH: Final = 10
"""Most events of one invocation behind a queue. AWS requires a batching window for more."""


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
    draining: bool = False
    """Whether the queue of an earlier `delivery="queue"` is kept until it is empty."""

    @property
    def has_queue(self) -> bool:
        """Whether there is a queue that the function consumes."""
        return self.delivery == "queue" or self.draining

    @cached_property
    def pattern(self) -> "EventPattern":
        """The pattern of the rule. The laptop evaluates the same text that is deployed."""
        return _compile(self.spelled)

    def contract_of(self, identity: Identity) -> tuple[type[Contract], type[Contract]] | None:
        """Return (contract of the event, contract to upcast it to); None when the function does not subscribe to it.

        An event is not upcast when the function subscribes to its own version.
        """
        return self._readable.get(identity)

    @cached_property
    def _readable(self) -> dict[Identity, tuple[type[Contract], type[Contract]]]:
        upcast = {
            ancestor.identity: (ancestor, contract) for contract in self.contracts for ancestor in contract.lineage()
        }
        return upcast | {contract.identity: (contract, contract) for contract in self.contracts}


def subscribed_contracts(annotation: Any, function: str, parameter: str) -> tuple[type[Contract], ...]:
    """Return the contracts in the annotation of a parameter; refuse anything else."""
    contracts = members(annotation)
    for member in contracts:
        if not is_contract(member):
            raise InvalidFunction(
                f"{function} subscribes to {type_name(member)} by its parameter {parameter!r}, which is not a contract.\n"
                "  Annotate it with a class that derives from contradance.Contract, or a union of such classes."
            )
    return contracts


def event_pattern(
    function: str, contracts: tuple[type[Contract], ...], where: ContentFilter | None, on_replay: OnReplay
) -> Mapping[str, object]:
    """Return the pattern of a subscriber's rule, as a mapping. A pattern with a filter is compiled, to refuse it early."""
    # Several contracts need `$or`: flat lists would match every source with every detail-type and every version.
    filters = checked_filters(function, contracts, where)
    parts = [
        _contract_pattern(contract, filters.get(contract), _readable(contract, contracts)) for contract in contracts
    ]
    pattern: dict[str, object] = parts[0] if len(parts) == 1 else {"$or": parts}
    if on_replay == "skip":
        pattern = {**pattern, "replay-name": [{"exists": False}]}
    if where:
        try:
            _compile(pattern)
        except InvalidPattern as error:
            raise InvalidFunction(f"{function} has a where= that is not an event pattern.\n  {error}") from error
    return pattern


def _compile(pattern: Mapping[str, object]) -> "EventPattern":
    from contradance.pattern import EventPattern  # noqa: PLC0415 - on Lambda the rule matches, not the function

    return EventPattern(pattern)


def _readable(contract: type[Contract], contracts: tuple[type[Contract], ...]) -> set[int]:
    """Return the versions of an event that a function can read."""
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
