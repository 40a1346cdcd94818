"""`contradance replay`."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Final
from uuid import uuid4

import typer

from contradance.cli.command import AsJson, print_json, reporting
from contradance.cli.moment import format_moment, moment
from contradance.cli.target import Target, of_a_system
from contradance.cli.theme import err, out
from contradance.quantity import counted

if TYPE_CHECKING:
    from rich.progress import Progress

    from contradance.operate.forecast import Forecast
    from contradance.operate.ports import ReplayStatus
    from contradance.operate.replay import ReplayPlan
    from contradance.operate.rule_replay import RuleReplay

_LOOK_SECONDS: Final = {True: 0.2, False: 5.0}
"""Pause between two requests, on the laptop and on AWS."""
_NAME_LENGTH: Final = 12


@reporting
@of_a_system
def replay(
    target: Target,
    *,
    first: Annotated[
        str, typer.Option("--from", help="2026-01-31T18:00 (UTC), 90m (ago; also s, h, d) or now.", metavar="MOMENT")
    ],
    last: Annotated[str, typer.Option("--to", help="The same; up to but not including it.", metavar="MOMENT")],
    subscriber: Annotated[
        str | None, typer.Option(help="The function that consumes the events again.", metavar="NAME")
    ] = None,
    rule: Annotated[
        str | None,
        typer.Option(help="Instead: a rule of another stack on this stack's bus, by name or ARN.", metavar="RULE"),
    ] = None,
    again: Annotated[
        bool, typer.Option("--again", help="Also events that it has completed: it handles each as a new event.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do it; without this, only print what would be done.")] = False,
    confirm: Annotated[
        str | None,
        typer.Option(help="The same name as --subscriber or --rule, where --again may publish again.", metavar="NAME"),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Replay a window of the archive to one subscriber; events that it has completed have no effect without --again."""
    from contradance.operate.replay import plan, start  # noqa: PLC0415 - loaded with the project
    from contradance.operate.rule_replay import plan_to_rule, start_to_rule  # noqa: PLC0415 - the same

    now = datetime.now(UTC)
    window = (moment(first, now, "--from"), moment(last, now, "--to"))
    identifier = uuid4().hex[:_NAME_LENGTH]
    if rule is not None and subscriber is None:
        to_rule = plan_to_rule(target.system, rule, *window, identifier=identifier, again=again)
        if not yes:
            _print_rule_replay(to_rule, now, as_json=as_json)
            return
        if again:
            _check_confirmed(to_rule.rule, "may publish events", confirm)
        _watch(target, to_rule, start_to_rule(target.system, to_rule), "", as_json=as_json)
        return
    if subscriber is None or rule is not None:
        raise typer.BadParameter("give one of the two.", param_hint="--subscriber and --rule")
    planned = plan(target.system, target.choreography, subscriber, *window, identifier=identifier, again=again)
    if not yes:
        _print_forecast(planned, target.forecast(planned), now, as_json=as_json, is_laptop=target.is_laptop)
        return
    if planned.publishes_again:
        published = " or ".join(contract.__name__ for contract in planned.function.publishes)
        _check_confirmed(subscriber, f"publishes {published}", confirm)
    logs = f"See the results: contradance logs --function {subscriber}{target.options}"
    _watch(target, planned, start(target.system, planned), logs, as_json=as_json)


def _check_confirmed(name: str, effect: str, confirm: str | None) -> None:
    """Raise `BadParameter`, which warns of `effect`, unless `confirm` equals `name`, a function or a rule."""
    if confirm != name:
        raise typer.BadParameter(
            f"{name} {effect}. With --again it publishes new events, and every consumer handles them "
            f"as new. To confirm, add: --confirm {name}",
            param_hint="--again",
        )


def _watch(
    target: Target, planned: "ReplayPlan | RuleReplay", begun: "ReplayStatus", logs: str, *, as_json: bool
) -> None:
    """Show a replay's progress until it ends; print its state and `logs`, a hint; exit with 1 unless COMPLETED."""
    from contradance.operate.replay import watch  # noqa: PLC0415 - loaded with the project

    state = begun.state
    with _progress_bar() as bar:
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
        if logs:
            out.print(logs, style="dim")
    if state != "COMPLETED":
        raise typer.Exit(1)


def _print_forecast(
    planned: "ReplayPlan", forecast: "Forecast", now: datetime, *, as_json: bool, is_laptop: bool
) -> None:
    """Print what a replay would do, that this is a dry run, and what is not counted; as JSON, one object of counts."""
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
    _print_notes(is_fresh=planned.is_fresh(now) and not is_laptop)


def _print_rule_replay(planned: "RuleReplay", now: datetime, *, as_json: bool) -> None:
    """Print what a replay to a rule of another stack would do; as JSON, one object."""
    if as_json:
        print_json(
            {
                "rule": planned.rule,
                "from": format_moment(planned.first),
                "to": format_moment(planned.last),
                "again": planned.again,
            }
        )
        return
    out.print(
        f"Replay to rule {planned.rule} of another stack, of {format_moment(planned.first)} to {format_moment(planned.last)}:"
    )
    effect = "is handled again, as a new event" if planned.again else "has no effect"
    out.print(f"  An event that its function has completed {effect}.")
    out.print("  Its journal is in the other stack: nothing is counted here.", style="dim")
    _print_notes(is_fresh=planned.is_fresh(now))


def _print_notes(*, is_fresh: bool) -> None:
    """Print how events are replayed, that this is a dry run, and, if `is_fresh`, that the last ones may be missing."""
    from contradance.operate.replay import ARCHIVE_LAG  # noqa: PLC0415 - loaded with the project

    out.print("Events are replayed by their own time, minute by minute, unordered within a minute.", style="dim")
    if is_fresh:
        out.print(
            f"The last {ARCHIVE_LAG.total_seconds() // 60:.0f} minutes may not have reached the archive: wait, or end earlier.",
            style="yellow",
        )
    out.print("Dry run: nothing was replayed. Replay it: add --yes", style="yellow")


def _progress_bar() -> "Progress":
    """Return a progress bar on standard error, which disappears at its end."""
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn  # noqa: PLC0415 - slow to load

    return Progress(TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), console=err, transient=True)


def pauses(is_laptop: bool) -> Iterator[None]:
    """Yield at once, and then after each pause, without end: 0.2 seconds on the laptop, else 5 seconds."""
    while True:
        yield
        time.sleep(_LOOK_SECONDS[is_laptop])
