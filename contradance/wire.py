"""Converts models to JSON and back: the one form of published events, stored items, requests and answers.

Pydantic's serializer writes the JSON, with aliases and without computed fields, which both sides compute. JSON is first
read closed, so that a field which only one member of a union has selects that member. If that fails, it is read again
without unknown fields, because a newer publisher may have added some.
"""

from json import dumps
from typing import Literal, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import PydanticSerializationError, to_json

from contradance.largeinput import is_large, read_large

Model = TypeVar("Model", bound=BaseModel)
Extra = Literal["forbid", "ignore", "allow"] | None
"""The treatment of unknown fields; None uses the configuration of each model."""


def wire_fields(model: type[BaseModel]) -> dict[str, tuple[str, FieldInfo]]:
    """Return a model's fields by their names on the wire: (name in Python, field)."""
    return {field.serialization_alias or name: (name, field) for name, field in model.model_fields.items()}


def to_wire(
    instance: BaseModel, *, indent: int | None = None, computed: bool = False, exclude_unset: bool = False
) -> bytes:
    """Return an instance's JSON; `computed` adds its computed fields, `exclude_unset` keeps only the given ones.

    Raises:
        PydanticSerializationError: a value has no JSON.
    """
    return type(instance).__pydantic_serializer__.to_json(
        instance,
        indent=indent,
        by_alias=True,
        exclude_computed_fields=not computed,
        exclude_unset=exclude_unset,
        warnings=False,
    )


def read_closed(model: type[Model], text: str | bytes, *, extra: Extra = "forbid", by_name: bool = False) -> Model:
    """Parse JSON as a `model`; raise ValidationError, also for unknown fields unless `extra` allows them.

    Args:
        model: the class of the result.
        text: the JSON.
        extra: the treatment of unknown fields.
        by_name: whether a field with an alias may also have its Python name.

    Raises:
        ValidationError: the JSON does not match the model.
    """
    return _read(model, text, extra=extra, by_name=by_name)


def read_tolerant(model: type[Model], text: str | bytes, *, extra: Extra = "forbid", by_name: bool = False) -> Model:
    """Parse JSON by `read_closed`; if that fails, without unknown fields at every depth, or raise ValidationError.

    Raises:
        ValidationError: the JSON does not match the model even without unknown fields.
    """
    try:
        return _read(model, text, extra=extra, by_name=by_name, counted=False)
    except ValidationError:
        return _read(model, text, extra="ignore", by_name=by_name)


def _read(model: type[Model], text: str | bytes, *, extra: Extra, by_name: bool, counted: bool = True) -> Model:
    """Parse JSON as a `model`; of large JSON the error has few problems, and their number if `counted`."""
    read: Model
    if is_large(text):
        read = read_large(model, text, counted=counted, extra=extra, by_alias=True, by_name=by_name)
    else:
        read = model.__pydantic_validator__.validate_json(text, extra=extra, by_alias=True, by_name=by_name)
    return read


def as_text(data: object) -> bytes:
    """Return parsed JSON as text, so that Pydantic reads it as JSON and a validator changes only its own copy."""
    try:
        return to_json(data, inf_nan_mode="constants")
    except (PydanticSerializationError, ValueError):  # half of a surrogate pair, which Python's parser accepts
        return dumps(data).encode()
