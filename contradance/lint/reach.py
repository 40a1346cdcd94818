"""Events and members of unions that nothing leads to, or from."""

import ast
import inspect
import sys
from collections.abc import Iterator
from types import ModuleType

from contradance.choreography import AnyFunction, Choreography
from contradance.contract import where_defined
from contradance.lint.finding import Finding


def unspoken(choreography: Choreography) -> Iterator[Finding]:
    """Find events that nobody publishes and nobody consumes."""
    for contract in choreography.contracts:
        if not choreography.publishers(contract) and not choreography.consumers(contract):
            yield Finding(
                "unspoken",
                str(contract.identity),
                f"nobody publishes {contract.identity}, and nobody consumes it.",
                "A contract is a promise to other teams; this one is made and never kept.",
                f"Return it from a function of {contract.identity.service}, or remove it from {where_defined(contract)} and "
                "from the registry.",
            )


def unpublished(choreography: Choreography) -> Iterator[Finding]:
    """Find events that are waited for and never come."""
    for contract in choreography.contracts:
        consumers = ", ".join(one.name for one in choreography.consumers(contract))
        newer = [one for one in choreography.contracts if contract in one.lineage()[1:]]
        if consumers and not choreography.publishers(contract) and not newer:
            yield Finding(
                "unpublished",
                str(contract.identity),
                f"nobody publishes {contract.identity}, consumed by {consumers}.",
                "What only this event leads to never happens.",
                f"Return it from a function of {contract.identity.service}; or, if another application publishes it, accept "
                "this finding and say which.",
            )


def unheard(choreography: Choreography) -> Iterator[Finding]:
    """Find events that are published to nobody."""
    for contract in choreography.contracts:
        publishers = ", ".join(one.name for one in choreography.publishers(contract))
        if publishers and not choreography.is_end(contract) and not choreography.consumers(contract):
            yield Finding(
                "unheard",
                str(contract.identity),
                f"nobody consumes {contract.identity}, published by {publishers}.",
                "If a tree falls and no one hears it, does it make a sound? It is archived, and that is all.",
                f"contradance create subscriber NAME --service SERVICE --on {contract.__name__}; or, if another "
                "application consumes it, accept this finding and say which.",
            )


def unreachable(choreography: Choreography) -> Iterator[Finding]:
    """Find members of a returned union that no code of the service ever makes."""
    for function in choreography.functions.values():
        used = _used_names(function)
        for contract in function.publishes if len(function.publishes) > 1 and used is not None else ():
            if used is not None and contract.__name__ not in used:
                yield Finding(
                    "unreachable",
                    f"{function.name} {contract.identity}",
                    f"{function.name} may publish {contract.identity}, its signature says, but no code of "
                    f"{function.service} makes one.",
                    "The picture shows a path that is never taken, and whoever consumes the event waits in vain.",
                    f"Return {contract.__name__} where that is what happened, or take it out of the signature.",
                )


def _used_names(function: AnyFunction) -> set[str] | None:
    """Return every name that the code of a function's service uses outside of annotations and imports."""
    package = function.handler.__module__.rpartition(".")[0]
    modules = [
        module for name, module in sys.modules.items() if name == function.handler.__module__ or _inside(name, package)
    ]
    names: set[str] = set()
    for module in modules:
        tree = _parsed(module)
        if tree is None:
            return None
        names |= _names(tree)
    return names


def _inside(module: str, package: str) -> bool:
    return bool(package) and module.startswith(f"{package}.")


def _parsed(module: ModuleType) -> ast.Module | None:
    try:
        return ast.parse(inspect.getsource(module))
    except (OSError, TypeError, SyntaxError):
        return None


def _names(node: ast.AST) -> set[str]:
    """Return the names that are used below a node, annotations left out."""
    found = {node.id} if isinstance(node, ast.Name) else {node.attr} if isinstance(node, ast.Attribute) else set[str]()
    for field, value in ast.iter_fields(node):
        if field not in ("annotation", "returns"):
            for inner in value if isinstance(value, list) else [value]:
                if isinstance(inner, ast.AST):
                    found |= _names(inner)
    return found
