"""Python text for a value: what an author would have written to get it."""

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
    """An expression, and what it needs imported."""

    text: str
    imports: frozenset[Import] = frozenset()


def expression(value: object) -> Code | None:
    """Return the text that makes `value`; None where this module knows of none."""
    kind = type(value)
    if isinstance(value, Enum):
        return Code(f"{kind.__name__}.{value.name}", frozenset({_home(kind)}))
    if isinstance(value, BaseModel):
        given = [(name, getattr(value, name)) for name in type(value).model_fields]
        return _call(f"{kind.__name__}(", [f"{name}=" for name, _ in given], [one for _, one in given], _home(kind))
    if isinstance(value, tuple | list):
        inside = _call("", [""] * len(value), value)
        opening, closing = ("(", ",)" if len(value) == 1 else ")") if isinstance(value, tuple) else ("[", "]")
        return inside and Code(f"{opening}{inside.text.removesuffix(')')}{closing}", inside.imports)
    write = _WRITTEN.get(kind)
    home = frozenset() if kind in (*_BUILTIN, NoneType) else frozenset({_home(kind)})
    return Code(write(value), home) if write else None


_BUILTIN: Final = (str, bool, int, float)
_WRITTEN: Final[dict[type, Callable[[Any], str]]] = {
    **dict.fromkeys((NoneType, bool, int, float), repr),
    str: lambda value: json.dumps(value, ensure_ascii=False),
    UUID: lambda value: f"UUID({quoted(str(value))})",
    Decimal: lambda value: f"Decimal({quoted(str(value))})",
    datetime: lambda value: f"datetime.fromisoformat({quoted(value.isoformat())})",
    date: lambda value: f"date.fromisoformat({quoted(value.isoformat())})",
    timedelta: lambda value: f"timedelta(seconds={value.total_seconds():g})",
}
"""How a value of each type is written."""


def _call(opening: str, names: Iterable[str], values: Iterable[object], *homes: Import) -> Code | None:
    """Return a call with these arguments, if all of them can be written."""
    codes = [expression(value) for value in values]
    found = [code for code in codes if code is not None]
    if len(found) < len(codes):
        return None
    text = ", ".join(f"{name}{code.text}" for name, code in zip(names, found, strict=True))
    return Code(f"{opening}{text})", frozenset({*homes, *(one for code in found for one in code.imports)}))


def _home(kind: type) -> Import:
    return ("decimal" if kind is Decimal else kind.__module__, kind.__qualname__)


def quoted(text: str) -> str:
    """Return a literal in double quotes; what JSON escapes, Python reads the same."""
    return json.dumps(text, ensure_ascii=False)
