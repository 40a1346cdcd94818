"""Questions to the user, for values that a command was not given."""

import sys
from collections.abc import Callable, Sequence

import typer

from contradance.cli.theme import err
from contradance.errors import CannotCreate


def asked(given: str | None, question: str, option: str, check: Callable[[str], object]) -> str:
    """Return a given value, or ask for it until `check` accepts it; without a terminal, raise `BadParameter`."""
    if given is not None:
        check(given)
        return given
    if not sys.stdin.isatty():
        raise typer.BadParameter("it is missing.", param_hint=option)
    while True:
        answer: str = typer.prompt(question)
        try:
            check(answer)
        except CannotCreate as refusal:
            err.print(str(refusal), style="red")
        else:
            return answer


def several(question: str, default: str | None, option: str | None = None) -> Sequence[str]:
    """Ask for several words on a terminal; without one, return none, or raise `BadParameter` for `option`."""
    if not sys.stdin.isatty():
        if option is None:
            return []
        raise typer.BadParameter("it is missing.", param_hint=option)
    return str(typer.prompt(f"{question}, with spaces between", default=default)).split()
