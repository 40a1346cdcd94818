"""`contradance logs`."""

from datetime import UTC, datetime
from typing import Annotated

import typer

from contradance.cli.command import LATEST, AsJson, Limit, reporting
from contradance.cli.moment import moment
from contradance.cli.replaying import pauses
from contradance.cli.target import Target, of_a_system
from contradance.cli.theme import Services, err
from contradance.operate.level import Level
from contradance.quantity import counted


@reporting
@of_a_system
def logs(
    target: Target,
    *,
    function: Annotated[
        str | None, typer.Option("--function", "--subscriber", help="Only this function's.", metavar="NAME")
    ] = None,
    level: Annotated[
        Level | None,
        typer.Option(
            help="Only lines of this level and above. An attempt that is retried is a WARNING; a dead letter, and an answer 500, an ERROR.",
            case_sensitive=False,
        ),
    ] = None,
    subject: Annotated[str | None, typer.Option(help="Only those about this.", metavar="ID")] = None,
    since: Annotated[str, typer.Option(help="2026-01-31T18:00 (UTC) or 90m (ago).", metavar="MOMENT")] = "1h",
    limit: Limit = LATEST,
    follows: Annotated[bool, typer.Option("--follow", "-f", help="Continue with new lines, until Ctrl-C.")] = False,
    as_json: AsJson = False,
) -> None:
    """Print what the functions logged, each delivery, and each failure with its traceback: the latest 500 lines."""
    from contradance.cli.log_printer import LogPrinter  # noqa: PLC0415 - loaded with the project
    from contradance.operate.journal import Wanted  # noqa: PLC0415 - loaded with the project

    wanted = Wanted(
        moment(since, datetime.now(UTC), "--since"),
        function=function,
        subject=subject,
        level=level,
        latest=limit or None,
    )
    printer = LogPrinter(Services(target.choreography.services), as_json=as_json)
    if function is not None:
        target.system.function(function)
    with target.journal(wanted.since) as journal:
        lines = journal.follow(wanted, pauses(target.is_laptop)) if follows else journal.lines(wanted)
        printed = 0
        try:
            for line in lines:
                printer.print(line)
                printed += 1
        except KeyboardInterrupt:
            raise typer.Exit(0) from None
    if limit and printed == limit:
        err.print(f"The latest {counted(limit, 'line')}. All: add --limit 0", style="dim")
