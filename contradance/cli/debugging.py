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
    from contradance.choreography import Choreography
    from contradance.local.rehearsal import PendingEvent
    from contradance.local.state.reader import Reader
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

    Raises:
        OperateError: the term is the beginning of several ids.
    """
    from contradance.local.rehearsal import PendingEvent, pending_events  # noqa: PLC0415 - loaded with the command
    from contradance.local.state.journal_table import STATE_FILE  # noqa: PLC0415 - the same
    from contradance.local.state.reader import reading  # noqa: PLC0415 - the same
    from contradance.operate.dead_letters import find  # noqa: PLC0415 - the same

    functions, option = target.choreography.functions, state_option(target.state)
    with reading(target.state / STATE_FILE) as reader:
        whole = _whole_term(target, reader, term)
        pending = [one for one in pending_events(reader, whole) if one.function in functions]

    def is_about(letter: "DeadLetter") -> bool:
        """Whether the term is the function, an id or the subject of a letter with an event."""
        is_named = whole in {letter.subscriber, *_names(target.choreography, letter)}
        return bool(letter.event) and letter.subscriber in functions and whole != "" and is_named

    found = find(target.system, target.choreography, wanted=is_about, keep=1)
    total = len(pending) + found.count
    for one in pending[:1]:
        return _Selected(one, total, f"contradance retry {shlex.quote(printable(one.event_id))}{option}")
    for letter in found.letters:
        redrive = f"contradance dlq redrive --subscriber {letter.subscriber} --yes{option}"
        return _Selected(PendingEvent(letter.subscriber, letter.event_id, letter.event or {}), total, redrive)
    return None


def _whole_term(target: Target, reader: "Reader", term: str) -> str:
    """Return the id that a beginning shortens, of the laptop's flows, events and dead letters; any other term unchanged.

    Raises:
        OperateError: several ids begin with it.
    """
    from contradance.local.state.ids import known_ids  # noqa: PLC0415 - loaded with the command
    from contradance.operate.dead_letters import find  # noqa: PLC0415 - the same
    from contradance.operate.shortened_id import selects, whole_id  # noqa: PLC0415 - the same

    known = {*known_ids(reader.read, term)}

    def note_names(letter: "DeadLetter") -> bool:
        """Add the names of a letter that the term selects; take no letter."""
        event_id, flow, subject = _names(target.choreography, letter)
        known.update(name for name in (event_id, flow) if selects(term, name))
        known.update({subject, letter.subscriber} & {term})
        return False

    find(target.system, target.choreography, wanted=note_names)
    return whole_id(term, known)


def _names(choreography: "Choreography", letter: "DeadLetter") -> tuple[str, str, str]:
    """Return the ids of a letter's event and flow, and its subject."""
    from contradance.operate.dead_letters import flow_and_subject  # noqa: PLC0415 - loaded with the command

    return letter.event_id, *flow_and_subject(choreography, letter)
