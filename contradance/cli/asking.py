"""Questions to the user, for values that a command was not given."""

import sys
from collections.abc import Callable, Sequence

import typer

from contradance.cli.theme import err
from contradance.errors import CannotCreate


def ask_unless_given(given: str | None, question: str, option: str, check: Callable[[str], object]) -> str:
    """Return `given`, or an answer that `check` accepts by raising no `CannotCreate`; `BadParameter` off a terminal."""
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


def ask_words(question: str, default: str | None, option: str | None = None) -> Sequence[str]:
    """Return the words that the user types; without a terminal none, or raise `BadParameter` if `option` is given."""
    if not sys.stdin.isatty():
        if option is None:
            return []
        raise typer.BadParameter("it is missing.", param_hint=option)
    return str(typer.prompt(f"{question}, with spaces between", default=default)).split()
