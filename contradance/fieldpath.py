"""The path of a field in JSON, named by its names there: `object.key`."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from typing import Any, Final, get_origin
from uuid import UUID

from pydantic import BaseModel

from contradance.annotation import is_model, is_record, members_but_none, type_name
from contradance.pii import is_marked
from contradance.wire import wire_fields

Path = tuple[str, ...]
"""Names of a field, from the outside inwards, as they are in JSON."""
_SCALARS: Final = (str, int, float, bool, UUID, Decimal, Enum, date, datetime, time, timedelta)
"""Types with a scalar JSON value."""


class UnusableField(ValueError):
    """(problem, fix) of a name that names no scalar field."""


def value_at(detail: object, path: Path) -> str | int | float | bool | None:
    """Return the scalar at `path` in `detail`; None when it is missing, null, an object or a list."""
    for name in path:
        detail = detail.get(name) if isinstance(detail, Mapping) else None
    return detail if isinstance(detail, str | int | float | bool) else None


def find_path(model: type[BaseModel], name: str, *, may_be_personal: bool) -> Path:
    """Return the path of the scalar field `name`; `UnusableField` if missing, no scalar, or personal and not allowed.

    Raises:
        UnusableField: it does not exist, has no scalar value, or is personal data.
    """
    holders: tuple[Any, ...] = (model,)
    path: list[str] = []
    rest = name
    while rest:
        step, personal, inner = _next_field(holders, rest)
        if not inner:
            raise UnusableField(
                f"but {'.'.join(path) or 'detail'} has no field {step!r}",
                f"Name a field by its names in JSON, like 'object.key'. Fields here: {', '.join(_field_names(holders)) or 'none'}.",
            )
        if personal and not may_be_personal:
            raise UnusableField(
                "but marks it as personal data, and ids are written to metadata and journal as they are",
                "Name a field that holds an id.",
            )
        path.append(step)
        holders, rest = inner, rest[len(step) + 1 :]
    if not any(_is_scalar(holder) for holder in holders):
        raise UnusableField(
            f"which is {' or '.join(map(type_name, holders)) or 'nothing'}",
            "Name a field that holds a text, a number or a boolean.",
        )
    return tuple(path)


def _next_field(holders: Sequence[Any], rest: str) -> tuple[str, bool, tuple[Any, ...]]:
    """Return (name of the next field, whether it is personal, its types); a name in JSON may contain dots."""
    named = [
        (name, field)
        for holder in holders
        if is_model(holder)
        for name, (_, field) in wire_fields(holder).items()
        if rest == name or rest.startswith(f"{name}.")
    ]
    step = max((name for name, _ in named), key=len, default=rest.partition(".")[0])
    fields = [field for name, field in named if name == step]
    types = [one for field in fields for one in members_but_none(field.annotation)]
    if any(_is_open(holder) for holder in holders):
        types.append(Any)
    return step, any(map(is_marked, fields)), tuple(types)


def _is_open(holder: Any) -> bool:
    """Whether `holder` may have fields that are not known: any type, a mapping, or a record."""
    origin = get_origin(holder)
    return (
        holder in (Any, object, dict) or is_record(holder) or (isinstance(origin, type) and issubclass(origin, Mapping))
    )


def _is_scalar(annotation: Any) -> bool:
    """Whether values of a type are texts, numbers or booleans in JSON; True also for a type that is not known."""
    if annotation in (Any, object):
        return True
    origin = get_origin(annotation)
    kind = annotation if origin is None else origin
    if origin is not None and isinstance(kind, type):
        return not issubclass(kind, Iterable)  # `tuple[str, ...]`, `Sequence[str]`
    return issubclass(kind, _SCALARS) if isinstance(kind, type) else True


def _field_names(holders: Sequence[Any]) -> list[str]:
    """Return the names in JSON of the models' fields, sorted."""
    models = [holder for holder in holders if is_model(holder)]
    return sorted({name for model in models for name in wire_fields(model)})
