"""What a handler's signature says: its parameters in order, and what it returns."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, get_type_hints

from contradance.annotation import type_name
from contradance.errors import InvalidFunction


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter of a handler; `default` is `inspect.Parameter.empty` where there is none."""

    name: str
    annotation: Any
    default: object

    @property
    def required(self) -> bool:
        """Whether it has no default."""
        return self.default is inspect.Parameter.empty


@dataclass(frozen=True, slots=True)
class Signature:
    """A handler's parameters in order, and its return annotation."""

    parameters: tuple[Parameter, ...]
    returns: Any

    def __str__(self) -> str:
        return f"({', '.join(f'{parameter.name}: {type_name(parameter.annotation)}' for parameter in self.parameters)})"


def signature(handler: Callable[..., object], function: str) -> Signature:
    """Read the signature of `handler`; raise `InvalidFunction`, naming `function`, where it is not complete."""
    if inspect.iscoroutinefunction(handler) or inspect.isasyncgenfunction(handler):
        raise InvalidFunction(
            f"{function} is async, but Lambda runs one delivery at a time.\n  Write def instead of async def."
        )
    try:
        hints = get_type_hints(handler, include_extras=True)
    except (NameError, AttributeError, SyntaxError, TypeError) as error:
        raise InvalidFunction(
            f"{function} has an annotation that cannot be evaluated: {error}.\n"
            "  Import the name at run time, not under TYPE_CHECKING; a handler's annotations are its wiring."
        ) from error
    parameters = []
    for parameter in inspect.signature(handler).parameters.values():
        if parameter.kind is not inspect.Parameter.POSITIONAL_OR_KEYWORD:
            raise InvalidFunction(
                f"{function} takes {parameter}, but a handler is called with its parameters in order.\n"
                f"  Make {parameter.name!r} an ordinary parameter."
            )
        if parameter.name not in hints:
            raise InvalidFunction(
                f"{function} does not annotate its parameter {parameter.name!r}.\n"
                f"  Annotate it: the type of a parameter says what the function is given."
            )
        parameters.append(Parameter(parameter.name, hints[parameter.name], parameter.default))
    if "return" not in hints:
        raise InvalidFunction(
            f"{function} does not say what it returns.\n"
            "  Annotate the events it publishes, like `-> LoanExtended | ExtensionRefused`, or `-> None`."
        )
    return Signature(tuple(parameters), hints["return"])
