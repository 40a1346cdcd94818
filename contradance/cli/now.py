"""`contradance retry` and `schedule run`: on the laptop, now instead of in some minutes."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from contradance.cli.command import (
    AsJson,
    Port,
    Sets,
    StateFolder,
    completing,
    full_name,
    print_json,
    reporting,
    the_project,
)
from contradance.cli.target import state_option
from contradance.cli.theme import err, out
from contradance.local.names import DEFAULT_STATE

if TYPE_CHECKING:
    from contradance.local.system.client import LaptopClient

schedule = typer.Typer(help="Run scheduled functions now.", no_args_is_help=True)


@reporting
def retry(
    delivery: Annotated[
        str,
        typer.Argument(
            help="all, a function, a subject, or the id of an event or a flow; its first characters, 8 or more, select it if no other id has them.",
            metavar="DELIVERY",
        ),
    ],
    *,
    in_debugger: Annotated[
        bool,
        typer.Option(
            "--pdb", help="Run its handler here, also of a dead letter, and stop where it raises. Nothing is kept."
        ),
    ] = False,
    settings: Sets = None,
    state: StateFolder = DEFAULT_STATE,
    port: Port = None,
    as_json: AsJson = False,
) -> None:
    """Make the next attempt of waiting deliveries now, instead of after their pause; exit with 1 if none waits.

    For dead letters, see: contradance dlq redrive

    With --pdb the handler of the first one runs in this terminal, on the laptop's rows, with the settings of --set;
    breakpoint() works, too.
    """
    if delivery.isidentifier() and delivery != "all":
        delivery = full_name(delivery, the_project().choreography())
    if in_debugger:
        if delivery == "all" or as_json:
            raise typer.BadParameter("it debugs one delivery, and prints no JSON: name one.", param_hint="--pdb")
        from contradance.cli.debugging import debug  # noqa: PLC0415 - loaded with the option

        debug(delivery, state, port, settings or [])
        return
    if settings:
        raise typer.BadParameter("only --pdb takes it: other attempts have the laptop's settings.", param_hint="--set")
    found = _laptop_client(state, port).retry(None if delivery == "all" else delivery)
    if as_json:
        print_json({"deliveries": [one.model_dump() for one in found]})
    else:
        for one in found:
            out.print(f"{one.function}  attempt {one.attempt} now  event {one.event_id}")
    if not found:
        what = "No delivery waits for a retry" + ("." if delivery == "all" else f" that is about {delivery}.")
        err.print(f"{what}\n  Dead letters: contradance dlq list{state_option(state)}")
        raise typer.Exit(1)


def _schedule_names() -> list[str]:
    """Return the names of the project's scheduled functions, for shell completion."""
    from contradance.function import Schedule  # noqa: PLC0415 - loaded with the project

    functions = the_project().choreography().functions.values()
    return [one.name for one in functions if isinstance(one.trigger, Schedule)]


@schedule.command("run")
@reporting
def run_schedule(
    name: Annotated[
        str,
        typer.Argument(help="A scheduled function.", metavar="NAME", autocompletion=completing(_schedule_names)),
    ],
    *,
    state: StateFolder = DEFAULT_STATE,
    port: Port = None,
    as_json: AsJson = False,
) -> None:
    """Run a scheduled function once, now, on the running laptop."""
    name = full_name(name, the_project().choreography())
    flow = _laptop_client(state, port).run_schedule(name)
    if as_json:
        print_json({"function": name, "flow": flow})
    else:
        out.print(f"{name} runs now.\n  Follow it: contradance trace{state_option(state)} {flow}")


def _laptop_client(state: Path, port: int | None) -> "LaptopClient":
    """Return a client of the laptop at `port`, or at the port in its folder; it sends nothing yet."""
    from contradance.local.system.address import url_of  # noqa: PLC0415 - loaded with the command
    from contradance.local.system.client import LaptopClient  # noqa: PLC0415 - the same

    return LaptopClient(url_of(state, port), state)
