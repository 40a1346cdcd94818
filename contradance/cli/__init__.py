"""The command line: each command parses its arguments, calls one function and prints."""

import sys
import warnings
from io import TextIOWrapper


def main() -> None:
    """Run the `contradance` command."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal that cannot show ✓ gets a question mark, not a crash
    try:
        from contradance.cli.app import app  # noqa: PLC0415 - the base install has no command line's dependencies
        from contradance.cli.command import print_warning  # noqa: PLC0415 - the same
    except ModuleNotFoundError as error:
        missing, _, _ = str(error.name).partition(".")
        sys.exit(f"contradance's commands need {missing}.\n  Install them: pip install 'contradance[local]'")
    warnings.showwarning = print_warning
    app()
