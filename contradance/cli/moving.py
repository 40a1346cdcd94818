"""`contradance move`."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from contradance.cli.command import AsJson, print_json, reporting, the_project
from contradance.cli.target import stack_options
from contradance.cli.theme import err, out

if TYPE_CHECKING:
    from contradance.deployed import Deployed
    from contradance.operate.aws.services import Aws
    from contradance.operate.copying import Counts, Rows
    from contradance.operate.doctor import HealthCheck
    from contradance.operate.move import MovedRows, MovePlan
    from contradance.operate.readiness import NamedSystem
    from contradance.project import Project

Counted = Sequence[tuple["MovedRows", "Counts"]]


@reporting
def move(
    service: Annotated[str, typer.Argument(help="The service that moves: loans.", show_default=False)],
    *,
    old: Annotated[
        str,
        typer.Option(
            "--from", help="The old stack, by Pulumi's name or a file of its outputs, such as ./prod.", metavar="STACK"
        ),
    ],
    new: Annotated[str, typer.Option("--to", help="The new stack, on the old one's bus, stopped.", metavar="STACK")],
    yes: Annotated[bool, typer.Option("--yes", help="Copy, then compare; without this, only compare.")] = False,
    as_json: AsJson = False,
) -> None:
    """Copy a service's tables and once-records to another stack; it can be repeated. With --yes, exit with 1 until it is complete."""
    from contradance.operate.aws.services import Boto  # noqa: PLC0415 - only for a stack
    from contradance.operate.move import check_direction, copy, plan_move  # noqa: PLC0415 - the same
    from contradance.operate.readiness import checks_before_copying, checks_before_enabling, commands_after  # noqa: PLC0415 - the same

    project = the_project()
    source, target = _read_stack(project, old), _read_stack(project, new)
    plan = plan_move(project.choreography(), service, source, target)
    aws = Boto(source.region)
    systems = _named_system(old, source, aws), _named_system(new, target, aws)
    if yes:
        _stop_at_obstacles(
            service, (check for check in checks_before_copying(plan, systems[1]) if check.trouble), as_json=as_json
        )
    now = datetime.now(UTC)
    check_direction(plan, partial(_rows_in_both, plan, aws, now, lambda _: None))
    copied: list[tuple[MovedRows, Counts]] = []
    try:
        with _progress("copying") as seen:
            for one in copy(plan, partial(_rows_in_both, plan, aws, now, seen), dry_run=False) if yes else ():
                copied.append(one)  # noqa: PERF402 - it has those before an error
        # Before the comparison: it counts only if the old stack could not change anything while it ran.
        obstacles = [check for check in checks_before_enabling(plan, *systems) if check.trouble]
        with _progress("comparing") as seen:
            compared = [*copy(plan, partial(_rows_in_both, plan, aws, now, seen), dry_run=True)]
    except BaseException:
        if copied:
            _print_stopped(service, copied, as_json=as_json)
        raise
    is_complete = not obstacles and all(counts.is_settled for _, counts in compared)
    if as_json:
        _print_json(service, copied, compared, obstacles, is_complete=is_complete)
        raise typer.Exit(int(yes and not is_complete))
    _print_copied(copied)
    _print_compared(compared, service, old, new)
    _print_obstacles(obstacles, f"Before {new} is enabled:")
    if is_complete:
        _print_next(commands_after(plan, systems[1]), old, plan.longest_run)
    elif yes:
        out.print("Not complete yet. Run it again; it copies only what differs.", style="yellow")
        raise typer.Exit(1)
    else:
        out.print("Dry run: nothing was copied. Copy: add --yes", style="yellow")


def _rows_in_both(
    plan: "MovePlan", aws: "Aws", now: datetime, seen: "Callable[[int], None]", moved: "MovedRows"
) -> "tuple[Rows, Rows]":
    """Return a table's rows in the old and the new stack; `seen` is called with the number of rows of each page."""
    from contradance.operate.aws.rows import DynamoDBOnceRecords, DynamoDBRows  # noqa: PLC0415 - only for a stack

    if moved.is_once:
        names = plan.deployed_names
        return (
            DynamoDBOnceRecords(aws, moved.source, names, now, counterpart=moved.target, seen=seen),
            DynamoDBOnceRecords(aws, moved.target, names, now, counterpart=moved.source, seen=seen),
        )
    return (
        DynamoDBRows(aws, moved.source, counterpart=moved.target, seen=seen),
        DynamoDBRows(aws, moved.target, counterpart=moved.source, seen=seen),
    )


@contextmanager
def _progress(what: str) -> "Iterator[Callable[[int], None]]":
    """Show `what` and a count of rows on standard error while the block runs; yield the function that adds to it."""
    from rich.progress import Progress, SpinnerColumn, TextColumn  # noqa: PLC0415 - slow to load

    columns = (SpinnerColumn(), TextColumn("{task.description}: {task.completed:,} rows read"))
    with Progress(*columns, console=err, transient=True) as bar:
        task = bar.add_task(what, total=None)
        yield lambda count: bar.advance(task, count)


