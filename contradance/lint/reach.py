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
    """Find events that have neither a publisher nor a subscriber."""
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
    """Find events that have subscribers but no publisher."""
    for contract in choreography.contracts:
        consumers = ", ".join(one.name for one in choreography.consumers(contract))
        newer = [one for one in choreography.contracts if contract in one.lineage()[1:]]
        if consumers and not choreography.publishers(contract) and not newer:
            yield LintFinding(
                "unpublished",
                str(contract.identity),
                f"{contract.identity} has no publisher; its subscribers are {consumers}.",
                "These functions never run for it.",
                f"Return it from a function of {contract.identity.service}; or, if another application publishes it, accept "
                "this finding and name the application.",
            )


def unconsumed(choreography: Choreography) -> Iterator[LintFinding]:
    """Find events that have a publisher but no subscriber."""
    for contract in choreography.contracts:
        publishers = ", ".join(one.name for one in choreography.publishers(contract))
        if publishers and not choreography.is_end(contract) and not choreography.consumers(contract):
            yield LintFinding(
                "unconsumed",
                str(contract.identity),
                f"{contract.identity} has no subscriber; its publishers are {publishers}.",
                "The event is archived, and nothing else happens.",
                f"contradance create subscriber NAME --service SERVICE --on {contract.__name__}; or, if a flow ends with "
                f"it or another application consumes it, add it to ends=[...] of choreography {choreography.name!r}.",
            )


def unreachable(choreography: Choreography) -> Iterator[LintFinding]:
    """Find members of a returned union that no code of the service creates."""
    for function in choreography.functions.values():
        used = _used_names(function)
        for contract in function.publishes if len(function.publishes) > 1 and used is not None else ():
            if used is not None and contract.__name__ not in used:
                yield LintFinding(
                    "unreachable",
                    f"{function.name} {contract.identity}",
                    f"the signature of {function.name} names {contract.identity}, but no code of {function.service} creates "
                    "one.",
                    "The picture shows a path that is never taken, and the subscribers of the event never run for it.",
                    f"Return {contract.__name__} where it applies, or remove it from the signature.",
                )


def _used_names(function: AnyFunction) -> set[str] | None:
    """Return the names that the code of a function's service uses outside annotations and imports; None if unreadable."""
    own = function.handler.__module__
    package = own.rpartition(".")[0]
    modules = [
        module for name, module in sys.modules.items() if name == own or (package and name.startswith(f"{package}."))
    ]
    names: set[str] = set()
    for module in modules:
        tree = _parsed(module)
        if tree is None:
            return None
        names |= _names(tree)
    return names


def _parsed(module: ModuleType) -> ast.Module | None:
    try:
        return ast.parse(inspect.getsource(module))
    except (OSError, TypeError, SyntaxError):
        return None


def _names(node: ast.AST) -> set[str]:
    """Return the names used in a node, without its annotations."""
    found = {node.id} if isinstance(node, ast.Name) else {node.attr} if isinstance(node, ast.Attribute) else set[str]()
    for field, value in ast.iter_fields(node):
        if field not in ("annotation", "returns"):
            for inner in value if isinstance(value, list) else [value]:
                if isinstance(inner, ast.AST):
                    found |= _names(inner)
    return found
