"""A handler's signature: the service it belongs to, its parameters in order, and its return annotation."""

import inspect
import re
from collections.abc import Callable
from dataclasses import dataclass
from types import FunctionType
from typing import Any, Final, get_type_hints

from contradance.annotation import type_name
from contradance.errors import DeclarationError, InvalidFunction

_DEPLOYED: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*\.[A-Za-z_][A-Za-z0-9_-]*")
"""A deployed name: `service.name`. `|` separates it from an event's source in once-keys."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter of a handler; `default` is `inspect.Parameter.empty` when it has none."""

    name: str
    annotation: Any
    default: object

    @property
    def required(self) -> bool:
        """Whether it has no default."""
        return self.default is inspect.Parameter.empty


@dataclass(frozen=True, slots=True)
class Signature:
    """A handler's service, parameters and return annotation; `function` names the handler in errors."""

    service: str
    function: str
    parameters: tuple[Parameter, ...]
    returns: Any

    def __str__(self) -> str:
        return f"({', '.join(f'{parameter.name}: {type_name(parameter.annotation)}' for parameter in self.parameters)})"


def service_of(module: str, what: str, refusal: type[DeclarationError]) -> str:
    """Return the folder of a module, its service: `loans` for `functions.loans.tables`; raise `refusal` without."""
    parts = module.split(".")
    if len(parts) < 2:  # noqa: PLR2004 - a module inside a package
        raise refusal(
            f"{what} is declared in the module {module!r}, which is not in a folder, so it has no service.\n"
            "  Put it in a service's folder, like functions/loans/, or write service='loans'."
        )
    return parts[-2]


def describe_function(service: str, handler: Callable[..., object]) -> str:
    """Return the name of a function in errors: `loans.remind_reader (functions/loans/remind_reader.py, line 12)`."""
    line = f", line {handler.__code__.co_firstlineno}" if isinstance(handler, FunctionType) else ""
    return f"{service}.{handler.__name__} ({handler.__module__.replace('.', '/')}.py{line})"


def read_signature(handler: Callable[..., object], service: str | None) -> Signature:
    """Return the signature of a handler, with its module's folder unless `service`; else `InvalidFunction`.

    Raises:
        InvalidFunction: the handler is not a plain function, or its signature is not complete.
    """
    if not isinstance(handler, FunctionType):
        raise InvalidFunction(
            f"{handler!r} is not a plain function.\n"
            "  Decorate a def, and call the decorator: @subscriber(), @route('GET /x'), @schedule('rate(1 day)')."
        )
    owner = service or service_of(handler.__module__, f"function {handler.__name__!r}", InvalidFunction)
    function = describe_function(owner, handler)
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
    parameters = tuple(_read_parameter(function, one, hints) for one in inspect.signature(handler).parameters.values())
    if "return" not in hints:
        raise InvalidFunction(
            f"{function} has no return annotation.\n"
            "  Annotate the events it publishes, like `-> LoanExtended | ExtensionRefused`, or `-> None`."
        )
    return Signature(owner, function, parameters, hints["return"])


def _read_parameter(function: str, parameter: inspect.Parameter, hints: dict[str, Any]) -> Parameter:
    """Return a parameter with its evaluated annotation; `InvalidFunction` if keyword-only or not annotated."""
    if parameter.kind is not inspect.Parameter.POSITIONAL_OR_KEYWORD:
        raise InvalidFunction(
            f"{function} takes {parameter}, but a handler is called with its parameters in order.\n"
            f"  Make {parameter.name!r} an ordinary parameter."
        )
    if parameter.name not in hints:
        raise InvalidFunction(
            f"{function} does not annotate its parameter {parameter.name!r}.\n"
            "  Annotate it: the type of a parameter selects what the function receives."
        )
    return Parameter(parameter.name, hints[parameter.name], parameter.default)


def check_whole_number(function: str, option: str, value: object) -> None:
    """Raise `InvalidFunction` for an option that is not an int; a bool is not one."""
    if not isinstance(value, int) or isinstance(value, bool):
        raise InvalidFunction(f"{function} has {option}={value!r}, which is not a whole number.\n  Write an int.")


def deployed_name(what: str, full: str, deployed_as: str | None, error: type[DeclarationError]) -> str:
    """Return the name, `service.name`, under which `full` is deployed; raise `error` for an impossible one."""
    if not deployed_as:
        if not _DEPLOYED.fullmatch(full):
            raise error(
                f"{what} has the name {full!r}, which AWS does not accept.\n"
                "  Use ASCII letters, digits and '_' for the name and for its service."
            )
        return full
    pinned = deployed_as if "." in deployed_as else f"{full.partition('.')[0]}.{deployed_as}"
    if not _DEPLOYED.fullmatch(pinned):
        raise error(
            f"{what} has deployed_as={deployed_as!r}.\n  Write its earlier name: 'old_name' or 'old_service.old_name'."
        )
    return pinned
