"""What a handler's signature says: the parameters it takes and the contracts it returns."""

import inspect
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import NoneType, UnionType
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

from contradance.errors import InvalidFunction

_MODULE = re.compile(r"(?<!['\"\w.])[A-Za-z_][\w.<>]*\.(?=\w)")
"""The dotted path before a name in an annotation's text."""


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
        return f"({', '.join(f'{parameter.name}: {say(parameter.annotation)}' for parameter in self.parameters)})"


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
            "  Annotate the events it publishes, like `-> PaymentSuccess | PaymentFailed`, or `-> None`."
        )
    return Signature(tuple(parameters), hints["return"])


def unaliased(annotation: Any) -> Any:
    """Return what a type alias or a `NewType` stands for; any other annotation as it is."""
    meant = getattr(annotation, "__value__", None) or getattr(annotation, "__supertype__", None)
    return annotation if meant is None else unaliased(meant)


def members(annotation: Any) -> tuple[Any, ...]:
    """Return the members of a union, however it is nested, or the annotation alone; None is `NoneType`."""
    annotation = unaliased(annotation)
    if get_origin(annotation) is Annotated:
        return members(get_args(annotation)[0])
    if get_origin(annotation) in (Union, UnionType):
        return tuple(dict.fromkeys(one for member in get_args(annotation) for one in members(member)))
    return (NoneType if annotation is None else annotation,)


def alternatives(annotation: Any) -> tuple[Any, ...]:
    """Return the members of a union, or the annotation alone; None is left out."""
    return tuple(member for member in members(annotation) if member is not NoneType)


def published(annotation: Any) -> Iterator[Any]:
    """Yield each type that a return annotation publishes: one, a union, or the items of a list or an iterator."""
    for member in alternatives(annotation):
        origin, arguments = get_origin(member), get_args(member)
        if isinstance(origin, type) and issubclass(origin, Iterable) and not issubclass(origin, Mapping):
            items = arguments if origin is tuple else arguments[:1]
            yield from (one for item in items if item is not Ellipsis for one in members(item))
        else:
            yield member


def say(annotation: object) -> str:
    """Say an annotation as its author wrote it, without the modules."""
    if annotation is NoneType:
        return "None"
    if isinstance(annotation, type) and not get_args(annotation):
        return annotation.__name__
    return _MODULE.sub("", str(annotation)).replace("NoneType", "None")
