"""`contradance dlq pull`: brings dead letters of a stack to the laptop, where they are debugged."""

import shlex
from typing import TYPE_CHECKING, Annotated, Final, NamedTuple

import typer

from contradance.cli.command import AsJson, print_json, reporting
from contradance.cli.target import Target, of_a_system, state_option
from contradance.cli.theme import err, out
from contradance.errors import LaptopError
from contradance.operate.dead_letter import DeadLetter, Reason
from contradance.printable import printable

if TYPE_CHECKING:
    import sqlite3

    from contradance.cli.pulled import TakenLetter, TakenRow
    from contradance.operate.dead_letters import FoundLetters

_MOST: Final = 1_000
"""Most dead letters of one pull."""


@reporting
@of_a_system
def pull(
    target: Target,
    *,
    subscriber: Annotated[str | None, typer.Option(help="Only those of this function.", metavar="NAME")] = None,
    reason: Annotated[Reason | None, typer.Option(help="Only those with this reason.")] = None,
    subject: Annotated[str | None, typer.Option(help="Only those about this.", metavar="ID")] = None,
    limit: Annotated[int, typer.Option(min=1, max=_MOST, help="Most dead letters to pull.")] = 20,
    rows: Annotated[
        list[str] | None,
        typer.Option(help="Also this row, into the laptop's table; repeatable: loans.loans/KEY", metavar="TABLE/KEY"),
    ] = None,
    reveal: Annotated[
        bool, typer.Option("--reveal", help="Keep personal data as it is, instead of fakes; --confirm is needed.")
    ] = False,
    confirm: Annotated[
        str | None, typer.Option(help="With --reveal: the stack's application, to confirm.", metavar="APP")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Copy dead letters and rows of a stack to the laptop; exit with 1 if nothing was copied, or a row was not.

    They stay on the stack.

    Personal data becomes valid fakes, the same fake for the same value. With --reveal it stays, and who did that is
    recorded in revealed.jsonl in the laptop's folder. Debug with retry --pdb, redrive on the laptop with dlq redrive,
    and when the fault is repaired, on the stack.
    """
    if target.is_laptop:
        raise typer.BadParameter("name the stack that the dead letters come from.", param_hint="--stack")
    app = target.system.deployed.app
    if reveal and confirm != app:
        raise typer.BadParameter(
            f"personal data of {target.name} would be written to this machine. To confirm, add: --confirm {app}",
            param_hint="--reveal",
        )
    from contradance.cli.pulled import taken_letter  # noqa: PLC0415 - loaded with the project
    from contradance.operate.dead_letters import find, flow_and_subject  # noqa: PLC0415 - the same

    def is_about(letter: DeadLetter) -> bool:
        """Whether `--subject` is the subject of a letter's event, or is not given."""
        return subject in (None, flow_and_subject(target.choreography, letter)[1])

    taken_rows = _taken_rows(target, rows, reveal=reveal) if rows else []
    found = find(target.system, target.choreography, subscriber, reason, wanted=is_about, keep=limit)
    taken = _Taken([taken_letter(target.choreography, one, reveal=reveal) for one in found.letters], taken_rows)
    if reveal:
        from contradance.local.state.pulled import record_reveal  # noqa: PLC0415 - only this command needs it

        letters = [(one.letter.subscriber, one.letter.event_id) for one in taken.good_letters]
        record_reveal(target.state, target.name, letters, [one.name for one in taken.good_rows])
    new = _put_on_laptop(target, taken)
    if as_json:
        print_json(_taken_json(taken, new))
    else:
        _print_taken(target, taken, new)
    _print_rest(found, limit)
    if not (taken.good_letters or taken.good_rows) or any(one.why for one in taken_rows):
        raise typer.Exit(1)


def _print_rest(found: "FoundLetters", limit: int) -> None:
    """Print, on standard error, how many dead letters there are, if not all were pulled."""
    if found.count > len(found.letters) or found.cut:
        more = f"at least {found.count:,}" if found.cut else f"{found.count:,}"
        err.print(f"The first {limit} of {more} dead letters. More: add --limit N, up to {_MOST:,}", style="yellow")


class _Taken(NamedTuple):
    """The selected letters and the named rows of a stack, also those that are not put on the laptop."""

    letters: "list[TakenLetter]"
    rows: "list[TakenRow]"

    @property
    def good_letters(self) -> "list[TakenLetter]":
        """The letters that are put on the laptop."""
        return [one for one in self.letters if not one.why]

    @property
    def good_rows(self) -> "list[TakenRow]":
        """The rows that are put on the laptop."""
        return [one for one in self.rows if not one.why]


def _taken_rows(target: Target, names: list[str], *, reveal: bool) -> "list[TakenRow]":
    """Return the rows of the stack with these names, faked unless `reveal`; `OperateError` for a wrong name."""
    from contradance.cli.pulled import taken_row  # noqa: PLC0415 - loaded with the project
    from contradance.operate.aws import services  # noqa: PLC0415 - the same
    from contradance.operate.row_names import named_row, table_of  # noqa: PLC0415 - the same

    deployed = target.system.deployed
    aws = services.Boto(deployed.region)
    wanted = [named_row(target.choreography, name) for name in names]
    return [taken_row(aws, table_of(deployed, one), one, reveal=reveal) for one in wanted]


def _put_on_laptop(target: Target, taken: _Taken) -> set[str]:
    """Put letters and rows on the laptop, through its process if it runs, else into its file; return new letters' ids.

    Raises:
        LaptopError: a running laptop refuses them, or the file cannot be written.
    """
    if not (taken.good_letters or taken.good_rows):
        return set()
    from contradance.local.state.database import Database  # noqa: PLC0415 - only this command needs it
    from contradance.local.state.journal_table import STATE_FILE  # noqa: PLC0415 - the same
    from contradance.local.state.pulled import keep_pulled, keep_rows  # noqa: PLC0415 - the same
    from contradance.local.system.address import url_of  # noqa: PLC0415 - the same
    from contradance.local.system.client import LaptopClient  # noqa: PLC0415 - the same

    letters = [one.message for one in taken.good_letters]
    rows = [one.row for one in taken.rows if one.row is not None]
    client = LaptopClient(url_of(target.state, target.port), target.state)

    def keep(connection: "sqlite3.Connection") -> list[str]:
        """Write the rows and letters; return the ids of new letters."""
        keep_rows(connection, rows)
        return keep_pulled(connection, letters)

    try:
        client.description()
    except LaptopError:
        database = Database(target.state / STATE_FILE)
        try:
            return {*database.write(keep)}
        finally:
            database.close()
    return {*client.store_pulled(letters, rows)}


def _taken_json(taken: _Taken, new: set[str]) -> dict[str, object]:
    """Return what `--json` prints: the outcome of each letter and row; `new` has the ids of letters that are new."""
    letters = [
        {
            "subscriber": one.letter.subscriber,
            "event_id": one.letter.event_id,
            "outcome": "kept" if one.why else "pulled" if one.letter.message.id in new else "here already",
            "why": one.why or None,
        }
        for one in taken.letters
    ]
    rows = [{"row": one.name, "outcome": "kept" if one.why else "pulled", "why": one.why or None} for one in taken.rows]
    return {"dead_letters": letters, "rows": rows}


def _print_taken(target: Target, taken: _Taken, new: set[str]) -> None:
    """Print what was pulled, was here already or was kept, and for each function the commands to continue."""
    kept = [(one.name, one.why) for one in taken.rows if one.why]
    kept += [(f"{one.letter.subscriber}  {one.letter.event_id}", one.why) for one in taken.letters if one.why]
    for name, why in kept:
        err.print(f"kept: {printable(name)}: {why}", style="yellow")
    for row in taken.good_rows:
        out.print(f"{printable(row.name)}: pulled")
    pulled: dict[str, list[DeadLetter]] = {}
    for one in taken.good_letters:
        pulled.setdefault(one.letter.subscriber, []).append(one.letter)
    here = state_option(target.state)
    for name, letters in sorted(pulled.items()):
        redrive = f"contradance dlq redrive --subscriber {name} --yes"
        count = sum(letter.message.id in new for letter in letters)
        before = f", {len(letters) - count} here already" if count < len(letters) else ""
        out.print(f"{name}: {count} pulled{before}")
        event_id = shlex.quote(printable(letters[0].event_id))
        out.print(f"  Debug one here: contradance retry --pdb {event_id}{here}", style="dim")
        out.print(f"  Consume them here: {redrive}{here}", style="dim")
        out.print(f"  When the fault is repaired: {redrive}{target.options}", style="dim")
    if not taken.letters:
        out.print("No dead letters.")
