"""`contradance replay`, `logs` and `doctor`."""

import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Final
from uuid import uuid4

import typer
from rich.text import Text

from contradance.cli.attempt import ShownTracebacks, attempt_lines
from contradance.cli.command import AsJson, print_json, reporting
from contradance.cli.log_lines import entry_lines
from contradance.cli.moment import format_moment, moment
from contradance.cli.target import Target, of_a_system
from contradance.cli.theme import Services, err, out, short
from contradance.operate.doctor import examine
from contradance.operate.forecast import Forecast
from contradance.operate.journal import Level, LogLine, Wanted, entry_of_line, follow
from contradance.operate.replay import ARCHIVE_LAG, ReplayPlan, plan, start, watch
from contradance.printable import printable_json

if TYPE_CHECKING:
    from rich.progress import Progress

_LOOK_SECONDS: Final = {True: 0.2, False: 5.0}
"""Pause between two requests, on the laptop and on AWS."""
_NAME_LENGTH: Final = 12
_LAG_MINUTES: Final = int(ARCHIVE_LAG.total_seconds()) // 60


@reporting
@of_a_system
def replay(
    target: Target,
    *,
    subscriber: Annotated[str, typer.Option(help="The function that consumes the events again.", metavar="NAME")],
    first: Annotated[str, typer.Option("--from", help="2026-01-31T18:00 (UTC), 90m (ago) or now.", metavar="MOMENT")],
    last: Annotated[str, typer.Option("--to", help="The same; up to but not including it.", metavar="MOMENT")],
    again: Annotated[
        bool, typer.Option("--again", help="Also events that it has completed: it handles each as a new event.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do it; without this, only print what would be done.")] = False,
    confirm: Annotated[
        str | None,
        typer.Option(help="The function's name again, where --again makes it publish again.", metavar="NAME"),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Replay a window of the archive to one subscriber; events that it has completed have no effect without --again."""
    now = datetime.now(UTC)
    planned = plan(
        target.system,
        target.choreography,
        subscriber,
        moment(first, now, "--from"),
        moment(last, now, "--to"),
        identifier=uuid4().hex[:_NAME_LENGTH],
        again=again,
    )
    if not yes:
        _print_forecast(planned, target.forecast(planned), now, as_json=as_json, is_laptop=target.is_laptop)
        return
    if planned.publishes_again and confirm != subscriber:
        published = " or ".join(contract.__name__ for contract in planned.function.publishes)
        raise typer.BadParameter(
            f"{subscriber} publishes {published}. With --again it publishes new events, and every consumer handles them "
            f"as new. To confirm, add: --confirm {subscriber}",
            param_hint="--again",
        )
    begun = start(target.system, planned)
    state = begun.state
    with _bar() as bar:
        task = bar.add_task(begun.name, total=(planned.last - planned.first).total_seconds())
        for progress in watch(target.system, begun.name, _pauses(target.is_laptop)):
            state = progress.state
            if progress.last_replayed is not None:
                bar.update(task, completed=(progress.last_replayed - planned.first).total_seconds())
            if state == "COMPLETED":
                bar.update(task, completed=(planned.last - planned.first).total_seconds())
    if as_json:
        print_json({"replay": begun.name, "state": state})
    else:
        out.print(f"{begun.name}: {state}")
        out.print(f"See the results: contradance logs --function {subscriber}{target.options}", style="dim")
    if state != "COMPLETED":
        raise typer.Exit(1)


@reporting
@of_a_system
def logs(
    target: Target,
    *,
    function: Annotated[
        str | None, typer.Option("--function", "--subscriber", help="Only this function's.", metavar="NAME")
    ] = None,
    level: Annotated[
        Level | None, typer.Option(help="Only lines of this level and above.", case_sensitive=False)
    ] = None,
    subject: Annotated[str | None, typer.Option(help="Only those about this.", metavar="ID")] = None,
    since: Annotated[str, typer.Option(help="2026-01-31T18:00 (UTC) or 90m (ago).", metavar="MOMENT")] = "1h",
    follows: Annotated[bool, typer.Option("--follow", "-f", help="Continue with new lines, until Ctrl-C.")] = False,
    as_json: AsJson = False,
) -> None:
    """Print what the functions logged, each delivery, and each failure with its traceback."""
    wanted = Wanted(moment(since, datetime.now(UTC), "--since"), function=function, subject=subject, level=level)
    printer = _LinePrinter(Services(target.choreography.services), as_json=as_json)
    if function is not None:
        target.system.function(function)
    with target.journal(wanted.since) as journal:
        lines = follow(journal, wanted, _pauses(target.is_laptop)) if follows else iter(journal.lines(wanted))
        try:
            for line in lines:
                printer.print(line)
        except KeyboardInterrupt:
            raise typer.Exit(0) from None


@reporting
@of_a_system
def doctor(target: Target, *, as_json: AsJson = False) -> None:
    """Compare the running system with the code, and list problems; exit with 1 if there are any."""
    findings = [*examine(target.system, target.choreography)]
    troubles = [finding for finding in findings if finding.trouble]
    if as_json:
        print_json({"findings": [finding._asdict() for finding in troubles], "looked_at": len(findings)})
    else:
        for what, trouble, fix in troubles:
            out.print(Text("✗ ", "red").append(what, "bold").append(f": {trouble}", "not bold"))
            out.print(f"  {fix}", style="dim")
        out.print(f"{len(findings) - len(troubles)} of {len(findings)} checks passed.")
    if troubles:
        raise typer.Exit(1)


def _print_forecast(planned: ReplayPlan, counted: Forecast, now: datetime, *, as_json: bool, is_laptop: bool) -> None:
    """Print what a replay would do."""
    if as_json:
        print_json(
            {
                "subscriber": planned.function.name,
                "from": format_moment(planned.first),
                "to": format_moment(planned.last),
                "again": planned.again,
                "matched": counted.matched,
                "done": counted.done,
                "invalid": counted.invalid,
                "basis": counted.basis,
                "whole": counted.whole,
            }
        )
        return
    name = planned.function.name
    out.print(f"Replay to {name}, of {format_moment(planned.first)} to {format_moment(planned.last)}:")
    least = "" if counted.whole else "at least "
    if counted.basis == "archive":
        out.print(f"  {counted.matched} events of the archive match its rule")
    else:
        out.print(f"  {least}{counted.matched} events of the contracts that it consumes are in the journal")
    effect = "each is handled again, as a new event" if planned.again else "no effect"
    out.print(f"  {least}{counted.done} it has completed: {effect}")
    if counted.invalid is not None:
        out.print(f"  {counted.invalid} break their contract: these become dead letters")
    else:
        out.print(
            "  An archive on AWS cannot be read: events that no function here published are not counted.", style="dim"
        )
    out.print("Events are replayed by their own time, minute by minute, unordered within a minute.", style="dim")
    if planned.is_fresh(now) and not is_laptop:
        out.print(
            f"The last {_LAG_MINUTES} minutes may not have reached the archive: wait, or end earlier.", style="yellow"
        )
    out.print("Dry run: nothing was replayed. Replay it: add --yes", style="yellow")


def _bar() -> "Progress":
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn  # noqa: PLC0415 - slow to load

    return Progress(TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), console=err, transient=True)


def _pauses(is_laptop: bool) -> Iterator[None]:
    """Yield at once, and then after each pause, without end."""
    while True:
        yield
        time.sleep(_LOOK_SECONDS[is_laptop])


class _LinePrinter:
    """Prints log lines; a traceback once."""

    def __init__(self, services: Services, *, as_json: bool) -> None:
        self._services = services
        self._as_json = as_json
        self._tracebacks = ShownTracebacks()

    def print(self, line: LogLine) -> None:
        """Print one line; as JSON, one object on one line."""
        if self._as_json:
            sys.stdout.write(printable_json(_as_json(line)) + "\n")
        elif line.record is not None:
            for text in attempt_lines(line.record, self._services, self._tracebacks):
                out.print(text)
        else:
            for text in entry_lines(entry_of_line(line), line.function.partition(".")[0], self._services):
                out.print(text.append(f"  {short(line.subject)}", "dim") if line.subject else text)


def _as_json(line: LogLine) -> dict[str, object]:
    return {
        "at": line.at.isoformat(),
        "function": line.function,
        "level": line.level,
        "logger": line.logger,
        "message": line.text,
        "fields": {**line.fields},
        "exception": line.exception,
        "subject": line.subject,
        "event_id": line.event_id,
        "journal": line.record.model_dump(mode="json") if line.record else None,
    }
