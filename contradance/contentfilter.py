"""Checks a function's content filter, at declaration, against the JSON of each contract that it may read."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from typing import Any, Final, Literal, cast, get_args, get_origin
from uuid import UUID

from pydantic import BaseModel, PlainSerializer, WrapSerializer
from pydantic.fields import FieldInfo

from contradance.annotation import is_model, members_but_none, type_name
from contradance.contract import Contract, is_contract, where_defined
from contradance.errors import InvalidFunction
from contradance.foreign import ForeignEvent, is_foreign
from contradance.wire import wire_fields

EventClass = type[Contract] | type[ForeignEvent]
ContentFilter = Mapping[str | type[Contract] | type[ForeignEvent], object]
"""A content filter over a contract's `data` or a foreign event's `detail`, in EventBridge's pattern grammar; per event
where the parameter is a union."""

_WHERE_FIX: Final = "  Write it like where={'status': ['open']}, or where={TheContract: {'status': ['open']}}."
_TEXTS: Final = (str, UUID, date, datetime, time, timedelta, Decimal, bytes)
"""Types whose JSON is a string."""
_OF_TEXTS: Final = frozenset({"prefix", "suffix", "equals-ignore-case", "wildcard", "cidr"})
"""Operators that match only strings."""
_ANYTHING: Final = {"a boolean", "a number", "a text", "an object"}


def checked_filters(
    function: str, contracts: tuple[EventClass, ...], where: ContentFilter | None
) -> dict[EventClass, Mapping[str, object]]:
    """Return the filters by event, empty without any; raise `InvalidFunction` for one that does not fit its event."""
    if not where:
        return {}
    if not isinstance(where, Mapping):
        raise InvalidFunction(f"{function} has where={where!r}, which filters no field.\n{_WHERE_FIX}")
    by_contract = any(not isinstance(key, str) for key in where)
    first, *others = contracts
    if others and not by_contract:
        raise InvalidFunction(
            f"{function} subscribes to {len(contracts)} contracts, but its where= does not name the one that it filters.\n"
            f"  Write where={{{first.__name__}: {{...}}}}."
        )
    filters = (
        dict(cast("Mapping[EventClass, Mapping[str, object]]", where))
        if by_contract
        else {first: cast("Mapping[str, object]", where)}
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
        _check_fields(function, contract, (contract,), data, ())
        for older in contract.lineage()[1:] if is_contract(contract) else ():
            try:
                _check_fields(function, older, (older,), data, ())
            except InvalidFunction as error:
                raise InvalidFunction(
                    f"{error}\n  A subscriber of {contract.__name__} also consumes v{older.identity.version}, upcast, and "
                    "EventBridge filters before the upcast. Filter on what is new in the handler."
                ) from error
    return filters


def _check_fields(
    function: str, contract: EventClass, holders: tuple[Any, ...], where: object, path: tuple[str, ...]
) -> None:
    """Raise `InvalidFunction` for a filter on a field or value that none of `holders`, the types at `path`, has."""
    if not isinstance(where, Mapping):
        return
    for key, wanted in where.items():
        if key == "$or" and isinstance(wanted, list | tuple):
            for choice in wanted:
                _check_fields(function, contract, holders, choice, path)
            continue
        name, _, rest = str(key).partition(".")
        inner = tuple(kind for holder in holders for kind in _field_types(holder, name))
        if not inner:
            known = sorted({field for holder in holders if is_model(holder) for field in wire_fields(holder)})
            raise InvalidFunction(
                f"{function} filters on {_filtered_root(contract)}.{'.'.join((*path, name))}, but {contract.identity} has no such field "
                f"(contract in {where_defined(contract)}).\n"
                + (
                    f"  Filter on one of: {', '.join(known)}."
                    if known
                    else f"  {_filtered_root(contract)}.{'.'.join(path)} is a value: filter on itself."
                )
            )
        _check_shape(f"{function} filters {_filtered_root(contract)}.{'.'.join((*path, str(key)))}", str(key), wanted)
        if isinstance(wanted, list | tuple) and not rest:
            _check_values(function, contract, inner, wanted, ".".join((*path, name)))
        _check_fields(function, contract, inner, {rest: wanted} if rest else wanted, (*path, name))


def _check_shape(filters: str, key: str, wanted: object) -> None:
    """Raise `InvalidFunction` when a field is filtered by neither a list nor a filter of inner fields."""
    if not isinstance(wanted, Mapping | list | tuple):
        raise InvalidFunction(
            f"{filters} by {wanted!r}, which is not a list.\n  Write a list: {{{key!r}: [{wanted!r}]}}."
        )


def _check_values(
    function: str, contract: EventClass, types: tuple[Any, ...], wanted: Sequence[object], path: str
) -> None:
    """Raise `InvalidFunction` for a filter value of a JSON type that the field never has: it would never match."""
    possible = {kind for one in types for kind in _json_kinds(one)}
    for value in wanted:
        kind = _filter_kind(value)
        if kind is not None and possible and kind not in possible:
            raise InvalidFunction(
                f"{function} filters {_filtered_root(contract)}.{path} by {kind}, but {contract.identity} has {' or '.join(sorted(possible))} "
                f"there (contract in {where_defined(contract)}), so it would never match.\n"
                f"  Filter by {' or '.join(sorted(possible))}: the field's type in JSON."
            )


def _filtered_root(contract: EventClass) -> str:
    """Return the field of an event over which a filter is written: `data`, or `detail` for an event of others."""
    return "detail" if is_foreign(contract) else "data"


def _filter_kind(value: object) -> str | None:
    """Return the JSON type that a filter's value matches; None when it may match any."""
    if isinstance(value, Mapping):
        operator, operand = next(iter(value.items()), ("", None))
        is_text = operator in _OF_TEXTS and isinstance(operand, str)  # the pattern's own check refuses others
        return "a text" if is_text else "a number" if operator == "numeric" else None
    return None if value is None else _json_kind(value)


