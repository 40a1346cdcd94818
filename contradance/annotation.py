"""Reads type annotations: unions, aliases, and the models in them at any depth."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import is_dataclass
from types import NoneType, UnionType
from typing import Annotated, Any, Final, TypeGuard, Union, get_args, get_origin

from pydantic import BaseModel

_MODULE: Final = r"(?<!['\"\w.])[A-Za-z_][\w.<>]*\.(?=\w)"
"""The dotted path before a name in an annotation's text."""


def unaliased(annotation: Any) -> Any:
    """Return the type behind a type alias or a `NewType`; any other annotation unchanged."""
    target = getattr(annotation, "__value__", None) or getattr(annotation, "__supertype__", None)
    return annotation if target is None else unaliased(target)


def is_record(annotation: object) -> bool:
    """Whether `annotation` is a class with fields that is not a Pydantic model: dataclass, TypedDict or named tuple."""
    return isinstance(annotation, type) and (
        is_dataclass(annotation)
        or hasattr(annotation, "__total__")
        or (issubclass(annotation, tuple) and hasattr(annotation, "_fields"))
    )


def is_model(annotation: object) -> TypeGuard[type[BaseModel]]:
    """Whether `annotation` is a class that derives from Pydantic's BaseModel."""
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


def full_name(cls: type) -> str:
    """Return the name of a class with its module."""
    return f"{cls.__module__}.{cls.__qualname__}"


def members(annotation: Any) -> tuple[Any, ...]:
    """Return the members of a union at any depth, or only the annotation; None is returned as `NoneType`."""
    annotation = unaliased(annotation)
    if get_origin(annotation) is Annotated:
        return members(get_args(annotation)[0])
    if get_origin(annotation) in (Union, UnionType):
        return tuple(dict.fromkeys(one for member in get_args(annotation) for one in members(member)))
    return (NoneType if annotation is None else annotation,)


def members_but_none(annotation: Any) -> tuple[Any, ...]:
    """Return the members of a union without None, or only the annotation."""
    return tuple(member for member in members(annotation) if member is not NoneType)


def published_types(annotation: Any) -> Iterator[Any]:
    """Yield each type that a return annotation publishes: one, a union, or the items of a list or an iterator."""
    for member in members_but_none(annotation):
        origin, arguments = get_origin(member), get_args(member)
        if isinstance(origin, type) and issubclass(origin, Iterable) and not issubclass(origin, Mapping):
            items = arguments if origin is tuple else arguments[:1]
            yield from (one for item in items if item is not Ellipsis for one in members(item))
        else:
            yield member


def type_name(annotation: object) -> str:
    """Return the text of an annotation as its author wrote it, without modules."""
    if annotation is NoneType:
        return "None"
    if isinstance(annotation, type) and not get_args(annotation):
        return annotation.__name__
    return re.sub(_MODULE, "", str(annotation)).replace("NoneType", "None")


def models_inside(root: type[BaseModel]) -> Iterator[tuple[str, type]]:
    """Yield (field of `root`, model) for every model reachable from `root`, each model once."""
    seen: set[type] = {root}
    waiting = [(name, field.annotation) for name, field in root.model_fields.items()]
    while waiting:
        name, annotation = waiting.pop()
        for model in models_in(annotation):
            if model not in seen:
                seen.add(model)
                yield name, model
                if issubclass(model, BaseModel):
                    waiting += [(name, field.annotation) for field in model.model_fields.values()]


def models_in(annotation: Any) -> Iterator[type]:
    """Yield the Pydantic models and records in one annotation, at any depth."""
    annotation = unaliased(annotation)
    if isinstance(annotation, type) and (issubclass(annotation, BaseModel) or is_record(annotation)):
        yield annotation
    arguments = get_args(annotation)
    for argument in arguments[:1] if get_origin(annotation) is Annotated else arguments:
        yield from models_in(argument)
