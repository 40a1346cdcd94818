"""Events without a publisher or a subscriber, and events that a signature names but no code creates."""

import ast
import inspect
import sys
from collections.abc import Iterator
from types import ModuleType

from contradance.choreography import AnyFunction, Choreography
from contradance.contract import where_defined
from contradance.lint.finding import LintFinding


def unused(choreography: Choreography) -> Iterator[LintFinding]:
    """Yield a finding for each event that has neither a publisher nor a subscriber."""
    for contract in choreography.contracts:
        if not choreography.publishers(contract) and not choreography.consumers(contract):
            yield LintFinding(
                "unused",
                str(contract.identity),
                f"{contract.identity} has no publisher and no subscriber.",
                "A contract is a promise to other teams, and this one is not kept.",
                f"Return it from a function of {contract.identity.service}, or remove it from {where_defined(contract)} and "
                "from the registry.",
            )


def unpublished(choreography: Choreography) -> Iterator[LintFinding]:
    """Yield a finding for each event with subscribers but no publisher, unless a newer version upcasts it."""
    older = {ancestor for contract in choreography.contracts for ancestor in contract.lineage()[1:]}
    for contract in choreography.contracts:
        consumers = ", ".join(one.name for one in choreography.consumers(contract))
        if consumers and not choreography.publishers(contract) and contract not in older:
            yield LintFinding(
                "unpublished",
                str(contract.identity),
                f"{contract.identity} has no publisher; its subscribers are {consumers}.",
                "These functions never run for it.",
                f"Return it from a function of {contract.identity.service}; or, if another application publishes it, accept "
                "this finding and name the application.",
            )


def unconsumed(choreography: Choreography) -> Iterator[LintFinding]:
    """Yield a finding for each event with a publisher but no subscriber, unless the choreography ends with it."""
    for contract in choreography.contracts:
        publishers = ", ".join(one.name for one in choreography.publishers(contract))
        if publishers and not choreography.is_end(contract) and not choreography.receivers(contract):
            yield LintFinding(
                "unconsumed",
                str(contract.identity),
                f"{contract.identity} has no subscriber; its publishers are {publishers}.",
                "The event is archived, and nothing else happens.",
                f"contradance create subscriber NAME --service SERVICE --on {contract.__name__}; or, if a flow ends with "
                f"it or another application consumes it, add it to ends=[...] of choreography {choreography.name!r}.",
            )


def unreachable(choreography: Choreography) -> Iterator[LintFinding]:
    """Yield a finding for each member of a returned union that its service's code, if readable, never names."""
    choosing = [function for function in choreography.functions.values() if len(function.publishes) > 1]
    used = _used_names({_package(function) for function in choosing})
    for function in choosing:
        names = used[_package(function)]
        for contract in function.publishes if names is not None else ():
            if names is not None and contract.__name__ not in names:
                yield LintFinding(
                    "unreachable",
                    f"{function.name} {contract.identity}",
                    f"the signature of {function.name} names {contract.identity}, but no code of {function.service} creates "
                    "one.",
                    "The picture shows a path that is never taken, and the subscribers of the event never run for it.",
                    f"Return {contract.__name__} where it applies, or remove it from the signature.",
                )


def _package(function: AnyFunction) -> str:
    """Return the package of a function's module, with its service's code; the module itself when it has none."""
    return function.handler.__module__.rpartition(".")[0] or function.handler.__module__


def _used_names(packages: set[str]) -> dict[str, set[str] | None]:
    """Return, by package, the names that its code uses outside annotations; None when its source cannot be read.

    Every module is parsed once, whatever number of functions it serves.
    """
    used: dict[str, set[str] | None] = {package: set() for package in packages}
    for name, module in [*sys.modules.items()]:
        owners = [package for package in _packages(name) if package in used]
        tree = _parsed(module) if owners else None
        found = None if tree is None else _names(tree)
        for package in owners:
            names = used[package]
            if found is None or names is None:
                used[package] = None
            else:
                names |= found
    return used


def _packages(module: str) -> list[str]:
    """Return the names of the packages around a module, the outermost first; the module alone when it has none."""
    parts = module.split(".")
    return [".".join(parts[:length]) for length in range(1, len(parts))] or [module]


def _parsed(module: ModuleType) -> ast.Module | None:
    """Return the syntax tree of a module; None when its source cannot be read."""
    try:
        return ast.parse(inspect.getsource(module))
    except (OSError, TypeError, SyntaxError):
        return None


def _names(tree: ast.Module) -> set[str]:
    """Return the names and attributes in a module's code, except in annotations and in imports."""
    found: set[str] = set()
    waiting: list[ast.AST] = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Name):
            found.add(node.id)
        elif isinstance(node, ast.Attribute):
            found.add(node.attr)
        for field, value in ast.iter_fields(node):
            if field not in ("annotation", "returns"):
                inner = value if isinstance(value, list) else [value]
                waiting += [one for one in inner if isinstance(one, ast.AST)]
    return found
