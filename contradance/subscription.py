"""What a function subscribes to: contracts, a content filter, and the event pattern they make."""

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
"""Events that one invocation behind a queue may take. More would need a batching window."""


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

    @cached_property
    def pattern(self) -> "EventPattern":
        """The pattern of the rule: the same text is deployed, and evaluated on the laptop."""
        return _compiled(self.spelled)

    def contract_of(self, identity: Identity) -> tuple[type[Contract], type[Contract]] | None:
        """Return (the contract that wrote the event, the contract to upcast it to); None when not subscribed.

        An event of a contract that is itself subscribed to is not upcast, whatever else the parameter names.
        """
        return self._readable.get(identity)

    @cached_property
    def _readable(self) -> dict[Identity, tuple[type[Contract], type[Contract]]]:
        upcast = {
            ancestor.identity: (ancestor, contract) for contract in self.contracts for ancestor in contract.lineage()
        }
        return upcast | {contract.identity: (contract, contract) for contract in self.contracts}


def subscribed_contracts(annotation: Any, function: str, parameter: str) -> tuple[type[Contract], ...]:
    """Return the contracts that a parameter's annotation names; refuse anything else."""
    contracts = members(annotation)
    for member in contracts:
        if not is_contract(member):
            raise InvalidFunction(
                f"{function} subscribes to {type_name(member)} by its parameter {parameter!r}, which is no contract.\n"
                "  Annotate it with a class that derives from contradance.Contract, or a union of such classes."
            )
    return contracts


def event_pattern(
    function: str, contracts: tuple[type[Contract], ...], where: ContentFilter | None, on_replay: OnReplay
) -> Mapping[str, object]:
    """Return the pattern of the rule as a mapping; what an author writes into it is compiled, to be refused early."""
    filters = checked_filters(function, contracts, where)
    parts = [_part(contract, filters.get(contract), _readable(contract, contracts)) for contract in contracts]
    pattern: dict[str, object] = parts[0] if len(parts) == 1 else {"$or": parts}
    if on_replay == "skip":
        pattern = {**pattern, "replay-name": [{"exists": False}]}
    if where:
        try:
            _compiled(pattern)
        except InvalidPattern as error:
            raise InvalidFunction(f"{function} has a where= that is no event pattern.\n  {error}") from error
    return pattern


def _compiled(pattern: Mapping[str, object]) -> "EventPattern":
    from contradance.pattern import EventPattern  # noqa: PLC0415 - a deployed function matches no events: its rule does

    return EventPattern(pattern)


def _readable(contract: type[Contract], contracts: tuple[type[Contract], ...]) -> set[int]:
    """Return the versions of one event that a function reads."""
    return {
        ancestor.identity.version
        for each in contracts
        if each.identity[:2] == contract.identity[:2]
        for ancestor in each.lineage()
    }


def _part(contract: type[Contract], where: Mapping[str, object] | None, readable: set[int]) -> dict[str, object]:
    """Return the part of the pattern that matches one contract, in all versions that it can read.

    Where an event is published in several versions, the newest that is read is delivered, and no other.
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
