"""`contradance prune`: deletes old events of a laptop that is stopped."""

from datetime import UTC, datetime
from typing import Annotated, Final

import typer

from contradance.cli.command import AsJson, StateFolder, print_json, reporting, the_project
from contradance.cli.moment import moment
from contradance.cli.theme import out
from contradance.local.names import DEFAULT_STATE
from contradance.quantity import counted

_IN_USE: Final = (
    "It deletes old events itself, every hour: those older than its option --archive-days. Stop it to prune now."
)


@reporting
def prune(
    *,
    older_than: Annotated[
        str, typer.Option(help="The age of what is deleted, like 14d, or a moment: 2026-01-31T18:00 (UTC).")
    ] = "14d",
    state: StateFolder = DEFAULT_STATE,
    yes: Annotated[bool, typer.Option("--yes", help="Do it; without this, only print what would be done.")] = False,
    as_json: AsJson = False,
) -> None:
    """Delete old events of a stopped laptop, and their journal; exit with 1 if it runs, because it deletes them itself.

    An event that waits, is retried or is a dead letter stays, and its flow. A
    once-record stays for as long as its event can come back.
    """
    from contradance.local.clock import RealClock  # noqa: PLC0415 - loaded with the project
    from contradance.local.pruning import Pruner  # noqa: PLC0415 - the same
    from contradance.local.state.database import Database  # noqa: PLC0415 - the same
    from contradance.local.state.journal_table import STATE_FILE  # noqa: PLC0415 - the same
    from contradance.local.state.reader import reading  # noqa: PLC0415 - the same

    now, file = datetime.now(UTC), state / STATE_FILE
    kept = now - moment(older_than, now, "--older-than")
    choreography = the_project().choreography()
    with reading(file):
        before = file.stat().st_size
    database = Database(file, in_use=_IN_USE)
    try:
        pruner = Pruner(database, RealClock(), kept, choreography)
        pruned = pruner.run() if yes else pruner.preview()
        if yes:
            database.compact()
    finally:
        database.close()
    after = file.stat().st_size
    if as_json:
        print_json({**pruned._asdict(), "bytes_before": before, "bytes_after": after, "deleted": yes})
        return
    deleted = ((pruned.events, "event"), (pruned.records, "journal record"), (pruned.once, "once-record"))
    out.print(", ".join(counted(count, noun) for count, noun in deleted))
    if yes:
        out.print(f"Deleted. The state is {_megabytes(after)} now, of {_megabytes(before)}.")
    else:
        out.print("Dry run: nothing was deleted. Delete it: add --yes", style="yellow")


def _megabytes(count: int) -> str:
    """Return a number of bytes as text in MB of 1,000,000 bytes, with one decimal."""
    return f"{count / 1e6:,.1f} MB"
