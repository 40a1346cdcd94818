"""The command line: parse, call one function, print."""

import sys


def main() -> None:
    """Run the `contradance` command."""
    try:
        from contradance.cli.app import app  # noqa: PLC0415 - the base install has no command line's dependencies
    except ModuleNotFoundError as error:
        sys.exit(f"contradance's commands need {error.name}.\n  Install them: pip install 'contradance[local]'")
    app()
