"""`contradance run`: builds the laptop, prints its addresses, and serves until Ctrl-C."""

import os
import threading
from collections.abc import Collection, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

import typer

from contradance.choreography import Choreography
from contradance.cli.exporting import exporting
from contradance.cli.log_lines import listen_to_functions
from contradance.cli.moment import clock_time
from contradance.cli.narrator import Narrator
from contradance.cli.reloading import end_with_parent
from contradance.cli.setting import setting_variables
from contradance.cli.target import state_option
from contradance.cli.theme import Services, out, print_unless_closed
from contradance.local.captured import CapturedLogs, root_logged, thread_errors_logged
from contradance.local.clock import RealClock
from contradance.local.console.feed import Feed
from contradance.local.console.pages import PREFIX
from contradance.local.events.pending_delivery import PendingDelivery
from contradance.local.invocation.watchdog import watched
from contradance.local.laptop import Laptop
from contradance.local.printed import printing
from contradance.local.pruning import DEFAULT_KEPT
from contradance.local.system.address import LaptopAddress, port_to_run, write_address
from contradance.local.web.server import Server
from contradance.operate.flow import flows
from contradance.quantity import counted
from contradance.runtime.aws import metrics
from contradance.runtime.journal_record import JournalRecord
from contradance.weborigin import checked_origin


def origin_option(text: str) -> str:
    """Return the origin in an option's text, also with capitals or a final slash; raise `BadParameter` for another."""
    try:
        return checked_origin(text.lower().rstrip("/"))
    except ValueError as error:
        raise typer.BadParameter(f"{text!r} is not an origin: {error}.", param_hint="--cors-origin") from error


def run_laptop(
    choreography: Choreography,
    state: Path,
    port: int | None,
    sets: Sequence[str],
    *,
    time_scale: float = 1.0,
    archive_delay: timedelta = timedelta(0),
    kept: timedelta = DEFAULT_KEPT,
    origins: Collection[str] = (),
) -> None:
    """Run the laptop until Ctrl-C or SIGTERM; exit the process at once if a handler's thread never ends."""
    variables = {**os.environ, **setting_variables(choreography, sets)}
    narrator = Narrator(Services(choreography.services))
    feed = Feed()

    def when_journaled(record: JournalRecord) -> None:
        """Show an attempt in the terminal and in every open live page, and drop the metrics that it made."""
        narrator.delivery(record)
        metrics.drop()
        feed.send(record)

    def when_settled(pending: PendingDelivery) -> None:
        """Print the summary of a settled delivery's flow if no delivery of the flow is left."""
        flow_id = pending.correlation_id
        if flow_id is not None and not laptop.deliveries.count_of_flow(flow_id):
            for flow in flows(laptop.journal.flows(flow_id)):
                narrator.settled(flow)

    tracing, captured = ExitStack(), ExitStack()
    collector = tracing.enter_context(exporting(choreography.name, os.environ))
    laptop = Laptop(
        choreography,
        state,
        clock=RealClock(time_scale),
        variables=variables,
        archive_delay=archive_delay,
        kept=kept,
        when_journaled=when_journaled,
        when_settled=when_settled,
    )
    try:
        asked = port_to_run(state, port)
        server = Server(laptop, asked, when_refused=narrator.refused, feed=feed, origins=origins)
        write_address(state, LaptopAddress(port=server.port, asked=asked))
        server.stop_on_signals()
        end_with_parent()
        logs = CapturedLogs(narrator.logged)
        listen_to_functions(choreography, logs)
        captured.enter_context(root_logged(logs))
        captured.enter_context(printing(narrator.logged))
        captured.enter_context(out.pinned())
        captured.enter_context(thread_errors_logged())
        captured.enter_context(watched(laptop.in_flight))
        _greet(choreography, server.url, state, collector)
        _print_backlog(laptop)
        laptop.start()
        server.serve_until_stopped()
        print_unless_closed("Stopping: finishing running deliveries; Ctrl-C again leaves them for the next start ...")
    finally:
        ended = laptop.close()
        captured.close()
        tracing.close()
    print_unless_closed("Stopped. Pending deliveries continue at the next start.")
    others = [thread for thread in threading.enumerate() if thread is not threading.main_thread() and not thread.daemon]
    if others or not ended:
        os._exit(0)  # threads of handlers that never end would keep the process alive


def _print_backlog(laptop: Laptop) -> None:
    """Print how many deliveries an earlier run left pending, and when the first is tried; nothing if there are none."""
    pending, due = laptop.deliveries.count()
    if due is not None:
        deliveries = f"{counted(pending, 'delivery')} {'is' if pending == 1 else 'are'}"
        out.print(
            f"{deliveries} pending from an earlier run; the first is tried at {clock_time(due, datetime.now(UTC))}.\n",
            style="yellow",
        )


def _greet(choreography: Choreography, url: str, state: Path, collector: str | None) -> None:
    """Print the addresses of routes, console and `collector`, if any, and how to trace and to stop."""
    out.print(
        f"[bold]{choreography.name}[/bold] is running at [bold]{url}[/bold]; its state is in {state}/", markup=True
    )
    services = Services(choreography.services)
    width = max((len(route.path) for _, route in choreography.routes), default=0)
    for function, route in choreography.routes:
        out.print(f"  {route.method:6} {route.path:{width}}  ", services.function(function.name), sep="")
    out.print(f"Live view: {url}{PREFIX}/live")
    out.print(f"Trace a flow: contradance trace{state_option(state)}", style="dim")
    if collector:
        out.print(f"Traces go to {collector}", style="dim")
    out.print("Ctrl-C stops it; no event is lost.\n", style="dim")
