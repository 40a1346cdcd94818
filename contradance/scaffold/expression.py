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


class Expression(NamedTuple):
    """The source of a value, and the names it imports."""

    text: str
    imports: frozenset[Import] = frozenset()


def expression(value: object) -> Expression | None:
    """Return the source of `value`; None for types that are not supported."""
    cls = type(value)
    if isinstance(value, Enum):
        return Expression(f"{cls.__name__}.{value.name}", frozenset({_home(cls)}))
    if isinstance(value, BaseModel):
        names = list(type(value).model_fields)
        return _call(
            f"{cls.__name__}(", [f"{name}=" for name in names], [getattr(value, name) for name in names], _home(cls)
        )
    if isinstance(value, tuple | list):
        return _sequence(value)
    write = _WRITERS.get(cls)
    home = frozenset() if cls in (*_BUILTIN, NoneType) else frozenset({_home(cls)})
    return Expression(write(value), home) if write else None


def _sequence(value: tuple[object, ...] | list[object]) -> Expression | None:
    items = _call("", [""] * len(value), value)
    if items is None:
        return None
    opening, closing = ("(", ",)" if len(value) == 1 else ")") if isinstance(value, tuple) else ("[", "]")
    return Expression(f"{opening}{items.text.removesuffix(')')}{closing}", items.imports)


_BUILTIN: Final = (str, bool, int, float)
_WRITERS: Final[dict[type, Callable[[Any], str]]] = {
    **dict.fromkeys((NoneType, bool, int, float), repr),
    str: lambda value: json.dumps(value, ensure_ascii=False),
    UUID: lambda value: f"UUID({quoted(str(value))})",
    Decimal: lambda value: f"Decimal({quoted(str(value))})",
    datetime: lambda value: f"datetime.fromisoformat({quoted(value.isoformat())})",
    date: lambda value: f"date.fromisoformat({quoted(value.isoformat())})",
    timedelta: lambda value: f"timedelta(seconds={value.total_seconds():g})",
}
"""Return the source of a value, by type."""


def _call(opening: str, names: Iterable[str], values: Iterable[object], *homes: Import) -> Expression | None:
    """Return a call with these arguments; None if one of them is not supported."""
    arguments = []
    for value in values:
        argument = expression(value)
        if argument is None:
            return None
        arguments.append(argument)
    text = ", ".join(f"{name}{argument.text}" for name, argument in zip(names, arguments, strict=True))
    return Expression(f"{opening}{text})", frozenset(homes).union(*(argument.imports for argument in arguments)))


def _home(cls: type) -> Import:
    # Decimal.__module__ is the C module `_decimal` in some versions of Python.
    return ("decimal" if cls is Decimal else cls.__module__, cls.__qualname__)


def quoted(text: str) -> str:
    """Return a string literal in double quotes. JSON's escapes are valid in Python."""
    return json.dumps(text, ensure_ascii=False)
