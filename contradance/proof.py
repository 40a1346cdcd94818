"""The proof that an instance arrives as it was built: its JSON is read back, as a reader will, and compared.

A type's JSON may be lossy, a serializer may round, a validator may change what it reads again, and a union may read
another member. Each is refused where the instance is written, with the field, both types and the fix.
"""

from collections.abc import Iterator
from typing import Any, Final

from pydantic import BaseModel, ValidationError
from pydantic_core import SchemaValidator, from_json, to_json

from contradance.annotation import type_name
from contradance.coreschema import fields_of
from contradance.equality import Equality, Inequality, without_eq
from contradance.wire import Extra, read_closed, to_wire, wire_fields

_FIX_WRITING: Final = (
    "Give the field a type that has a JSON form: bytes that are not UTF-8 need Base64Bytes, "
    "or ser_json_bytes='base64' and val_json_bytes='base64' in model_config."
)
_FIX_RAISING: Final = "Have the validator raise ValueError, and accept the JSON of what it has returned."
_FIX_VALUE: Final = (
    "Its JSON, its serializer or its validator loses or changes something. A serializer must lose nothing: do it in a "
    "validator, which must keep the JSON of what it has returned."
)
_FIX_TYPE: Final = "Give the field a type whose JSON is read back as that type: the one that arrives, or a Value."
_FIX_ZONE: Final = "A time has no date, so its zone must have a fixed offset: use timezone.utc, or an AwareDatetime."
_STRICTLY: Final = Equality(opaque=False)
_BY_JSON: Final = Equality(opaque=True)


class NotFaithful(Exception):
    """An instance whose JSON does not read back equal: the field by its names on the wire, what is wrong, and the fix."""

    def __init__(self, path: tuple[str | int, ...], problem: str, fix: str) -> None:
        super().__init__(problem)
        self.path = path
        self.problem = problem
        self.fix = fix


def proven(instance: BaseModel, *, extra: Extra = "forbid") -> bytes:
    """Return the JSON of an instance; it reads back equal.

    Raises:
        NotFaithful: it does not read back equal, or has no JSON.
        ValidationError: its JSON breaks its model.
    """
    try:
        wire = to_wire(instance)
    except Exception as error:  # an author's serializer may raise anything
        raise NotFaithful((*_unwritable(instance),), "has no JSON form", _FIX_WRITING) from error
    model = type(instance)
    try:
        read = read_closed(model, wire, extra=extra)
    except ValidationError:
        raise
    except Exception as error:  # so may a validator
        problem = f"has a validator that raises {type(error).__name__} where it reads its JSON"
        raise NotFaithful(_raising(model, wire), problem, _FIX_RAISING) from error
    found = _STRICTLY.difference(instance, read)
    if found is None or (
        without_eq(found.built) and _BY_JSON.difference(instance, read) is None and to_wire(read) == wire
    ):
        return wire
    raise _changed(instance, found)


def _changed(instance: BaseModel, found: Inequality) -> NotFaithful:
    """Return the error that names the field which arrives as something else, and both types."""
    was, now = type_name(type(found.built)), type_name(type(found.read))
    fix = _FIX_VALUE if was == now else _FIX_TYPE
    if getattr(found.built, "tzinfo", None) is not None and getattr(found.read, "tzinfo", None) is None:
        now, fix = f"{now} without its zone", _FIX_ZONE
    return NotFaithful(
        (*_on_wire(instance, found.path),),
        f"is {_a(was)}, and would arrive as {f'another {was}' if was == now else _a(now)}",
        fix,
    )


def _on_wire(value: Any, path: tuple[str | int, ...]) -> Iterator[str | int]:
    """Yield the steps of a path with the names that fields have on the wire."""
    for step in path:
        names = (
            {own: name for name, (own, _) in wire_fields(type(value)).items()} if isinstance(value, BaseModel) else {}
        )
        yield names.get(str(step), step)
        try:
            value = value[step] if isinstance(step, int) or isinstance(value, dict) else getattr(value, step)
        except (LookupError, TypeError, AttributeError):
            value = None


def _unwritable(value: object) -> Iterator[str | int]:
    """Yield the steps to the innermost field whose value has no JSON."""
    if isinstance(value, BaseModel):
        for name, (own, _) in wire_fields(type(value)).items():
            if not _is_written(value, own):
                yield name
                yield from _unwritable(getattr(value, own))
                return
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            if isinstance(item, BaseModel) and not all(_is_written(item, own) for own in type(item).model_fields):
                yield index
                yield from _unwritable(item)
                return


def _is_written(instance: BaseModel, name: str) -> bool:
    try:
        type(instance).__pydantic_serializer__.to_json(instance, include={name}, warnings=False)
    except Exception:  # noqa: BLE001 - an author's serializer may raise anything
        return False
    return True


def _raising(model: type[BaseModel], wire: bytes) -> tuple[str, ...]:
    """Return the path of the field whose validator raises; empty where it is not one field's."""
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
        except Exception:  # noqa: BLE001 - this is the one that is looked for
            return (name,)
    return ()


def _a(name: str) -> str:
    return f"an {name}" if name[:1].lower() in "aeio" else f"a {name}"
