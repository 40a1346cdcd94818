"""The command line: each command parses its arguments, calls one function and prints."""

import sys
import warnings
from contextlib import suppress
from importlib.util import find_spec
from io import TextIOWrapper
from typing import Any


def main() -> None:
    """Run the `contradance` command; exit with a message if Typer or Rich is not installed."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal that cannot show ✓ gets a question mark, not a crash
    for needed in ("typer", "rich"):
        if find_spec(needed) is None:
            sys.exit(f"contradance's commands need {needed}.\n  Install them: pip install 'contradance[local]'")
    from contradance.cli.app import app  # noqa: PLC0415 - the base install has no command line's dependencies
    from contradance.cli.theme import end_without_reader  # noqa: PLC0415 - the same

    warnings.showwarning = _show_warning
    try:
        try:
            app()
        finally:
            if isinstance(sys.stdout, TextIOWrapper):
                with suppress(ValueError):  # a handler has closed it
                    sys.stdout.flush()  # the end of the process would print an error of its own
    except BrokenPipeError:
        end_without_reader()


def _show_warning(*warning: Any, **options: Any) -> None:
    """Print a warning in one line on standard error, as `print_warning` does, which is imported only then."""
    from contradance.cli.command import print_warning  # noqa: PLC0415 - most commands print none

    print_warning(*warning, **options)
