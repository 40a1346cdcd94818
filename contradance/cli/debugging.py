"""`contradance retry --pdb`: a handler that failed, in the author's debugger."""

import os
from bdb import BdbQuit
from pathlib import Path
from typing import TYPE_CHECKING, Final

import typer

from contradance.cli.command import the_project
from contradance.cli.target import Target, state_option
from contradance.cli.theme import err, out
from contradance.printable import printable

if TYPE_CHECKING:
    from contradance.local.rehearsal import PendingEvent

_MOST: Final = 1_000


def debug(term: str, state: Path, port: int | None) -> None:
    """Run the handler of the first delivery or dead letter that `term` selects; where it raises, start pdb.

    Nothing is kept. It exits with 1 if the handler failed, or nothing was selected; not where the user quit a debugger that
    the handler opened by `breakpoint()`.
    """
    from contradance.local.rehearsal import rehearse  # noqa: PLC0415 - loaded with the command
    from contradance.local.state.journal_table import STATE_FILE  # noqa: PLC0415 - the same
    from contradance.local.state.reader import reading  # noqa: PLC0415 - the same
    from contradance.runtime.error_description import author_traceback  # noqa: PLC0415 - the same

    target = Target(the_project(), None, None, port, state)
    found = _selected(target, term)
    if not found:
        err.print(f"No delivery waits and no dead letter is here that is about {term}.", markup=False)
        raise typer.Exit(1)
    one, count = found[0], len(found)
    function = target.choreography.functions[one.function]
    which = f", the first of {count}" if count > 1 else ""
    out.print(f"{one.function}  event {printable(one.event_id)}{which}", markup=False)
    with reading(state / STATE_FILE) as reader:
        done = rehearse(function, one.event, reader, os.environ)
    if _was_quit(done.error):
        out.print("You quit the debugger before it returned.")
        done = done._replace(error=None)
    elif done.error is not None:
        import pdb  # noqa: PLC0415, T100 - the user asked for the debugger

        err.print(author_traceback(done.error), markup=False, soft_wrap=True)
        pdb.post_mortem(done.error.__traceback__)
    elif done.refused:
        err.print(f"It did not reach the handler: {done.refused}", markup=False)
    else:
        names = ", ".join(done.published) or "nothing"
        out.print(f"It returned. It would publish {names}, and write {len(done.written)} rows.", markup=False)
    again = f"contradance dlq redrive --subscriber {one.function} --yes{state_option(state)}"
    out.print(f"Nothing was kept. Consume it as a dead letter: {again}", style="dim", markup=False)
    if done.error is not None or done.refused:
        raise typer.Exit(1)


def _was_quit(error: BaseException | None) -> bool:
    """Return whether the user ended the debugger: that raises `BdbQuit`, which the handler may have replaced."""
    while error is not None and not isinstance(error, BdbQuit):
        error = error.__cause__ or error.__context__
    return error is not None


def _selected(target: Target, term: str) -> "list[PendingEvent]":
    """Return what `term` selects: pending deliveries, then dead letters that hold their events."""
    from contradance.local.rehearsal import PendingEvent, pending_events  # noqa: PLC0415 - loaded with the command
    from contradance.local.state.ids import SHORTEST  # noqa: PLC0415 - the same
    from contradance.local.state.journal_table import STATE_FILE  # noqa: PLC0415 - the same
    from contradance.local.state.reader import reading  # noqa: PLC0415 - the same
    from contradance.operate.dead_letters import find  # noqa: PLC0415 - the same

    with reading(target.state / STATE_FILE) as reader:
        found = pending_events(reader, term)
    for letter in find(target.system, target.choreography, keep=_MOST).letters:
        ids = (letter.event_id, str(letter.metadata.get("correlation_id")))
        begins = len(term) >= SHORTEST and any(one.startswith(term) for one in ids)
        if letter.event and (begins or term in (*ids, letter.subscriber, letter.metadata.get("subject"))):
            found.append(PendingEvent(letter.subscriber, letter.event_id, letter.event))
    return [one for one in found if one.function in target.choreography.functions]
