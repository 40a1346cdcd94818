"""Checks the functions of a choreography against each other: their names, contracts, routes, settings and tables."""

from collections.abc import Iterable

from contradance.contract import where_defined
from contradance.errors import InvalidChoreography
from contradance.function import AnyFunction, Function
from contradance.httproute import Route
from contradance.registry import Registry
from contradance.signature import describe_function
from contradance.subscription import Subscription
from contradance.table import Grant


def consistent_functions(
    choreography: str, contracts: Registry, functions: Iterable[AnyFunction]
) -> dict[str, AnyFunction]:
    """Return functions by name, in their order; `InvalidChoreography` when two conflict, or one with the registry."""
    by_name: dict[str, AnyFunction] = {}
    for function in functions:
        _check_function(choreography, contracts, by_name, function)
        by_name[function.name] = function
    _check_routes(choreography, by_name)
    _check_settings(choreography, by_name)
    _check_deployed_names(choreography, by_name)
    return by_name


def _describe_location(function: AnyFunction) -> str:
    """Return a function's name, file and line."""
    return describe_function(function.service, function.handler)


def _check_function(
    choreography: str, contracts: Registry, by_name: dict[str, AnyFunction], function: AnyFunction
) -> None:
    """Raise `InvalidChoreography` for a value that is not a function, a taken name, or a contract that it cannot use."""
    if not isinstance(function, Function):
        raise InvalidChoreography(
            f"choreography {choreography!r} lists {function!r}, which is not a function.\n"
            "  Decorate it with @subscriber(), @route('GET /x') or @schedule('rate(1 day)')."
        )
    twin = by_name.get(function.name)
    if twin is function:
        raise InvalidChoreography(f"choreography {choreography!r} lists {function.name} twice.\n  Remove one.")
    if twin is not None:
        raise InvalidChoreography(
            f"choreography {choreography!r} has two functions named {function.name}: {_describe_location(twin)} and "
            f"{_describe_location(function)}.\n  Rename one of the handlers."
        )
    consumed = function.trigger.contracts if isinstance(function.trigger, Subscription) else ()
    published = tuple(rendering for contract in function.publishes for rendering in contract.renderings())
    for verb, contracts_used in (("consumes", consumed), ("publishes", published)):
        for contract in contracts_used:
            if contract not in contracts:
                raise InvalidChoreography(
                    f"{_describe_location(function)} {verb} {contract.identity} (contract in "
                    f"{where_defined(contract)}), which is not in the registry {contracts.name!r}.\n"
                    f"  Add {contract.__name__} to the registry's list."
                )
    for contract in function.publishes:
        if contract.identity.app != contracts.name:
            raise InvalidChoreography(
                f"{_describe_location(function)} publishes {contract.identity}, but the registry {contracts.name!r} "
                f"belongs to another application.\n"
                f"  Publish contracts with source '{contracts.name}.{function.service}'."
            )


def _check_routes(choreography: str, by_name: dict[str, AnyFunction]) -> None:
    """Raise `InvalidChoreography` for two functions of one route, whatever the names of its placeholders."""
    seen: dict[str, AnyFunction] = {}
    for function in by_name.values():
        if not isinstance(function.trigger, Route):
            continue
        twin = seen.setdefault(function.trigger.shape, function)
        if twin is not function:
            raise InvalidChoreography(
                f"choreography {choreography!r} has two functions for one route: {_describe_location(twin)} serves "
                f"{_route_key(twin)} and {_describe_location(function)} serves {_route_key(function)}.\n"
                "  Give one of them another method or path."
            )


def _route_key(function: AnyFunction) -> str:
    """Return the key of a function's route; its name if it has no route."""
    return function.trigger.key if isinstance(function.trigger, Route) else function.name


def _check_settings(choreography: str, by_name: dict[str, AnyFunction]) -> None:
    """Raise `InvalidChoreography` for two different settings or secrets of one name: a stack has one value for it."""
    seen: dict[str, tuple[AnyFunction, object]] = {}
    for function in by_name.values():
        for link in function.uses:
            if isinstance(link, Grant):
                continue
            twin, other = seen.setdefault(link.variable, (function, link))
            if other != link:
                raise InvalidChoreography(
                    f"choreography {choreography!r} has two declarations of {link.name!r}: {_describe_location(twin)} "
                    f"uses {other} and {_describe_location(function)} uses {link}.\n"
                    "  Declare it once, and import it where it is used."
                )


def _check_deployed_names(choreography: str, by_name: dict[str, AnyFunction]) -> None:
    """Raise `InvalidChoreography` for two functions, or two tables, with one deployed name."""
    grants = {use for function in by_name.values() for use in function.uses if isinstance(use, Grant)}
    pairs = [("functions", function.deployed_name, function.name) for function in by_name.values()]
    pairs += sorted({("tables", grant.deployed_name, grant.table) for grant in grants})
    seen: dict[tuple[str, str], str] = {}
    for kind, deployed, name in pairs:
        twin = seen.setdefault((kind, deployed), name)
        if twin != name:
            raise InvalidChoreography(
                f"choreography {choreography!r} has two {kind} that are deployed as {deployed}: {twin} and {name}.\n"
                "  Remove one deployed_as=, or give a new name to what is new."
            )
