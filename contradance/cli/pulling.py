"""`contradance dlq pull`: brings dead letters of a stack to the laptop, where they are debugged."""

import shlex
from typing import Annotated, Final, NamedTuple

import typer

from contradance.cli.command import AsJson, print_json, reporting
from contradance.cli.pulled import TakenLetter, TakenRow, taken_letter, taken_row
from contradance.cli.target import Target, of_a_system, state_option
from contradance.cli.theme import err, out
from contradance.errors import LaptopError
from contradance.operate.dead_letter import Reason
from contradance.printable import printable

_MOST: Final = 1_000


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
    """Copy dead letters of a stack, and rows that you name, to the laptop, to debug them; they stay on the stack.

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
    from contradance.operate.dead_letters import find  # noqa: PLC0415 - loaded with the project

    taken_rows = _rows(target, rows, reveal=reveal) if rows else []
    found = find(target.system, target.choreography, subscriber, reason, keep=_MOST).letters
    about = [one for one in found if subject in (None, one.metadata.get("subject"))][:limit]
    taken = _Taken([taken_letter(target.choreography, one, reveal=reveal) for one in about], taken_rows)
    if reveal:
        from contradance.local.state.pulled import record_reveal  # noqa: PLC0415 - only this command needs it

        letters = [(one.letter.subscriber, one.letter.event_id) for one in taken.good_letters]
        record_reveal(target.state, target.name, letters, [one.name for one in taken.good_rows])
    new = _keep(target, taken)
    if as_json:
        print_json(_as_json(taken, new))
    else:
        _report(target, taken)
    if not (taken.good_letters or taken.good_rows) or any(one.why for one in taken_rows):
        raise typer.Exit(1)


class _Taken(NamedTuple):
    """What was taken from a stack, or stays there."""

    letters: list[TakenLetter]
    rows: list[TakenRow]

    @property
    def good_letters(self) -> list[TakenLetter]:
        """The letters that can be brought here."""
        return [one for one in self.letters if not one.why]

    @property
    def good_rows(self) -> list[TakenRow]:
        """The rows that can be brought here."""
        return [one for one in self.rows if not one.why]


def _rows(target: Target, names: list[str], *, reveal: bool) -> list[TakenRow]:
    """Return the named rows of the stack, personal data faked unless `reveal`."""
    from contradance.operate.aws import services  # noqa: PLC0415 - only for a stack
    from contradance.operate.row_names import named_row, table_of  # noqa: PLC0415 - loaded with the project

    deployed = target.system.deployed
    aws = services.Boto(deployed.region)
    wanted = [named_row(target.choreography, name) for name in names]
    return [taken_row(aws, table_of(deployed, one), one, reveal=reveal) for one in wanted]


def _keep(target: Target, taken: _Taken) -> set[str]:
    """Put letters on the laptop's queues and rows into its tables: through the running laptop, else into its file.

    Return the ids of the letters that are new.
    """
    from contradance.local.state.database import Database  # noqa: PLC0415 - only this command needs it
    from contradance.local.state.journal_table import STATE_FILE  # noqa: PLC0415 - the same
    from contradance.local.state.pulled import keep_pulled, keep_rows  # noqa: PLC0415 - the same
    from contradance.local.system.address import url_of  # noqa: PLC0415 - the same
    from contradance.local.system.client import LaptopClient  # noqa: PLC0415 - the same

    letters = [one.message for one in taken.good_letters]
    rows = [one.row for one in taken.rows if one.row is not None]
    client = LaptopClient(url_of(target.state, target.port), target.state)
    try:
        client.description()
    except LaptopError:
        database = Database(target.state / STATE_FILE)
        try:
            database.write(lambda connection: keep_rows(connection, rows))
            return {*database.write(lambda connection: keep_pulled(connection, letters))}
        finally:
            database.close()
    return {*client.store_pulled(letters, rows)}


def _as_json(taken: _Taken, new: set[str]) -> dict[str, object]:
    """Return the outcome of each letter and row."""
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


def _report(target: Target, taken: _Taken) -> None:
    """Print what was pulled or kept, and the commands to continue."""
    kept = [(one.name, one.why) for one in taken.rows if one.why]
    kept += [(f"{one.letter.subscriber}  {one.letter.event_id}", one.why) for one in taken.letters if one.why]
    for name, why in kept:
        err.print(f"kept: {printable(name)}: {why}", style="yellow")
    for row in taken.good_rows:
        out.print(f"{printable(row.name)}: pulled")
    pulled: dict[str, list[str]] = {}
    for one in taken.good_letters:
        pulled.setdefault(one.letter.subscriber, []).append(one.letter.event_id)
    here = state_option(target.state)
    for name, ids in sorted(pulled.items()):
        redrive = f"contradance dlq redrive --subscriber {name} --yes"
        out.print(f"{name}: {len(ids)} pulled")
        out.print(f"  Debug one here: contradance retry --pdb {shlex.quote(printable(ids[0]))}{here}", style="dim")
        out.print(f"  Consume them here: {redrive}{here}", style="dim")
        out.print(f"  When the fault is repaired: {redrive}{target.options}", style="dim")
    if not taken.letters:
        out.print("No dead letters.")
