"""Proves that an instance survives JSON: reads its JSON back, as a consumer does, and compares the result with it.

A type's JSON may be lossy, a serializer may round, a validator may change a value that it reads again, and a union may
read another member. The write fails with an error that names the field, both types and the fix.
"""

from collections.abc import Iterator
from typing import Any, Final

from pydantic import BaseModel, ValidationError
from pydantic_core import PydanticSerializationError, SchemaValidator, from_json, to_json

from contradance.annotation import type_name
from contradance.bounds import INTEGERS
from contradance.coreschema import fields_of
from contradance.equality import Equality, Inequality, is_integer_outside, without_eq
from contradance.wire import Extra, read_closed, to_wire, wire_fields

_FIX_WRITING: Final = (
    "Give the field a type that has a JSON form: bytes that are not UTF-8 need Base64Bytes, "
    "or ser_json_bytes='base64' and val_json_bytes='base64' in model_config."
)
_FIX_RAISING: Final = "Have the validator raise ValueError, and accept the JSON of its own result."
_FIX_SERIALIZING: Final = "Have the serializer return a JSON value for each value that the field may have."
_FIX_VALUE: Final = (
    "Its JSON, its serializer or its validator changes the value. A serializer must lose nothing: change the value in a "
    "validator, which must not change the JSON of its own result."
)
_FIX_TYPE: Final = "Give the field a type whose JSON is read back as that type: the one that arrives, or a Value."
_FIX_ZONE: Final = "A time has no date, so its zone must have a fixed offset: use timezone.utc, or an AwareDatetime."
_FIX_INTEGER: Final = "Give the field bounds of 64 bits, or a type whose JSON is text: str or Decimal."
_STRICTLY: Final = Equality(opaque=False)
_BY_JSON: Final = Equality(opaque=True)
_ON_A_BUS: Final = Equality(opaque=False, integers=INTEGERS)


class NotFaithful(Exception):
    """The JSON of an instance does not read back equal: the path of the field on the wire, the problem and the fix."""

    def __init__(self, path: tuple[str | int, ...], problem: str, fix: str) -> None:
        super().__init__(problem)
        self.path = path
        self.problem = problem
        self.fix = fix


class IntegerTooLarge(NotFaithful):
    """An event holds an integer that EventBridge does not accept."""


def proven(instance: BaseModel, *, extra: Extra = "forbid", published: bool = False) -> bytes:
    """Return the JSON of an instance; raise `NotFaithful` or ValidationError when it does not read back equal.

    Args:
        instance: an event, or an item of a table.
        extra: the treatment of unknown fields.
        published: whether it is an event, whose integers EventBridge has to accept.

    Raises:
        NotFaithful: the JSON does not read back equal, the instance has no JSON, or EventBridge refuses it.
        ValidationError: the JSON does not match the model.
    """
    try:
        wire = to_wire(instance)
    except Exception as error:  # noqa: BLE001 - an author's serializer may raise anything
        failure = error
    else:
        return _read_back(instance, wire, extra=extra, published=published)
    path, raised = (*_path_to_unwritable(instance),), _raised_by_serializer(instance)
    if raised is None:
        raise NotFaithful(path, "has no JSON form", _FIX_WRITING) from failure
    raise NotFaithful(path, f"has a serializer that raises {type(raised).__name__}", _FIX_SERIALIZING) from raised


def _read_back(instance: BaseModel, wire: bytes, *, extra: Extra, published: bool) -> bytes:
    """Return the JSON `wire` of an instance if it reads back equal; else raise, as `proven`."""
    model = type(instance)
    try:
        read = read_closed(model, wire, extra=extra)
    except ValidationError:
        raise
    except Exception as error:  # an author's validator may raise anything
        problem = f"has a validator that raises {type(error).__name__} when it reads its own JSON"
        raise NotFaithful(_path_to_raising(model, wire), problem, _FIX_RAISING) from error
    found = (_ON_A_BUS if published else _STRICTLY).difference(instance, read)
    if found is None or (
        without_eq(found.built) and _BY_JSON.difference(instance, read) is None and to_wire(read) == wire
    ):
        return wire
    raise _change_error(instance, found)


