"""`contradance run`: put the laptop together, say what it is, serve until Ctrl-C."""

import logging
import os
import threading
from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path

import typer

from contradance.choreography import Choreography
from contradance.cli.narrator import Narrator
from contradance.cli.reloading import end_with_parent
from contradance.cli.theme import Services, out
from contradance.errors import DeclarationError
from contradance.local.clock import RealClock
from contradance.local.console.feed import Feed
from contradance.local.console.pages import PREFIX
from contradance.local.laptop import Laptop
from contradance.local.pending_delivery import PendingDelivery
from contradance.local.server import Server
from contradance.operate.flow import flows
from contradance.runtime.journal_record import JournalRecord
from contradance.settings import Setting


def run_laptop(
    choreography: Choreography,
    state: Path,
    port: int,
    sets: Sequence[str],
    *,
    time_scale: float = 1.0,
    archive_delay: timedelta = timedelta(0),
) -> None:
    """Run `choreography` until Ctrl-C or SIGTERM."""
    variables = {**os.environ, **setting_variables(choreography, sets)}
    narrator = Narrator(Services(choreography.services))
    feed = Feed()

    def when_journaled(record: JournalRecord) -> None:
        """Say in the terminal, and in every browser that watches, what a delivery came to."""
        narrator.delivery(record)
        feed.tell(record)

    def when_settled(pending: PendingDelivery) -> None:
        """Say what a flow came to, when nothing of it waits any more."""
        flow_id = pending.correlation_id
        if flow_id is not None and not laptop.bus.open_deliveries(flow_id):
            for flow in flows(laptop.journal.flows(flow_id)):
                narrator.settled(flow)

    laptop = Laptop(
        choreography,
        state,
        clock=RealClock(time_scale),
        variables=variables,
        archive_delay=archive_delay,
        when_journaled=when_journaled,
        when_settled=when_settled,
    )
    try:
        server = Server(laptop, port, when_refused=narrator.refused, feed=feed)
        server.stop_on_signals()
        end_with_parent()
        listen_to_functions(choreography, narrator)
        _greet(choreography, server.url, state)
        _tell_what_waits(laptop)
        laptop.start()
        server.serve_until_stopped()
        out.print("Stopping: finishing what is in flight; Ctrl-C again leaves it for the next start ...")
    finally:
        ended = laptop.close()
    out.print("Stopped. What still waits is delivered at the next start.")
    others = [thread for thread in threading.enumerate() if thread is not threading.main_thread() and not thread.daemon]
    if others or not ended:
        out.file.flush()
        os._exit(0)  # handlers that never end still hold their threads


def setting_variables(choreography: Choreography, sets: Sequence[str]) -> Mapping[str, str]:
    """Return the environment variables that `--set NAME=VALUE` stands for, checked against the declared settings."""
    known = {
        use.name: use
        for function in choreography.functions.values()
        for use in function.uses
        if isinstance(use, Setting)
    }
    variables = {}
    for assignment in sets:
        name, equals, value = assignment.partition("=")
        if not equals or name not in known:
            names = ", ".join(f"{name}={setting.default}" for name, setting in sorted(known.items())) or "none"
            raise typer.BadParameter(f"{assignment!r} sets no setting. Settings: {names}.", param_hint="--set")
        try:
            known[name].parse(value)
        except DeclarationError as error:
            wrong, _, _ = str(error).partition("\n")
            raise typer.BadParameter(wrong, param_hint="--set") from error
        variables[known[name].variable] = value
    return variables


def listen_to_functions(choreography: Choreography, handler: logging.Handler) -> None:
    """Have `handler` hear what the functions log, and what the machine complains of."""
    packages = {function.handler.__module__.partition(".")[0] for function in choreography.functions.values()}
    for package in (*packages, "contradance"):
        logger = logging.getLogger(package)
        logger.setLevel(logging.INFO)
        logger.handlers = [handler]
        logger.propagate = False


def _tell_what_waits(laptop: Laptop) -> None:
    """Say what the last run left to do."""
    pending, due = laptop.bus.waiting()
    if due is not None:
        deliveries = "1 delivery waits" if pending == 1 else f"{pending} deliveries wait"
        out.print(f"{deliveries} from before, the first until {due:%H:%M:%S}.\n", style="yellow")


def _greet(choreography: Choreography, url: str, state: Path) -> None:
    out.print(f"[bold]{choreography.name}[/bold] is running at [bold]{url}[/bold]; its state is in {state}/")
    services = Services(choreography.services)
    width = max((len(route.path) for _, route in choreography.routes), default=0)
    for function, route in choreography.routes:
        out.print(f"  {route.method:6} {route.path:{width}}  ", services.function(function.name), sep="")
    out.print(f"Watch it: {url}{PREFIX}/live", markup=False)
    out.print(f"See what happened: contradance trace --state {state}", style="dim", markup=False)
    out.print("Ctrl-C stops it, and loses nothing.\n", style="dim")
