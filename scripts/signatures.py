"""Signatures on the reference pages: the values of defaults, and no parameter that only refuses a mistake.

An extension of Griffe, which reads the code without running it: `timeout=Limits.timeout` is shown as `timedelta(seconds=30)`.
"""

import importlib
import inspect
import re
from datetime import timedelta
from functools import reduce
from typing import Any, Final

import griffe

_CONSTANT: Final = re.compile(r"[A-Z]\w*\.\w+|[A-Z][A-Z_]+")
"""A default that is the name of a constant: `MAX_BATCH`, `Limits.timeout`."""


class Signatures(griffe.Extension):
    """Changes the parameters of functions, and the fields of dataclasses that are parameters."""

    def on_function_instance(self, *, func: griffe.Function, **_: Any) -> None:
        """Show the values of a function's defaults; hide a parameter of the type `Never`."""
        func.parameters = griffe.Parameters(*(one for one in func.parameters if str(one.annotation) != "Never"))
        for one in func.parameters:
            if _CONSTANT.fullmatch(str(one.default)):
                one.default = _default_of(func, one.name)

    def on_attribute_instance(self, *, attr: griffe.Attribute, **_: Any) -> None:
        """Show the value of a field's default."""
        if isinstance(attr.parent, griffe.Class) and attr.annotation and _CONSTANT.fullmatch(str(attr.value)):
            attr.value = _default_of(attr.parent, attr.name)


def _default_of(owner: griffe.Function | griffe.Class, name: str) -> str:
    """Return the default of a parameter of a function or a class, as it would be written."""
    names = owner.path.removeprefix(f"{owner.module.path}.").split(".")
    found: Any = reduce(getattr, names, importlib.import_module(owner.module.path))
    value = inspect.signature(found).parameters[name].default
    if not isinstance(value, timedelta):
        return repr(value)
    seconds = int(value.total_seconds())
    hours = seconds // 3600
    return f"timedelta(hours={hours})" if hours and not seconds % 3600 else f"timedelta(seconds={seconds})"
