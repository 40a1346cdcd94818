"""`contradance run` and `demo`: the choreography on this machine."""

from datetime import timedelta
from typing import Annotated

import typer

from contradance.cli.command import Port, Sets, StateFolder, not_nan, reporting, the_project
from contradance.local.names import DEFAULT_STATE


@reporting
def run(
    state: StateFolder = DEFAULT_STATE,
    port: Port = None,
    settings: Sets = None,
    time_scale: Annotated[
        float,
        typer.Option(
            min=0.001,
            max=100_000,
            callback=not_nan,
            help="How fast time runs: with 60, a wait of a minute takes a second.",
        ),
    ] = 1.0,
    archive_delay: Annotated[
        float,
        typer.Option(
            min=0,
            max=86_400,
            callback=not_nan,
            help="Seconds that an event takes to reach the archive; on AWS it may be 600.",
        ),
    ] = 0.0,
    *,
    cors_origin: Annotated[
        list[str] | None,
        typer.Option(
            help="An origin whose pages may call the routes, besides the stacks' corsOrigins; repeatable.",
            metavar="URL",
        ),
    ] = None,
    archive_days: Annotated[
        int,
        typer.Option(
            min=1, max=36_500, help="Days that the archive keeps events; older ones are deleted while it runs."
        ),
    ] = 14,
    reload: Annotated[bool, typer.Option("--reload", help="Restart when the code is edited.")] = False,
) -> None:
    """Run the choreography on this machine: its HTTP API, its bus, its functions."""
    project = the_project()  # first: it checks variables that the imports below read
    if reload:
        from contradance.cli.reloading import run_reloading  # noqa: PLC0415 - only this option needs it

        words = ["run", "--state", str(state), "--time-scale", str(time_scale)]
        words += [] if port is None else ["--port", str(port)]
        words += ["--archive-delay", str(archive_delay), "--archive-days", str(archive_days)]
        words += [word for setting in settings or [] for word in ("--set", setting)]
        words += [word for origin in cors_origin or [] for word in ("--cors-origin", origin)]
        raise typer.Exit(run_reloading(project.root, words))
    from contradance.cli.running import origin_option, run_laptop  # noqa: PLC0415 - only this command needs a server
    from contradance.infra.stack_files import cors_origins  # noqa: PLC0415 - the same
    from contradance.runtime.aws.metrics import watch_authors_metrics  # noqa: PLC0415 - the same

    watch_authors_metrics()  # before the project's modules make their own
    run_laptop(
        project.choreography(),
        state,
        port,
        settings or [],
        time_scale=time_scale,
        archive_delay=timedelta(seconds=archive_delay),
        kept=timedelta(days=archive_days),
        origins=cors_origins(project.root) | {*map(origin_option, cors_origin or [])},
    )


@reporting
def demo() -> None:
    """Send the project's example requests to a temporary bus, and show the flow of each."""
    project = the_project()  # first: as in `run`
    from contradance.cli.demo import play  # noqa: PLC0415 - only this command needs a server

    play(project.choreography(), project.scenes())