def _stop_at_obstacles(service: str, obstacles: "Iterable[HealthCheck]", *, as_json: bool) -> None:
    """Print the obstacles to any copy, and exit with 1; do nothing without one."""
    blocked = [*obstacles]
    if blocked:
        if as_json:
            _print_json(service, (), (), blocked, is_complete=False)
        else:
            _print_obstacles(blocked, "Nothing was copied:")
        raise typer.Exit(1)


def _print_stopped(service: str, copied: Counted, *, as_json: bool) -> None:
    """Print what was copied until an error or Ctrl-C."""
    if as_json:
        _print_json(service, copied, (), (), is_complete=False)
        return
    _print_copied(copied)
    out.print("It stopped before its end. Run it again; it copies only what differs.", style="yellow")


def _print_json(
    service: str, copied: Counted, compared: Counted, obstacles: "Sequence[HealthCheck]", *, is_complete: bool
) -> None:
    """Print what was copied, compared and found, as one JSON object."""
    print_json(
        {
            "service": service,
            "copied": [_counts_json(one) for one in copied],
            "compared": [_counts_json(one) for one in compared],
            "obstacles": [check._asdict() for check in obstacles],
            "complete": is_complete,
        }
    )


def _read_stack(project: "Project", name: str) -> "Deployed":
    """Return a stack's description, by Pulumi's name or a file of its outputs; `OperateError` if it cannot be read."""
    from contradance.operate.aws.stack import outputs_in, outputs_of  # noqa: PLC0415 - only for a stack

    stack, file = _as_options(name)
    return outputs_in(file) if file else outputs_of(str(stack), project.root)


def _named_system(name: str, stack: "Deployed", aws: "Aws") -> "NamedSystem":
    """Return a stack as a system, with the options that name it in commands."""
    from contradance.operate.aws.stack import stack_system  # noqa: PLC0415 - only for a stack
    from contradance.operate.readiness import NamedSystem  # noqa: PLC0415 - the same

    by_name, file = _as_options(name)
    return NamedSystem(stack_system(stack, aws), name, stack_options(by_name, None), stack_options(by_name, file))


def _as_options(name: str) -> tuple[str | None, Path | None]:
    """Return (None, file) for an existing file whose name has a slash or ends with .json, else (stack's name, None)."""
    file = Path(name)
    return (None, file) if ("/" in name or file.suffix == ".json") and file.is_file() else (name, None)


def _counts_json(one: "tuple[MovedRows, Counts]") -> dict[str, object]:
    """Return the name and the counts of one table as `--json` prints them."""
    moved, counts = one
    return {"what": moved.what, **asdict(counts)}


def _print_copied(copied: Counted) -> None:
    """Print for each table how many rows were copied, and how many copies were deleted."""
    for moved, counts in copied:
        removed = f", {counts.deleted:,} deleted that the old stack no longer has" if counts.deleted else ""
        out.print(f"{moved.what}: {counts.copied:,} copied{removed}")


def _print_compared(compared: Counted, service: str, old: str, new: str) -> None:
    """Print, for each table, how many rows of the old stack the new one has, and what differs."""
    out.print(f"{service} in {old} and in {new}:")
    for moved, counts in compared:
        parts = [f"{counts.source:,} in {old}", f"{counts.same:,} of them in {new}"]
        notes = {
            "to copy": counts.copied,
            "to delete": counts.deleted,
            f"kept, because a function of {new} has written them": counts.kept,
        }
        more = {
            f"unpublished: the sweeper of {old} publishes them within a minute": counts.unpublished,
            "of attempts that run": counts.running,
        }
        parts += [f"{count:,} {note}" for note, count in notes.items() if count]
        parts += [f"and {count:,} more {note}" for note, count in more.items() if count]
        out.print(f"  {moved.what}: {', '.join(parts)}")


def _print_obstacles(obstacles: "Sequence[HealthCheck]", title: str) -> None:
    """Print findings with their fixes below a title; nothing when there are none."""
    if obstacles:
        out.print(title)
    for what, trouble, fix in obstacles:
        out.print(Text("✗ ", "red").append(what, "bold").append(f": {trouble}", "not bold"))
        out.print(f"  {fix}", style="dim")


def _print_next(commands: Sequence[str], old: str, longest_run: timedelta) -> None:
    """Print the commands that end a move from the stack `old`, and when to run them: enable the new one, replay."""
    out.print("Complete: the new stack has everything, and the old one handles nothing any more.")
    seconds = f"{longest_run.total_seconds():.0f} seconds"
    out.print(f"If {old} was stopped less than {seconds} ago, wait and copy again: a run may not have ended yet. Then:")
    for command in commands:
        out.print(f"  {command}")
    example = "such as 2026-01-31T18:00 (UTC)"
    out.print(f"MOMENT is two days before {old} was paused, {example}: what is handled has no effect.", style="dim")
    out.print("Replay ten minutes after the update: an event may take as long to reach the archive.", style="dim")
