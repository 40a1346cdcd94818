"""The `contradance` command: one function per verb, each parsing its words, calling one function and printing."""

import sys
from collections.abc import Callable
from enum import StrEnum
from functools import wraps
from pathlib import Path
from typing import Annotated, ParamSpec, TypeVar

import typer

from contradance.cli.theme import err, out
from contradance.errors import ContradanceError
from contradance.local.address import DEFAULT_PORT, HOST
from contradance.project import Project, find_project

P = ParamSpec("P")
R = TypeVar("R")

app = typer.Typer(
    help="Contract-first choreography: see it, run it, follow what happened.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
events = typer.Typer(help="Publish events, and see what they look like.", no_args_is_help=True)
app.add_typer(events, name="events")

State = Annotated[Path, typer.Option("--state", help="Folder of the laptop's state.", metavar="DIR")]
Port = Annotated[int, typer.Option("--port", min=0, max=65_535, help="Port on 127.0.0.1.")]
Sets = Annotated[
    list[str] | None, typer.Option("--set", help="A setting's value; may be given again.", metavar="NAME=VALUE")
]


class GraphFormat(StrEnum):
    """How to draw the choreography."""

    TREE = "tree"
    MERMAID = "mermaid"


def reporting(command: Callable[P, R]) -> Callable[P, R]:
    """Print what contradance raises on purpose as a message, and exit with 1."""

    @wraps(command)
    def reported(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return command(*args, **kwargs)
        except ContradanceError as error:
            err.print(f"{type(error).__name__}: {error}", style="red", markup=False)
            raise typer.Exit(1) from error

    return reported


def _project() -> Project:
    return find_project(Path.cwd())


@app.command()
@reporting
def run(
    state: State = Path(".contradance"),
    port: Port = DEFAULT_PORT,
    settings: Sets = None,
    time_scale: Annotated[
        float, typer.Option(min=0.001, help="How fast time runs: with 60, a minute's wait takes a second.")
    ] = 1.0,
) -> None:
    """Run the choreography on this machine: its HTTP API, its bus, its functions."""
    from contradance.cli.running import run_laptop  # noqa: PLC0415 - only this command needs a server

    run_laptop(_project().choreography(), state, port, settings or [], time_scale)


@app.command()
@reporting
def demo() -> None:
    """Play the project's scenes on a throw-away bus, and show what each led to."""
    from contradance.cli.demo import play  # noqa: PLC0415 - only this command needs a server

    project = _project()
    play(project.choreography(), project.scenes())


@app.command()
@reporting
def graph(
    form: Annotated[GraphFormat, typer.Option("--format", help="tree or mermaid.")] = GraphFormat.TREE,
) -> None:
    """Draw the choreography: every route, event and function, with alternate and error paths."""
    from contradance.catalog.mermaid import mermaid  # noqa: PLC0415 - loaded with the project
    from contradance.cli.trees import LEGEND, choreography_tree  # noqa: PLC0415 - loaded with the project

    choreography = _project().choreography()
    if form is GraphFormat.MERMAID:
        sys.stdout.write(mermaid(choreography))
    else:
        out.print(choreography_tree(choreography), soft_wrap=False)
        out.print(f"\n{LEGEND}", style="dim")


@app.command()
@reporting
def trace(
    term: Annotated[
        str | None, typer.Argument(help="A subject, a correlation id or an event id; the latest flow if none is given.")
    ] = None,
    state: State = Path(".contradance"),
) -> None:
    """Show what really happened: which delivery caused what, in how many attempts."""
    from contradance.cli.theme import Services  # noqa: PLC0415 - loaded with the project
    from contradance.cli.trees import flow_tree  # noqa: PLC0415 - loaded with the project
    from contradance.local.journal import open_journal  # noqa: PLC0415 - only where there is a laptop's state
    from contradance.operate.flow import flows  # noqa: PLC0415 - loaded with the project

    with open_journal(state) as journal:
        records = journal.flows(term) if term else journal.latest()
        found = flows(records, journal.outstanding({record.correlation_id for record in records}))
    if not found:
        err.print(f"Nothing in {state} is about {term}." if term else f"Nothing has happened in {state} yet.")
        raise typer.Exit(1)
    services = Services(_project().choreography().services)
    for flow in found:
        out.print(flow_tree(flow, services), soft_wrap=False)


@events.command()
@reporting
def publish(
    detail_type: Annotated[str, typer.Argument(help="The event's detail-type, like BookLent.")],
    data: Annotated[str, typer.Option(help="JSON, @FILE, or - for standard input.")],
    port: Port = DEFAULT_PORT,
) -> None:
    """Validate data against its contract, and publish it to a running laptop."""
    from contradance.local.client import LaptopClient  # noqa: PLC0415 - only this command needs it
    from contradance.local.clock import RealClock  # noqa: PLC0415 - only this command needs it
    from contradance.operate.publishing import publish_data  # noqa: PLC0415 - loaded with the project

    laptop = LaptopClient(f"http://{HOST}:{port}")
    sealed = publish_data(_project().choreography(), detail_type, _text(data), laptop, RealClock())
    out.print(f"Published {sealed.identity} as {sealed.event_id}.\n  Follow it: contradance trace {sealed.event_id}")


@events.command()
@reporting
def sample(detail_type: Annotated[str, typer.Argument(help="The event's detail-type, like BookLent.")]) -> None:
    """Print an example of an event's data."""
    from contradance.catalog.sample import sample as example  # noqa: PLC0415 - loaded with the project
    from contradance.operate.publishing import contract_named  # noqa: PLC0415 - loaded with the project

    contract = contract_named(_project().choreography(), detail_type)
    sys.stdout.write(example(contract).model_dump_json(indent=2) + "\n")


@events.command("would-match")
@reporting
def would_match(
    event: Annotated[str, typer.Argument(help="A file with the event as EventBridge delivers it, or - for input.")],
) -> None:
    """Say which subscribers an event would reach, and for the others which field said no."""
    from contradance.operate.matching import read_event, verdicts  # noqa: PLC0415 - loaded with the project

    found = verdicts(_project().choreography(), read_event(_text(event if event == "-" else f"@{event}", "EVENT")))
    for function, mismatch in found:
        out.print(f"no   {function}\n     {mismatch}" if mismatch else f"yes  {function}", markup=False)
    if all(mismatch for _, mismatch in found):
        raise typer.Exit(1)


def _text(data: str, option: str = "--data") -> str:
    """Return what an option names."""
    try:
        if data == "-":
            return sys.stdin.read()
        return Path(data[1:]).read_text(encoding="utf-8") if data.startswith("@") else data
    except (OSError, UnicodeDecodeError) as error:
        reason = (error.strerror or error) if isinstance(error, OSError) else "it is not UTF-8"
        raise typer.BadParameter(f"{data} cannot be read: {reason}", param_hint=option) from error
