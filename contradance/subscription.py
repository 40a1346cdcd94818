"""A subscription: the contracts and the content filter of a function, and the event pattern of its rule."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, Literal, cast, get_args, get_origin

from pydantic import BaseModel

from contradance.annotation import alternatives, members, type_name
from contradance.contract import Contract, is_contract, where_defined
from contradance.errors import InvalidFunction, InvalidPattern
from contradance.identity import Identity
from contradance.retry import DeliveryMode

if TYPE_CHECKING:
    from contradance.pattern import EventPattern

ContentFilter = Mapping[str | type[Contract], object]
"""A content filter over `data`, in EventBridge's pattern grammar; per contract where the parameter is a union."""
OnReplay = Literal["run", "skip"]
"""Whether an archive replay reaches the function."""

_WHERE_FIX: Final = "  Write it like where={'status': ['open']}, or where={TheContract: {'status': ['open']}}."
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

    @cached_property
    def pattern(self) -> "EventPattern":
        """The pattern of the rule. The laptop evaluates the same text that is deployed."""
        return _compiled(self.spelled)

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
    filters = _filters(function, contracts, where)
    parts = [_part(contract, filters.get(contract), _readable(contract, contracts)) for contract in contracts]
    pattern: dict[str, object] = parts[0] if len(parts) == 1 else {"$or": parts}
    if on_replay == "skip":
        pattern = {**pattern, "replay-name": [{"exists": False}]}
    if where:
        try:
            _compiled(pattern)
        except InvalidPattern as error:
            raise InvalidFunction(f"{function} has a where= that is not an event pattern.\n  {error}") from error
    return pattern


def _compiled(pattern: Mapping[str, object]) -> "EventPattern":
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


def _part(contract: type[Contract], where: Mapping[str, object] | None, readable: set[int]) -> dict[str, object]:
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


def _filters(
    function: str, contracts: tuple[type[Contract], ...], where: ContentFilter | None
) -> dict[type[Contract], Mapping[str, object]]:
    """Return the filter of each contract, checked against its fields in every version it can read."""
    if not where:
        return {}
    if not isinstance(where, Mapping):
        raise InvalidFunction(f"{function} has where={where!r}, which filters no field.\n{_WHERE_FIX}")
    by_contract = any(not isinstance(key, str) for key in where)
    if len(contracts) > 1 and not by_contract:
        raise InvalidFunction(
            f"{function} subscribes to {len(contracts)} contracts, but its where= does not say which it filters.\n"
            f"  Write where={{{contracts[0].__name__}: {{...}}}}."
        )
    filters = (
        dict(cast("Mapping[type[Contract], Mapping[str, object]]", where))
        if by_contract
        else {contracts[0]: cast("Mapping[str, object]", where)}
    )
    for contract, data in filters.items():
        if contract not in contracts:
            raise InvalidFunction(
                f"{function} filters {type_name(contract)} in where=, but does not subscribe to it.\n"
                f"  It subscribes to: {', '.join(member.__name__ for member in contracts)}."
            )
        if not isinstance(data, Mapping):
            raise InvalidFunction(
                f"{function} filters {contract.__name__} by {data!r} in where=, which filters no field.\n{_WHERE_FIX}"
            )
        for version in contract.lineage():
            _check_fields(function, version, (version,), data, ())
    return filters


def _check_fields(
    function: str, contract: type[Contract], holders: tuple[Any, ...], where: object, path: tuple[str, ...]
) -> None:
    """Refuse a filter on a field that none of `holders`, the types at `path` inside `contract`, has."""
    if not isinstance(where, Mapping):
        return
    for key, wanted in where.items():
        if key == "$or" and isinstance(wanted, list):
            for choice in wanted:
                _check_fields(function, contract, holders, choice, path)
            continue
        name, _, rest = str(key).partition(".")
        inner = tuple(kind for holder in holders for kind in _field(holder, name))
        if not inner:
            known = sorted({field for holder in holders if _is_model(holder) for field in holder.model_fields})
            raise InvalidFunction(
                f"{function} filters on data.{'.'.join((*path, name))}, but {contract.identity} has no such field "
                f"(contract in {where_defined(contract)}).\n"
                + (
                    f"  Filter on one of: {', '.join(known)}."
                    if known
                    else f"  data.{'.'.join(path)} is a value: filter on itself."
                )
            )
        _check_fields(function, contract, inner, {rest: wanted} if rest else wanted, (*path, name))


def _field(holder: Any, name: str) -> Iterator[Any]:
    """Yield the types of field `name` of `holder`: none where it has no such field, Any where nobody can know."""
    if _is_model(holder):
        if name in holder.model_fields:
            yield from _kinds(holder.model_fields[name].annotation)
    elif isinstance(origin := get_origin(holder), type) and issubclass(origin, Mapping):
        yield from _kinds(get_args(holder)[1])
    elif holder in (Any, object, dict):
        yield Any


def _kinds(annotation: Any) -> Iterator[Any]:
    """Yield what stands at one place: a filter looks into each member of a union and each item of a list."""
    for member in alternatives(annotation):
        if get_origin(member) in (list, tuple, set, frozenset, Sequence):
            yield from (kind for item in get_args(member) if item is not Ellipsis for kind in _kinds(item))
        else:
            yield member


def _is_model(holder: Any) -> bool:
    return isinstance(holder, type) and issubclass(holder, BaseModel)
