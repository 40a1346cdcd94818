"""The value of one environment variable of a deployed function; a missing or wrong one is refused by name."""

from collections.abc import Callable, Mapping
from typing import Final, TypeVar

from contradance.bounds import MAX_PROBLEM, shortened
from contradance.errors import DeclarationError

T = TypeVar("T")
_FIX: Final = "Deploy the function with contradance.infra, which sets it."


def needed(environ: Mapping[str, str], name: str) -> str:
    """Return the value of a required variable; raise `DeclarationError` when it is not set."""
    value = environ.get(name)
    if not value:
        raise DeclarationError(f"{name} is not set.\n  {_FIX}")
    return value


def read_variable(environ: Mapping[str, str], name: str, parse: Callable[[str], T], default: T, fix: str = _FIX) -> T:
    """Return a variable's value by `parse`, or the default when it is not set; `DeclarationError` for a wrong value."""
    text = environ.get(name)
    if not text:
        return default
    try:
        return parse(text)
    except ValueError as error:
        raise DeclarationError(f"{name} is {shortened(text, MAX_PROBLEM)!r}: {error}.\n  {fix}") from error
