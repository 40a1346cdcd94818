"""Values as a log line shows them: without personal data."""

from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from math import isfinite
from typing import TYPE_CHECKING, Any, Final, get_type_hints

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from contradance.pii import MASK, is_marked, mask
from contradance.printable import encodable
from contradance.runtime.error_description import describe_error, message_of

if TYPE_CHECKING:
    from logging import LogRecord

    from _typeshed import DataclassInstance

_MOST_BITS: Final = 1_024
"""Bits of the largest integer that is written in decimal. Python reads at most 4,300 digits, and takes long to write many."""
_MOST_BYTES: Final = 2_000
"""Bytes of a `bytes` value that are shown."""


def as_json_data(value: object, other: Callable[[Any], object] = str) -> object:
    """Return `value` as JSON can hold it: infinity, NaN, huge integers, bytes and lone surrogates as text.

    `other` converts what is none of JSON's types.
    """
    shown: object = value
    match value:
        case None | bool():
            pass
        case str():
            shown = encodable(value)
        case int():
            shown = value if value.bit_length() <= _MOST_BITS else hex(value)
        case float():
            shown = value if isfinite(value) else str(value)
        case bytes() | bytearray() | memoryview():
            shown = repr(bytes(value[:_MOST_BYTES]))
        case Mapping():
            shown = {encodable(str(name)): as_json_data(item, other) for name, item in value.items()}
        case list() | tuple() | set() | frozenset():
            shown = [as_json_data(item, other) for item in value]
        case _:
            shown = other(value)
            shown = encodable(shown) if isinstance(shown, str) else shown
    return shown


def masked(value: object) -> object:
    """Return `value` as a log line holds it: models, dataclasses and collections as data, personal data masked."""
    shown: object = value
    match value:
        case None | str() | int() | float():
            pass
        case BaseModel():
            data = value.model_dump(mode="json", by_alias=True, warnings=False, fallback=lambda _: MASK)
            shown = mask(type(value), data)
        case Mapping():
            shown = {name if isinstance(name, str) else str(name): masked(item) for name, item in value.items()}
        case list() | tuple() | set() | frozenset():
            shown = [masked(item) for item in value]
        case BaseException():
            shown = message_of(value)
        case _ if is_dataclass(value) and not isinstance(value, type):
            shown = _masked_record(value)
    return shown


def _masked_record(value: "DataclassInstance") -> dict[str, object]:
    """Return a dataclass as data with personal fields masked; all fields when its annotations cannot be read."""
    try:
        hints = get_type_hints(type(value), include_extras=True)
    except (NameError, AttributeError, TypeError):
        hints = {}
    marked = {name: is_marked(FieldInfo.from_annotation(hint)) for name, hint in hints.items()}
    return {
        field.name: MASK if marked.get(field.name, True) else masked(getattr(value, field.name))
        for field in fields(value)
    }


def formatting_failure(record: "LogRecord", error: Exception) -> str:
    """Return what replaces the message of a line that cannot be formatted: its place and the error, no arguments.

    `logging` would print the arguments with personal data, and a traceback of any length.
    """
    return f"the line logged at {record.filename}:{record.lineno} cannot be formatted: {describe_error(error)}"


def masked_argument(value: object) -> object:
    """Return a `%`-format's argument: models, collections and errors as masked data, any other value unchanged."""
    shown = masked(value)
    return value if shown is value or isinstance(value, str | int | float) else shown
