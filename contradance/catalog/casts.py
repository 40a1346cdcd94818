"""Tries each upcast and downcast with the example of its contract, before the contract is frozen."""

from collections.abc import Callable, Iterable

from pydantic import ValidationError

from contradance.annotation import type_name
from contradance.bounds import MAX_PROBLEM, shortened
from contradance.catalog.sample import sample
from contradance.contract import Contract, where_defined
from contradance.errors import InvalidContract, error_message
from contradance.violation import problems


def check_casts(contracts: Iterable[type[Contract]]) -> None:
    """Raise `InvalidContract` for a cast that raises for an example or returns another class; skip without an example.

    Raises:
        InvalidContract: with the exception, and without values of the event.
    """
    for contract in contracts:
        newer, *older = contract.renderings()
        if contract.upcasts is not None:
            _check_cast(contract, contract.upcasts, contract, "upcast", contract.upcast)
        if older:
            _check_cast(contract, newer, older[0], "downcast", lambda event: event.downcast())


def _check_cast(
    owner: type[Contract], given: type[Contract], wanted: type[Contract], name: str, cast: Callable[[Contract], object]
) -> None:
    """Raise `InvalidContract` if a cast of `owner` makes no `wanted` of the example of `given`; skip without one."""
    try:
        example = sample(given)
    except InvalidContract:
        return
    place = f"{owner.__name__}.{name} (contract in {where_defined(owner)})"
    fix = f"Repair it. The example: contradance events sample '{given.identity.detail_type} v{given.identity.version}'"
    try:
        made = cast(example)
    except ValidationError as error:
        wrong = "; ".join(f"{path}: {message}" for path, message in problems(error, "data"))
        raise InvalidContract(f"{place} does not make a valid event of the example: {wrong}.\n  {fix}") from error
    except (Exception, SystemExit) as error:
        message = shortened(error_message(error), MAX_PROBLEM)
        raise InvalidContract(f"{place} raises {type(error).__name__} for the example: {message}.\n  {fix}") from error
    if type(made) is not wanted:
        raise InvalidContract(f"{place} returns {type_name(type(made))}, not {wanted.__name__}.\n  {fix}")
