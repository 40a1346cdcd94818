"""`contradance retry --pdb`: a handler that failed, in the author's debugger."""

import os
import shlex
from bdb import BdbQuit
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import typer

from contradance.cli.command import the_project
from contradance.cli.setting import setting_variables
from contradance.cli.target import Target, state_option
from contradance.cli.theme import err, out
from contradance.printable import printable
from contradance.quantity import counted

if TYPE_CHECKING:
    from contradance.local.rehearsal import PendingEvent
    from contradance.operate.dead_letter import DeadLetter


class _Selected(NamedTuple):
    """The first delivery or dead letter that a term selects."""

    event: "PendingEvent"
    total: int
    """How many the term selects."""
    command: str
    """The command that makes the next attempt on the laptop."""


def debug(term: str, state: Path, port: int | None, sets: Sequence[str]) -> None:
    """Run the handler of the first delivery or dead letter that `term` selects, keep nothing; on an error, start pdb.

    It exits with 1 if the handler failed, or nothing was selected; not where the user quit a debugger that the handler opened
    by `breakpoint()`.
    """
    from contradance.local.rehearsal import rehearse  # noqa: PLC0415 - loaded with the command
    from contradance.local.state.journal_table import STATE_FILE  # noqa: PLC0415 - the same
    from contradance.local.state.reader import reading  # noqa: PLC0415 - the same
    from contradance.runtime.error_description import author_traceback  # noqa: PLC0415 - the same

    target = Target(the_project(), None, None, port, state)
    variables = {**os.environ, **setting_variables(target.choreography, sets)}
    selected = _first(target, term)
    if selected is None:
        err.print(f"No delivery waits and no dead letter is here that is about {term}.")
        raise typer.Exit(1)
    one = selected.event
    which = f", the first of {selected.total}" if selected.total > 1 else ""
    out.print(f"{one.function}  event {printable(one.event_id)}{which}")
    with reading(state / STATE_FILE) as reader:
        done = rehearse(target.choreography.functions[one.function], one.event, reader, variables)
    if _was_quit(done.error):
        out.print("You quit the debugger before it returned.")
        done = done._replace(error=None)
    elif done.error is not None:
        import pdb  # noqa: PLC0415, T100 - the user asked for the debugger

        err.print(author_traceback(done.error))
        pdb.post_mortem(done.error.__traceback__)
    elif done.refused:
        err.print(f"It did not reach the handler: {done.refused}")
    else:
        names = ", ".join(done.published) or "nothing"
        out.print(f"It returned. It would publish {names}, and write {counted(len(done.written), 'row')}.")
    out.print(f"Nothing was kept. Make an attempt that counts: {selected.command}", style="dim")
    if done.error is not None or done.refused:
        raise typer.Exit(1)


def _was_quit(error: BaseException | None) -> bool:
    """Return whether the user ended the debugger: that raises `BdbQuit`, which the handler may have replaced."""
    while error is not None and not isinstance(error, BdbQuit):
        error = error.__cause__ or error.__context__
    return error is not None


def _first(target: Target, term: str) -> _Selected | None:
    """Return the pending delivery that is due first, else the first dead letter with its event; None without any.

    Functions that the code does not have are left out.
    """
    from contradance.local.rehearsal import PendingEvent, pending_events  # noqa: PLC0415 - loaded with the command
    from contradance.local.state.journal_table import STATE_FILE  # noqa: PLC0415 - the same
    from contradance.local.state.reader import reading  # noqa: PLC0415 - the same
    from contradance.operate.dead_letters import find, flow_and_subject  # noqa: PLC0415 - the same
    from contradance.operate.shortened_id import selects  # noqa: PLC0415 - the same

    functions, option = target.choreography.functions, state_option(target.state)

    def is_about(letter: "DeadLetter") -> bool:
        """Whether `term` is the function, an id or the subject of a letter, or the beginning of an id."""
        flow, subject = flow_and_subject(target.choreography, letter)
        is_named = term in {subject, letter.subscriber} or selects(term, letter.event_id) or selects(term, flow)
        return bool(letter.event) and letter.subscriber in functions and term != "" and is_named

    with reading(target.state / STATE_FILE) as reader:
        pending = [one for one in pending_events(reader, term) if one.function in functions]
    found = find(target.system, target.choreography, wanted=is_about, keep=1)
    total = len(pending) + found.count
    for one in pending[:1]:
        return _Selected(one, total, f"contradance retry {shlex.quote(printable(one.event_id))}{option}")
    for letter in found.letters:
        redrive = f"contradance dlq redrive --subscriber {letter.subscriber} --yes{option}"
        return _Selected(PendingEvent(letter.subscriber, letter.event_id, letter.event or {}), total, redrive)
    return None
