"""What every command has: its options, the project it works on, and how it reports what went wrong."""

import json
import sys
import warnings
from collections.abc import Callable, Iterable
from functools import wraps
from pathlib import Path
from typing import Annotated, ParamSpec, TypeVar

import typer

from contradance.cli.theme import err
from contradance.errors import ContradanceError, UnconsumedEvent
from contradance.project import Project, find_project

P = ParamSpec("P")
R = TypeVar("R")

StateFolder = Annotated[Path, typer.Option("--state", help="Folder of the laptop's state.", metavar="DIR")]
Port = Annotated[int, typer.Option("--port", min=0, max=65_535, help="Port on 127.0.0.1.")]
Sets = Annotated[
    list[str] | None, typer.Option("--set", help="A setting's value; may be given again.", metavar="NAME=VALUE")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for a machine to read.")]


def reporting(command: Callable[P, R]) -> Callable[P, R]:
    """Print what contradance raises on purpose as a message, and exit with 1."""

    @wraps(command)
    def reported(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return command(*args, **kwargs)
        except ContradanceError as error:
            err.print(f"{type(error).__name__}: {error}", style="red", markup=False)
            raise typer.Exit(1) from error

    return reported


def print_json(said: object) -> None:
    """Print JSON on standard output, and nothing else."""
    sys.stdout.write(json.dumps(said, indent=2, ensure_ascii=False) + "\n")


def say_warning(
    message: Warning | str, category: type[Warning], filename: str, lineno: int, *_: object, **__: object
) -> None:
    """Print a warning as a line, as `warnings.showwarning` does; contradance's own says by itself where it comes from."""
    place = "" if issubclass(category, UnconsumedEvent) else f" ({filename}, line {lineno})"
    err.print(f"warning: {message}{place}", style="yellow", markup=False)


def the_project() -> Project:
    """Return the project that the command is run in."""
    return find_project(Path.cwd())


def completing(names: Callable[[], Iterable[str]]) -> Callable[[str], list[str]]:
    """Complete a word from the project's names; where there is no project, or one with a mistake, from none."""

    def complete(incomplete: str) -> list[str]:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                return [name for name in names() if name.startswith(incomplete)]
        except Exception:  # noqa: BLE001 - a shell that is completing a word wants no traceback
            return []

    return complete


def text_of(data: str, option: str = "--data") -> str:
    """Return what an option names."""
    try:
        if data == "-":
            return sys.stdin.read()
        return Path(data[1:]).read_text(encoding="utf-8") if data.startswith("@") else data
    except (OSError, UnicodeDecodeError) as error:
        reason = (error.strerror or error) if isinstance(error, OSError) else "it is not UTF-8"
        raise typer.BadParameter(f"{data} cannot be read: {reason}", param_hint=option) from error


def write_text(text: str, to: Path | None) -> None:
    """Write `text` to a file, or to the standard output where none is named."""
    if to is None:
        sys.stdout.write(text)
        return
    try:
        to.write_text(text, encoding="utf-8")
    except OSError as error:
        raise typer.BadParameter(f"{to} cannot be written: {error.strerror or error}", param_hint="--out") from error