def _json_kinds(annotation: Any) -> set[str]:
    """Return the JSON types of the values of a Python type; all of them when they are unknown."""
    if get_origin(annotation) is Literal:
        return {kind for value in get_args(annotation) for kind in _member_kinds(value)}
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return {kind for member in annotation for kind in _member_kinds(member)}
    if annotation in (bool, int, float, *_TEXTS):
        return {_json_kind(annotation())} if annotation in (bool, int, float) else {"a text"}
    return {"an object"} if is_model(annotation) else _ANYTHING


def _member_kinds(member: object) -> set[str]:
    """Return the JSON type of a member of a literal or an enum; none for None."""
    value = member.value if isinstance(member, Enum) else member
    return set() if value is None else {_json_kind(value)}


def _json_kind(value: object) -> str:
    """Return the JSON type of a value: `a boolean`, `a number` or `a text`."""
    if isinstance(value, bool):
        return "a boolean"
    return "a number" if isinstance(value, int | float) else "a text"


def _field_types(holder: Any, name: str) -> Iterator[Any]:
    """Yield the types of field `name` of `holder`: nothing when it has no such field, Any when the type is unknown."""
    if is_model(holder):
        own, field = wire_fields(holder).get(name, ("", None))
        if field is not None:
            yield from _matched_types(Any if _is_serialized(holder, own, field) else field.annotation)
    elif isinstance(origin := get_origin(holder), type) and issubclass(origin, Mapping):
        yield from _matched_types(get_args(holder)[1])
    elif holder in (Any, object, dict):
        yield Any


def _matched_types(annotation: Any) -> Iterator[Any]:
    """Yield the types that a filter matches: each member of a union, and the items of a list."""
    for member in members_but_none(annotation):
        if get_origin(member) in (list, tuple, set, frozenset, Sequence):
            yield from (kind for item in get_args(member) if item is not Ellipsis for kind in _matched_types(item))
        else:
            yield member


def _is_serialized(holder: type[BaseModel], name: str, field: FieldInfo) -> bool:
    """Whether an author's own serializer produces the field's JSON."""
    decorators = holder.__pydantic_decorators__
    fields = {one for decorator in decorators.field_serializers.values() for one in decorator.info.fields}
    own = any(isinstance(one, PlainSerializer | WrapSerializer) for one in field.metadata)
    return own or bool({name, "*"} & fields) or bool(decorators.model_serializers)
