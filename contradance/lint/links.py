"""Tables, settings and secrets that a handler uses and does not link in `uses=`."""

import dis
from collections.abc import Iterator
from types import CodeType, FunctionType
from typing import Any, Final

from contradance.choreography import AnyFunction, Choreography
from contradance.lint.finding import LintFinding
from contradance.settings import Secret, Setting
from contradance.table import Table

_READING: Final = frozenset({"get", "query", "scan"})
_WRITING: Final = frozenset({"put", "put_if_absent", "update", "delete"})


def unlinked(choreography: Choreography) -> Iterator[LintFinding]:
    """Yield a finding for each table, setting or secret that a handler's code uses and its `uses=` does not link."""
    for function in choreography.functions.values():
        links = {*function.uses}
        for wanted, accepted in _used(function).items():
            if not accepted & links:
                yield LintFinding(
                    "unlinked",
                    f"{function.name} {wanted}",
                    f"{function.name} uses {wanted}, which is not in its uses=[...].",
                    "It fails when it runs: a function may use what its uses=[...] names, and nothing else.",
                    f"Add it: uses=[{wanted}].",
                )


def _used(function: AnyFunction) -> dict[str, set[object]]:
    """Return what a handler and the functions that it calls use: the text for `uses=`, and the links that allow it."""
    found: dict[str, set[object]] = {}
    package = function.handler.__module__.partition(".")[0]
    pending: list[object] = [function.handler]
    seen: set[int] = set()
    while pending:
        called = pending.pop()
        if not isinstance(called, FunctionType) or id(called) in seen:
            continue
        seen.add(id(called))
        for value, attribute in _globals_used(called.__code__, called.__globals__):
            if isinstance(value, Table) and attribute in _READING | _WRITING:
                access = "write" if attribute in _WRITING else "read"
                short = value.name.partition(".")[2]
                accepted: set[object] = {value.write} if access == "write" else {value.read, value.write}
                found.setdefault(f"{short}.{access}", accepted)
            elif isinstance(value, Setting | Secret) and attribute == "get":
                found.setdefault(value.name, {value})
            elif isinstance(value, FunctionType) and value.__module__.partition(".")[0] == package:
                pending.append(value)
    return found


def _globals_used(code: CodeType, names: dict[str, Any]) -> Iterator[tuple[object, str]]:
    """Yield (value, attribute) for each read of a global in code: once with "", then with the attribute, if any."""
    for nested in code.co_consts:
        if isinstance(nested, CodeType):
            yield from _globals_used(nested, names)
    value: object = None
    for instruction in dis.get_instructions(code):
        name = str(instruction.argval)
        if instruction.opname == "LOAD_GLOBAL":
            value = names.get(name)
            yield value, ""
        elif instruction.opname in ("LOAD_ATTR", "LOAD_METHOD"):
            yield value, name
            value = getattr(value, name, None) if _is_module(value) else None
            if value is not None:
                yield value, ""
        elif instruction.opname not in ("CACHE", "PUSH_NULL", "PRECALL"):
            value = None


def _is_module(value: object) -> bool:
    """Whether a value is a module."""
    return type(value).__name__ == "module"
