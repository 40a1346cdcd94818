"""The `contradance` command: one function per verb; each parses its arguments, calls one function and prints."""

from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from contradance.cli.command import (
    AsJson,
    Port,
    SafeGroup,
    Sets,
    StateFolder,
    print_json,
    reporting,
    the_project,
    write_text,
)
from contradance.cli.contracts import contracts
from contradance.cli.creating import create, new
from contradance.cli.dlq import dlq
from contradance.cli.events import events
from contradance.cli.inspecting import lint, list_, why
from contradance.cli.moment import moment
from contradance.cli.now import retry, schedule
from contradance.cli.operating import doctor, logs, replay
from contradance.cli.package import package
from contradance.cli.target import Target, of_a_system
from contradance.cli.theme import err, out

if TYPE_CHECKING:
    from contradance.runtime.journal_record import JournalRecord

app = typer.Typer(
    cls=SafeGroup,
    help="Contract-first choreography: draw it, run it, trace what happened.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(dlq, name="dlq")
app.command()(new)
app.add_typer(create, name="create")
app.add_typer(events, name="events")
app.add_typer(contracts, name="contracts")
app.command()(package)


class GraphFormat(StrEnum):
    """The forms in which `contradance graph` draws a choreography."""

    TREE = "tree"
    MERMAID = "mermaid"
    SVG = "svg"


@app.command()
@reporting
def run(
    state: StateFolder = Path(".contradance"),
    port: Port = None,
    settings: Sets = None,
    time_scale: Annotated[
        float, typer.Option(min=0.001, help="How fast time runs: with 60, a wait of a minute takes a second.")
    ] = 1.0,
    archive_delay: Annotated[
        float, typer.Option(min=0, help="Seconds that an event takes to reach the archive; on AWS it may be 600.")
    ] = 0.0,
    *,
    cors_origin: Annotated[
        list[str] | None,
        typer.Option(
            help="An origin whose pages may call the routes, besides the stacks' corsOrigins; repeatable.",
            metavar="URL",
        ),
    ] = None,
    reload: Annotated[bool, typer.Option("--reload", help="Restart when the code is edited.")] = False,
) -> None:
    """Run the choreography on this machine: its HTTP API, its bus, its functions."""
    if reload:
        from contradance.cli.reloading import run_reloading  # noqa: PLC0415 - only this option needs it

        words = ["run", "--state", str(state), "--time-scale", str(time_scale)]
        words += [] if port is None else ["--port", str(port)]
        words += [word for setting in settings or [] for word in ("--set", setting)]
        words += [word for origin in cors_origin or [] for word in ("--cors-origin", origin)]
        raise typer.Exit(run_reloading(the_project().root, words))
    from contradance.cli.running import origin, run_laptop  # noqa: PLC0415 - only this command needs a server
    from contradance.infra.stack_files import cors_origins  # noqa: PLC0415 - the same
    from contradance.runtime.aws.metrics import watch_authors_metrics  # noqa: PLC0415 - the same

    watch_authors_metrics()  # before the project's modules make their own

    project = the_project()
    run_laptop(
        project.choreography(),
        state,
        port,
        settings or [],
        time_scale=time_scale,
        archive_delay=timedelta(seconds=archive_delay),
        origins=cors_origins(project.root) | {*map(origin, cors_origin or [])},
    )


@app.command()
@reporting
def demo() -> None:
    """Send the project's example requests to a temporary bus, and show the flow of each."""
    from contradance.cli.demo import play  # noqa: PLC0415 - only this command needs a server

    project = the_project()
    play(project.choreography(), project.scenes())


@app.command()
@reporting
def graph(
    form: Annotated[GraphFormat, typer.Option("--format", help="tree, mermaid or svg.")] = GraphFormat.TREE,
    to: Annotated[Path | None, typer.Option("--out", help="Write mermaid or svg to this file.", metavar="FILE")] = None,
) -> None:
    """Draw the choreography: every route, event and function, with alternate and error paths."""
    from contradance.catalog.mermaid import mermaid  # noqa: PLC0415 - loaded with the project
    from contradance.catalog.picture import svg  # noqa: PLC0415 - loaded with the project
    from contradance.cli.trees import LEGEND, choreography_tree  # noqa: PLC0415 - loaded with the project

    if to is not None and form is GraphFormat.TREE:
        raise typer.BadParameter("a tree is printed only; use --format svg or mermaid.", param_hint="--out")
    choreography = the_project().choreography()
    if form is not GraphFormat.TREE:
        write_text(svg(choreography) if form is GraphFormat.SVG else mermaid(choreography), to)
    else:
        out.print(choreography_tree(choreography), soft_wrap=False)
        out.print(f"\n{LEGEND}", style="dim")


@app.command()
@reporting
@of_a_system
def trace(
    target: Target,
    term: Annotated[
        str | None, typer.Argument(help="A subject, a correlation id or an event id; the latest flow if none is given.")
    ] = None,
    *,
    with_logs: Annotated[
        bool, typer.Option("--logs", help="Also what each attempt logged, and the traceback of each failure.")
    ] = False,
    since: Annotated[
        str, typer.Option(help="Start of the search in a stack's logs: 2026-01-31T18:00 (UTC) or 90m (ago).")
    ] = "1d",
    as_json: AsJson = False,
) -> None:
    """Show what happened: each delivery, what it caused, and its attempts."""
    from contradance.cli.theme import Services  # noqa: PLC0415 - loaded with the project
    from contradance.cli.trees import flow_tree  # noqa: PLC0415 - loaded with the project
    from contradance.operate.flow import flows  # noqa: PLC0415 - loaded with the project

    with target.journal(moment(since, datetime.now(UTC), "--since")) as journal:
        records = journal.flows(term) if term else journal.latest()
        if with_logs:
            records = journal.with_logs(records)
        found = flows(records, journal.outstanding({record.correlation_id for record in records}))
    if not found:
        err.print(
            f"Nothing in {target.name} is about {term}." if term else f"Nothing has happened in {target.name} yet."
        )
        raise typer.Exit(1)
    if as_json:
        print_json({"records": [_record_json(record, with_logs=with_logs) for record in records]})
        return
    services = Services(target.choreography.services)
    for flow in found:
        out.print(flow_tree(flow, services, with_logs=with_logs), soft_wrap=False)


def _record_json(record: "JournalRecord", *, with_logs: bool) -> dict[str, object]:
    logs = {"logs": [entry.model_dump(mode="json") for entry in record.logs]} if with_logs else {}
    return {**record.model_dump(mode="json"), **logs}


app.command()(replay)
app.command()(retry)
app.add_typer(schedule, name="schedule")
app.command()(logs)
app.command()(doctor)
app.command("list")(list_)
app.command()(lint)
app.command()(why)
