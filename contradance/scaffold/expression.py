"""Python source for a value, in the form in which an author would write it."""

import json
from collections.abc import Callable, Iterable
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import Enum
from types import NoneType
from typing import Any, Final, NamedTuple
from uuid import UUID

from pydantic import BaseModel

Import = tuple[str, str]
"""(module, name)."""


class Code(NamedTuple):
    """Source text, and the names that it imports."""

    text: str
    imports: frozenset[Import] = frozenset()


def expression(value: object) -> Code | None:
    """Return the source of `value`; None if it has, or contains, a type that is not supported."""
    cls = type(value)
    if "." in cls.__qualname__:  # a class inside another cannot be imported by its name
        return None
    class_imports = frozenset() if cls in (NoneType, bool, int, float, str) else frozenset({_import_of(cls)})
    if isinstance(value, Enum):
        return Code(f"{cls.__name__}.{value.name}", class_imports)
    if isinstance(value, BaseModel):
        fields = {f"{name}=": getattr(value, name) for name in type(value).model_fields}
        return _join_values(f"{cls.__name__}(", fields, fields.values(), ")", class_imports)
    if isinstance(value, list):
        return _join_values("[", [""] * len(value), value, "]")
    if isinstance(value, tuple):
        return _join_values("(", [""] * len(value), value, ",)" if len(value) == 1 else ")")
    write = _WRITERS.get(cls)
    return Code(write(value), class_imports) if write else None


def quoted(text: str) -> str:
    """Return a string literal in double quotes. JSON's escapes are valid in Python."""
    return json.dumps(text, ensure_ascii=False)


_WRITERS: Final[dict[type, Callable[[Any], str]]] = {
    **dict.fromkeys((NoneType, bool, int, float), repr),
    str: quoted,
    UUID: lambda value: f"UUID({quoted(str(value))})",
    Decimal: lambda value: f"Decimal({quoted(str(value))})",
    datetime: lambda value: f"datetime.fromisoformat({quoted(value.isoformat())})",
    date: lambda value: f"date.fromisoformat({quoted(value.isoformat())})",
    timedelta: lambda value: repr(value).removeprefix("datetime."),
}
"""Functions that return the source of a value, by its type."""


def _join_values(
    opening: str,
    prefixes: Iterable[str],
    values: Iterable[object],
    closing: str,
    class_imports: frozenset[Import] = frozenset(),
) -> Code | None:
    """Return the source of values with their prefixes, between two brackets; None if one is not supported."""
    parts = []
    for value in values:
        part = expression(value)
        if part is None:
            return None
        parts.append(part)
    text = ", ".join(f"{prefix}{part.text}" for prefix, part in zip(prefixes, parts, strict=True))
    return Code(f"{opening}{text}{closing}", class_imports.union(*(part.imports for part in parts)))


def _import_of(cls: type) -> Import:
    """Return the module and the name from which a class is imported."""
    # Decimal.__module__ is the C module `_decimal` in some versions of Python.
    return ("decimal" if cls is Decimal else cls.__module__, cls.__qualname__)
