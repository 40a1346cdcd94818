"""Personal data: the mark on a field, and the mask over a value.

`Annotated[str, PII]` marks a field. Everything that shows data to a person (log lines, traces, dead-letter listings,
samples) shows `mask(Model, data)`: it replaces marked fields by `MASK`, and also fields that the model does not have,
because they may be personal data.
"""

from collections.abc import Container, Mapping
from types import UnionType
from typing import Annotated, Any, Final, Union, get_args, get_origin

from pydantic import BaseModel, GetJsonSchemaHandler
from pydantic.fields import FieldInfo
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from contradance.annotation import is_model, is_record, unaliased
from contradance.wire import wire_fields

MASK: Final = "***"
"""Replaces personal data."""


class _PersonalData:
    """The type of `PII`; it adds `x-pii: true` to the field's JSON Schema."""

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return {**handler(schema), "x-pii": True}

    def __repr__(self) -> str:
        return "PII"


PII: Final = _PersonalData()
"""Marks a field as personal data: `name: Annotated[str, PII]`."""


def is_marked(field: FieldInfo) -> bool:
    """Whether a field is or may be personal data: `Annotated[str, PII]`, or a union with it."""
    return PII in field.metadata or _is_personal(field.annotation)


def _is_personal(annotation: Any) -> bool:
    """Whether an annotation has the mark PII: itself, or a member of its union."""
    annotation = unaliased(annotation)
    if get_origin(annotation) is Annotated:
        return PII in get_args(annotation)[1:] or _is_personal(get_args(annotation)[0])
    return get_origin(annotation) in (Union, UnionType) and any(map(_is_personal, get_args(annotation)))


def mask(model: type[BaseModel], data: object) -> object:
    """Return JSON-like `data` with fields masked that are personal or not in `model`; `MASK` if it is no object."""
    if not isinstance(data, Mapping):
        return MASK
    fields = {name: field for name, (_, field) in wire_fields(model).items()}
    return {
        key: MASK
        if (field := fields.get(key)) is None or PII in field.metadata
        else mask_value(field.annotation, value)
        for key, value in data.items()
    }


def mask_fields(data: Mapping[str, object], shown: Container[str]) -> dict[str, object]:
    """Return `data` with each value masked that is not a text or a list of texts under a name in `shown`."""
    return {name: value if name in shown and _is_text(value) else MASK for name, value in data.items()}


def _is_text(value: object) -> bool:
    """Whether a value is a text or a list of texts."""
    return isinstance(value, str) or (isinstance(value, list) and all(isinstance(one, str) for one in value))


def mask_value(annotation: Any, value: object) -> object:
    """Return `value` masked by its declared type: an unmarked scalar stays, a value of another shape becomes `MASK`."""
    annotation = unaliased(annotation)
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return MASK if PII in arguments[1:] else mask_value(arguments[0], value)
    if value is None:
        return None
    if origin in (Union, UnionType):
        return _mask_union(arguments, value)
    if is_model(annotation):
        return mask(annotation, value)
    if isinstance(value, Mapping):
        return _mask_mapping(origin, arguments, value)
    if isinstance(value, list | tuple):
        value = _mask_items(annotation, value)
    elif isinstance(origin, type) or is_record(annotation):
        value = MASK
    return value


def _mask_mapping(origin: Any, arguments: tuple[Any, ...], value: Mapping[Any, object]) -> object:
    """Mask the values of a `dict[K, V]` by `V`; mask the whole when a key is personal or the type is not a mapping."""
    if not (isinstance(origin, type) and issubclass(origin, Mapping)):
        return MASK
    keys, values = arguments if len(arguments) > 1 else (*arguments, int)  # Counter[K] counts
    if any(mask_value(keys, key) == MASK for key in value):
        return MASK
    return {key: mask_value(values, item) for key, item in value.items()}


def _mask_items(annotation: Any, value: list[object] | tuple[object, ...]) -> object:
    """Return the items of a list or tuple, each masked by its own type; `MASK` when the type is neither."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if annotation in (list, tuple, Any, object):
        return [mask_value(Any, item) for item in value]
    if not isinstance(origin, type) or issubclass(origin, Mapping) or not arguments:
        return MASK
    if origin is tuple and Ellipsis not in arguments:
        types = [*arguments, *[Annotated[Any, PII]] * (len(value) - len(arguments))]
        return [mask_value(item_type, item) for item_type, item in zip(types, value, strict=False)]
    return [mask_value(arguments[0], item) for item in value]


def _mask_union(members: tuple[Any, ...], value: object) -> object:
    """Mask by every member in turn, so that a value that is personal in any member is masked."""
    for member in members:
        if member is not type(None):
            value = mask_value(member, value)
    return value
