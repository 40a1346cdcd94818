"""`contradance replay` and `doctor`."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final
from uuid import uuid4

import typer
from rich.text import Text

from contradance.cli.command import AsJson, print_json, reporting
from contradance.cli.moment import format_moment, moment
from contradance.cli.target import Target, of_a_system
from contradance.cli.theme import err, out
from contradance.quantity import counted

if TYPE_CHECKING:
    from rich.progress import Progress

    from contradance.operate.forecast import Forecast
    from contradance.operate.replay import ReplayPlan

_LOOK_SECONDS: Final = {True: 0.2, False: 5.0}
"""Pause between two requests, on the laptop and on AWS."""
_NAME_LENGTH: Final = 12


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
    from contradance.operate.replay import plan, start, watch  # noqa: PLC0415 - loaded with the project

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
        for progress in watch(target.system, begun.name, pauses(target.is_laptop)):
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
def doctor(target: Target, *, as_json: AsJson = False) -> None:
    """Compare the running system with the code, and list problems; exit with 1 if there are any."""
    from contradance.operate.doctor import examine  # noqa: PLC0415 - loaded with the project

    findings = [*examine(target.system, target.choreography)]
    troubles = [finding for finding in findings if finding.trouble]
    bytes_used = _bytes_of(target.state) if target.is_laptop else None
    if as_json:
        print_json(
            {
                "findings": [finding._asdict() for finding in troubles],
                "looked_at": len(findings),
                "state_bytes": bytes_used,
            }
        )
    else:
        for what, trouble, fix in troubles:
            out.print(Text("✗ ", "red").append(what, "bold").append(f": {trouble}", "not bold"))
            out.print(f"  {fix}", style="dim")
        out.print(f"{len(findings) - len(troubles)} of {len(findings)} checks passed.")
        if bytes_used:
            out.print(
                f"The state in {target.state} is {bytes_used / 1e6:,.1f} MB. Less: contradance prune", style="dim"
            )
    if troubles:
        raise typer.Exit(1)


def _bytes_of(state: Path) -> int:
    """Return the size of a laptop's state; 0 where there is none."""
    return sum(file.stat().st_size for file in state.glob("*") if file.is_file())


def _print_forecast(
    planned: "ReplayPlan", forecast: "Forecast", now: datetime, *, as_json: bool, is_laptop: bool
) -> None:
    """Print what a replay would do, with notes on what is not counted; as JSON, one object."""
    from contradance.operate.replay import ARCHIVE_LAG  # noqa: PLC0415 - loaded with the project

    if as_json:
        print_json(
            {
                "subscriber": planned.function.name,
                "from": format_moment(planned.first),
                "to": format_moment(planned.last),
                "again": planned.again,
                "matched": forecast.matched,
                "done": forecast.done,
                "invalid": forecast.invalid,
                "basis": forecast.basis,
                "whole": forecast.whole,
            }
        )
        return
    name = planned.function.name
    out.print(f"Replay to {name}, of {format_moment(planned.first)} to {format_moment(planned.last)}:")
    events = counted(forecast.matched, "event")
    least = "" if forecast.whole else "at least "
    if forecast.basis == "archive":
        out.print(f"  {events} of the archive {'matches' if forecast.matched == 1 else 'match'} its rule")
    else:
        verb = "is" if forecast.matched == 1 else "are"
        out.print(f"  {least}{events} of the contracts that it consumes {verb} in the journal")
    effect = "each is handled again, as a new event" if planned.again else "no effect"
    out.print(f"  {least}{forecast.done} it has completed: {effect}")
    if forecast.invalid is not None:
        broken = "1 breaks its contract: it becomes a dead letter"
        several = f"{forecast.invalid} break their contract: these become dead letters"
        out.print(f"  {broken if forecast.invalid == 1 else several}")
    else:
        out.print(
            "  An archive on AWS cannot be read: events that no function here published are not forecast.", style="dim"
        )
    out.print("Events are replayed by their own time, minute by minute, unordered within a minute.", style="dim")
    if planned.is_fresh(now) and not is_laptop:
        out.print(
            f"The last {ARCHIVE_LAG.total_seconds() // 60:.0f} minutes may not have reached the archive: wait, or end earlier.",
            style="yellow",
        )
    out.print("Dry run: nothing was replayed. Replay it: add --yes", style="yellow")


def _bar() -> "Progress":
    """Return a progress bar on standard error, which disappears at its end."""
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn  # noqa: PLC0415 - slow to load

    return Progress(TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), console=err, transient=True)


def pauses(is_laptop: bool) -> Iterator[None]:
    """Yield at once, and then after each pause, without end: 0.2 seconds on the laptop, else 5 seconds."""
    while True:
        yield
        time.sleep(_LOOK_SECONDS[is_laptop])