def _raised_by_serializer(instance: BaseModel) -> BaseException | None:
    """Return what an author's serializer raises, with its frames, which the error of JSON lacks; None if none does."""
    try:
        type(instance).__pydantic_serializer__.to_python(
            instance, mode="json", by_alias=True, exclude_computed_fields=True, warnings=False
        )
    except PydanticSerializationError as error:
        raised = error.__cause__
        return raised if raised is not None and raised.__traceback__ is not None else None
    except Exception as error:  # noqa: BLE001 - the author's own, or Pydantic's without a frame
        return error if error.__traceback__ is not None and error.__traceback__.tb_next is not None else None
    return None


def _change_error(instance: BaseModel, found: Inequality) -> NotFaithful:
    """Return the error that names the changed field, and its types before and after."""
    if is_integer_outside(found.built, INTEGERS):
        path = (*_path_on_wire(instance, found.path),)
        return IntegerTooLarge(path, "is an integer of more than 64 bits", _FIX_INTEGER)
    was, now = type_name(type(found.built)), type_name(type(found.read))
    fix = _FIX_VALUE if was == now else _FIX_TYPE
    if getattr(found.built, "tzinfo", None) is not None and getattr(found.read, "tzinfo", None) is None:
        now, fix = f"{now} without its zone", _FIX_ZONE
    return NotFaithful(
        (*_path_on_wire(instance, found.path),),
        f"is {_with_article(was)}, and would arrive as {f'another {was}' if was == now else _with_article(now)}",
        fix,
    )


def _path_on_wire(value: Any, path: tuple[str | int, ...]) -> Iterator[str | int]:
    """Yield the steps of a path, with fields by their names on the wire."""
    for step in path:
        yield _names_on_wire(value).get(str(step), step)
        try:
            value = value[step] if isinstance(step, int) or isinstance(value, dict) else getattr(value, step)
        except (LookupError, TypeError, AttributeError):
            value = None


def _names_on_wire(value: object) -> dict[str, str]:
    """Return the names on the wire of a model's fields, by their names in Python; empty for another value."""
    return {own: name for name, (own, _) in wire_fields(type(value)).items()} if isinstance(value, BaseModel) else {}


def _path_to_unwritable(value: object) -> Iterator[str | int]:
    """Yield the steps to the innermost field whose value has no JSON form."""
    if isinstance(value, BaseModel):
        for name, (own, _) in wire_fields(type(value)).items():
            if not _is_writable(value, own):
                yield name
                yield from _path_to_unwritable(getattr(value, own))
                return
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            if isinstance(item, BaseModel) and not all(_is_writable(item, own) for own in type(item).model_fields):
                yield index
                yield from _path_to_unwritable(item)
                return


def _is_writable(instance: BaseModel, name: str) -> bool:
    """Whether a field of an instance has a JSON form."""
    try:
        type(instance).__pydantic_serializer__.to_json(instance, include={name}, warnings=False)
    except Exception:  # noqa: BLE001 - an author's serializer may raise anything
        return False
    return True


def _path_to_raising(model: type[BaseModel], wire: bytes) -> tuple[str, ...]:
    """Return the path of the field whose validator raises; empty when it is not the validator of one field."""
    data = from_json(wire)
    schemas, definitions = fields_of(model)
    for name, (own, _) in wire_fields(model).items():
        if not (isinstance(data, dict) and name in data and own in schemas):
            continue
        schema: Any = {"type": "definitions", "schema": schemas[own], "definitions": [*definitions.values()]}
        try:
            SchemaValidator(schema).validate_json(to_json(data[name]))
        except ValidationError:
            continue
        except Exception:  # noqa: BLE001 - an author's validator may raise anything
            return (name,)
    return ()


def _with_article(name: str) -> str:
    """Return a name with `a` or `an` before it."""
    return f"an {name}" if name[:1].lower() in "aeio" else f"a {name}"
