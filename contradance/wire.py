"""The one form in which an instance leaves Python and comes back: what is published, stored, asked and answered.

An instance becomes JSON by Pydantic's serializer: aliases applied, computed fields left out, since both sides compute
them. It is read back by JSON's rules, first closed, so that fields which only one member of a union has tell the members
apart; where that fails, unknown fields are ignored, since a newer publisher may have added some.
"""

from json import dumps
from typing import Literal, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import PydanticSerializationError, to_json

Model = TypeVar("Model", bound=BaseModel)
Extra = Literal["forbid", "ignore", "allow"] | None
"""What is done with unknown fields; None is what each model inside has configured."""


def wire_fields(model: type[BaseModel]) -> dict[str, tuple[str, FieldInfo]]:
    """Return a model's fields by their names on the wire: (name in Python, field)."""
    return {field.serialization_alias or name: (name, field) for name, field in model.model_fields.items()}


def to_wire(instance: BaseModel, *, indent: int | None = None, computed: bool = False) -> bytes:
    """Return the JSON of an instance; `computed` includes its computed fields.

    Raises:
        PydanticSerializationError: a value has no JSON.
    """
    return type(instance).__pydantic_serializer__.to_json(
        instance, indent=indent, by_alias=True, exclude_computed_fields=not computed, warnings=False
    )


def read_closed(model: type[Model], text: str | bytes, *, extra: Extra = "forbid", by_name: bool = False) -> Model:
    """Read JSON by JSON's rules; unknown fields are refused unless `extra` takes them.

    Args:
        model: what to read.
        text: the JSON.
        extra: what to do with unknown fields.
        by_name: whether a field may also have its own name where it has an alias.

    Raises:
        ValidationError: the JSON does not fit.
    """
    read: Model = model.__pydantic_validator__.validate_json(text, extra=extra, by_alias=True, by_name=by_name)
    return read


def read_tolerant(model: type[Model], text: str | bytes, *, extra: Extra = "forbid", by_name: bool = False) -> Model:
    """Read JSON closed, and where that fails once more, ignoring unknown fields at every depth; as `read_closed`.

    Raises:
        ValidationError: the JSON does not fit, whatever is ignored.
    """
    try:
        return read_closed(model, text, extra=extra, by_name=by_name)
    except ValidationError:
        return read_closed(model, text, extra="ignore", by_name=by_name)


def as_text(data: object) -> bytes:
    """Return parsed JSON as text, so that it is read by JSON's rules, and a validator changes only its own copy."""
    try:
        return to_json(data, inf_nan_mode="constants")
    except (PydanticSerializationError, ValueError):  # half of a surrogate pair, which Python's parser lets through
        return dumps(data).encode()
