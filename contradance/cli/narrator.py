"""The output of `contradance run`: one line for each delivery, each finished flow and each refused request."""

import threading
from collections import OrderedDict
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Final

from rich.text import Text

from contradance.cli.attempt import ShownTracebacks, attempt_lines
from contradance.cli.log_lines import entry_lines
from contradance.cli.moment import Days
from contradance.cli.theme import Services, print_line
from contradance.local.printed import writing
from contradance.local.web.server import Refusal
from contradance.operate.flow import Flow
from contradance.printable import printable
from contradance.quantity import counted
from contradance.runtime.journal_record import JournalRecord, LogEntry

_REMEMBERED: Final = 1000
"""Most flows whose last printed summary is kept, so that it is printed only once."""
_MINUTE: Final = 60
_LONGEST_PATH: Final = 100
_SERVER_ERROR: Final = 500


class Narrator:
    """Prints journal records, flows and the functions' own log lines as they arrive."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._tracebacks = ShownTracebacks()
        self._days = Days()
        self._printed: OrderedDict[str, tuple[int, int, int]] = OrderedDict()
        self._printed_lock = threading.Lock()

    def logged(self, entry: LogEntry, service: str) -> None:
        """Print a function's log line, and below it its exception, with the name of its service."""
        self._print_day(entry.at)
        for line in entry_lines(entry, service, self._services):
            _print_line(line)

    def delivery(self, record: JournalRecord) -> None:
        """Print one attempt, its error, and its traceback if it was not printed before."""
        self._print_day(record.started_at)
        for line in attempt_lines(record, self._services, self._tracebacks):
            _print_line(line)

    def refused(self, refusal: Refusal) -> None:
        """Print one refused request: its time, method, path and status."""
        request = (
            f"{refusal.method} {printable(refusal.path[:_LONGEST_PATH])}" if refusal.method else "malformed request"
        )
        line = Text(refusal.at.strftime("%H:%M:%S  "), "dim").append(f"{'http':{self._services.width}}", "white")
        _print_line(
            line.append(f"  ✗ {request}  {refusal.status}", "red" if refusal.status >= _SERVER_ERROR else "yellow")
        )

    def _print_day(self, at: datetime) -> None:
        """Print the date of `at` if the line before has another one; nothing before the first line."""
        if heading := self._days.heading(at):
            _print_line(Text(heading, "dim"))

    def settled(self, flow: Flow) -> None:
        """Print a flow's summary, unless its last one had the same numbers of events, deliveries and dead letters."""
        counts = (flow.events, flow.deliveries, flow.dead_letters)
        with self._printed_lock:
            if self._printed.get(flow.correlation_id) == counts:
                return
            self._printed[flow.correlation_id] = counts
            while len(self._printed) > _REMEMBERED:
                self._printed.popitem(last=False)
        _print_line(
            Text(
                f"{'':8}  {flow_summary(flow)}  {flow_title(flow)}",
                "red" if flow.dead_letters or flow.failed else "green",
            )
        )


def _print_line(line: Text) -> None:
    """Print a line; ignore a closed output, which must not fail a delivery."""
    with suppress(OSError, ValueError), writing():  # its pipe is broken, or it was closed
        print_line(line)


def flow_title(flow: Flow) -> str:
    """Return `subject ID` if an event of the flow has a subject, else `flow ID` with the correlation id."""
    return f"subject {printable(flow.subject)}" if flow.subject else f"flow {printable(flow.correlation_id)}"


def flow_summary(flow: Flow) -> str:
    """Return a flow's counts and duration in one line: `4 events, 8 deliveries in 0.31 s; 1 still to be delivered`."""
    parts = [counted(flow.events, "event"), counted(flow.deliveries, "delivery")]
    if flow.dead_letters:
        parts.append(counted(flow.dead_letters, "dead letter"))
    if flow.failed:
        parts.append(counted(flow.failed, "failed request"))
    waiting = f"; {flow.waiting} still to be delivered" if flow.waiting else ""
    return f"{', '.join(parts)} in {_duration_text(flow.duration)}{waiting}"


def _duration_text(duration: timedelta) -> str:
    """Return a duration as text: `0.31 s`, from a minute on `2 min 5 s`."""
    seconds = duration.total_seconds()
    return f"{seconds:.2f} s" if seconds < _MINUTE else f"{seconds // _MINUTE:.0f} min {seconds % _MINUTE:.0f} s"
