"""What commands share: options, the project, error reports, and reading and writing text."""

import sys
import traceback
import warnings
from collections.abc import Callable, Iterable
from functools import wraps
from itertools import count
from math import isnan
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, ParamSpec, TypeVar

import typer
from typer.core import TyperGroup
from typer.exceptions import TyperException

from contradance.bounds import MAX_PROBLEM_ANSWER_BYTES, MAX_REASON_BYTES, shortened
from contradance.cli.theme import OutputFailed, end_if_output_failed, err
from contradance.errors import ContradanceError, DeclarationError, UnconsumedEvent, error_message
from contradance.printable import encodable, printable_block, printable_json

if TYPE_CHECKING:
    from contradance.choreography import Choreography
    from contradance.project import Project

P = ParamSpec("P")
R = TypeVar("R")

StateFolder = Annotated[Path, typer.Option("--state", help="Folder of the laptop's state.", metavar="DIR")]
Port = Annotated[
    int | None,
    typer.Option(
        "--port", min=0, max=65_535, help="Port on 127.0.0.1; default: the one in the laptop's folder, else 8700."
    ),
]
Sets = Annotated[list[str] | None, typer.Option("--set", help="A setting's value; repeatable.", metavar="NAME=VALUE")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
MOST: Final = 1_000_000
"""Largest value of an option that limits a list."""
Limit = Annotated[
    int, typer.Option("--limit", min=0, max=MOST, help="Print at most so many, the latest; 0 prints all.")
]
LATEST: Final = 500
"""Default of `Limit`."""
_INTERRUPTED: Final = 128 + 2
"""Exit code of a Unix command that was interrupted: that of SIGINT."""
_LONGEST_TEXT: Final = 4_096
"""Longest name, path or sentence on a command line, in characters; messages repeat them."""
_CONTENTS: Final = frozenset({"data", "where", "settings"})
"""Parameters that take a document, of any length."""
_MOST_WARNINGS: Final = 100
"""Most warnings that one command prints."""
_warnings: Final = count(1)


def not_nan(value: float) -> float:
    """Return an option's value unchanged; raise `BadParameter` for NaN, which no minimum and no maximum refuses."""
    if isnan(value):
        raise typer.BadParameter("nan is not a number.")
    return value


class SafeGroup(TyperGroup):
    """The commands; a usage error, which Typer prints itself, shows what was typed as `printable_block` returns it.

    It names the option, or the argument, of the parameter that is its `param_hint`.
    """

    def invoke(self, ctx: Any) -> Any:
        """Run the command that was typed; raise a usage error again, with its message made printable."""
        try:
            return super().invoke(ctx)
        except TyperException as error:
            if isinstance(message := getattr(error, "message", None), str):
                error.message = printable_block(shortened(message, MAX_REASON_BYTES))
            if isinstance(error, typer.BadParameter) and error.ctx is not None:
                parameters: list[Any] = error.ctx.command.params
                hints = {one.name: one.get_error_hint() for one in parameters}
                error.param_hint = hints.get(str(error.param_hint), error.param_hint)
            raise


def reporting(command: Callable[P, R]) -> Callable[P, R]:
    """Decorate a command: print a `ContradanceError` as a message, another error with its traceback, and exit with 1.

    It ends with one line when its output cannot be written, and quietly when the reader has gone. A message has its page of
    the documentation. A traceback begins at the command: the frames of Typer would hide the author's.
    """

    @wraps(command)
    def reported(*args: P.args, **kwargs: P.kwargs) -> R:
        given = [(name, text) for name, value in kwargs.items() for text in _texts(value)]
        for name, text in given:
            _check_text(name, text)
        try:
            return command(*args, **kwargs)
        except ContradanceError as error:
            message = shortened(error_message(error), MAX_PROBLEM_ANSWER_BYTES)
            err.print(f"{type(error).__name__}: {message}", style="red")
            if error.page:
                err.print(f"See the page {error.page} of contradance's documentation.", style="dim")
            raise typer.Exit(_INTERRUPTED if isinstance(error.__cause__, KeyboardInterrupt) else 1) from error
        except (typer.Exit, typer.Abort, TyperException, OutputFailed):
            raise
        except (Exception, SystemExit) as error:
            if isinstance(error, OSError):
                end_if_output_failed(error)
                named = error.filename if isinstance(error.filename, str) else ""
                if any(text and text in named for _, text in given):
                    err.print(f"{named} cannot be used: {error.strerror}", style="red")
                    raise typer.Exit(1) from error
            own = error.__traceback__.tb_next if error.__traceback__ else None
            err.print("".join(traceback.format_exception(type(error), error, own)), style="red")
            raise typer.Exit(1) from error

    return reported


def _texts(value: object) -> list[str]:
    """Return the texts in the value of an option or an argument: its own, or those of a list or a path."""
    if isinstance(value, list | tuple):
        return [text for one in value for text in _texts(one)]
    return [str(value)] if isinstance(value, str | Path) else []


def _check_text(name: str, text: str) -> None:
    """Raise `BadParameter` for text that is not UTF-8, or too long for a name, a path or a sentence."""
    if text != encodable(text):
        raise typer.BadParameter("it is not UTF-8.", param_hint=name)
    if len(text) > _LONGEST_TEXT and name not in _CONTENTS:
        raise typer.BadParameter(
            f"it has {len(text):,} characters; at most {_LONGEST_TEXT:,} are possible.", param_hint=name
        )


def print_json(value: object) -> None:
    """Write a JSON value, indented, to standard output; control characters are escaped."""
    sys.stdout.write(printable_json(value, indent=2) + "\n")


def print_warning(
    message: Warning | str, category: type[Warning], filename: str, lineno: int, *_: object, **__: object
) -> None:
    """Print a warning on standard error, with its file and line unless it is an `UnconsumedEvent`; only the first ones."""
    position = next(_warnings)
    if position > _MOST_WARNINGS + 1:
        return
    place = "" if issubclass(category, UnconsumedEvent) else f" ({filename}, line {lineno})"
    text = f"{shortened(str(message), MAX_REASON_BYTES)}{place}"
    if position > _MOST_WARNINGS:
        text = f"further warnings are left out; these were {_MOST_WARNINGS}."
    err.print(f"warning: {text}", style="yellow" if err.is_terminal else "")  # for a handler it is not a terminal


def the_project() -> "Project":
    """Return the project of the current folder or the nearest one above it; raise `DeclarationError` without one."""
    from contradance.project import find_project  # noqa: PLC0415 - help and completion need no project

    try:
        here = Path.cwd()
    except FileNotFoundError as error:
        raise DeclarationError("the current folder does not exist any more.\n  Change into the project.") from error
    return find_project(here)


def full_name(function: str, choreography: "Choreography") -> str:
    """Return `service.handler` for a handler's name, other text unchanged; `DeclarationError` if several have it."""
    found = [name for name in choreography.functions if name.partition(".")[2] == function]
    if len(found) > 1:
        raise DeclarationError(f"{function!r} is the name of several functions.\n  Name one of: {', '.join(found)}.")
    return found[0] if found else function


def completing(names: Callable[[], Iterable[str]]) -> Callable[[str], list[str]]:
    """Return a shell completion over `names()`; it offers nothing when the project is missing or fails to load."""

    def complete(incomplete: str) -> list[str]:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                return [name for name in names() if name.startswith(incomplete)]
        except Exception:  # noqa: BLE001 - a traceback would disturb the shell
            return []

    return complete


def text_of(data: str, option: str = "--data") -> str:
    """Return a value's text: itself, the content of `@file`, or standard input for `-`; or raise `BadParameter`."""
    try:
        if data == "-":
            if sys.stdin is None:
                raise typer.BadParameter("standard input is closed.", param_hint=option)
            return sys.stdin.read()
        return Path(data[1:]).read_text(encoding="utf-8") if data.startswith("@") else data
    except (OSError, UnicodeDecodeError) as error:
        reason = (error.strerror or error) if isinstance(error, OSError) else "it is not UTF-8"
        raise typer.BadParameter(f"{data} cannot be read: {reason}", param_hint=option) from error


def write_text(text: str, to: Path | None) -> None:
    """Write `text` to a file, whose folders are created, or to standard output for None; `BadParameter` if it fails."""
    if to is None:
        sys.stdout.write(text)
        return
    try:
        to.parent.mkdir(parents=True, exist_ok=True)
        to.write_text(text, encoding="utf-8")
    except OSError as error:
        raise typer.BadParameter(f"{to} cannot be written: {error.strerror or error}", param_hint="--out") from error
