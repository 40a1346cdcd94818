"""Samples: an example of a contract or another model, made from the examples and defaults of its fields."""

from types import NoneType
from typing import Any, TypeVar, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import PydanticSerializationError, PydanticUndefined, to_json

from contradance.annotation import is_model, members, members_but_none, type_name
from contradance.contract import is_contract
from contradance.errors import InvalidContract
from contradance.violation import problems
from contradance.wire import read_closed, wire_fields

Model = TypeVar("Model", bound=BaseModel)


def sample(model: type[Model], **changes: object) -> Model:
    """Return a sample of `model` with `changes`; raise `InvalidContract` if an example is invalid or missing."""
    try:
        example = _read_example(model, _example_data(model))
    except ValidationError as error:
        called = str(model.identity) if is_contract(model) else model.__qualname__
        kind = "contract" if is_contract(model) else "model"
        lines = [f"the examples of {called} break it ({kind} in {model.__module__.replace('.', '/')}.py)"]
        lines += [f"  {path}: {message}" for path, message in problems(error, "data")]
        raise InvalidContract("\n".join(lines)) from error
    if not changes:
        return example
    held = {name: getattr(example, name) for name in model.model_fields}
    return model.model_validate({**held, **changes}, by_name=True)


def _read_example(model: type[Model], example: dict[str, Any]) -> Model:
    """Return an example as a model, read from its JSON as a consumer reads it; without JSON, from its Python values."""
    try:
        text = to_json(example, by_alias=True, round_trip=True)
    except PydanticSerializationError:
        return model.model_validate(example)
    return read_closed(model, text, extra=None)


def _example_data(model: type[BaseModel], around: tuple[type, ...] = ()) -> dict[str, Any]:
    """Return example values of a model's fields, by their names on the wire; `around`: the models that it is inside."""
    inside = (*around, model)
    return {wire: _example_value(model, name, field, inside) for wire, (name, field) in wire_fields(model).items()}


def _example_value(model: type[BaseModel], name: str, field: FieldInfo, inside: tuple[type, ...]) -> Any:
    """Return a field's example or default, else example data of the model in it; `InvalidContract` without any.

    A model that is in `inside` contains itself: there the sample ends, with an empty list or None.
    """
    if field.examples:
        return field.examples[0]
    if field.default is not PydanticUndefined or field.default_factory is not None:
        return field.get_default(call_default_factory=True, validated_data={})
    for member in members_but_none(field.annotation):
        if is_model(member) and member not in inside:
            return _example_data(member, inside)
        item = next(iter(get_args(member)), NoneType)
        if get_origin(member) in (list, tuple) and is_model(item):
            return [] if item in inside else [_example_data(item, inside)]
        if member in inside and NoneType in members(field.annotation):
            return None
    raise InvalidContract(
        f"{model.__qualname__}.{name} is {type_name(field.annotation)} and has no example, so a sample is not possible.\n"
        "  Give it one: Field(examples=[...])."
    )
