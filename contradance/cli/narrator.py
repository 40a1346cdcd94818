"""What `contradance run` says while it runs: one line per delivery, per flow that has come to rest, and per refused request."""

import logging
import threading
from collections import OrderedDict
from contextlib import suppress
from datetime import timedelta
from typing import Final

from rich.text import Text

from contradance.cli.attempt import attempt_lines
from contradance.cli.log_lines import log_lines
from contradance.cli.theme import Services, out
from contradance.local.web.server import Refusal
from contradance.operate.flow import Flow
from contradance.runtime.journal_record import JournalRecord

_REMEMBERED: Final = 1000
"""Flows whose last summary is remembered, so that it is not said twice."""
_MINUTE: Final = 60
_LONGEST_PATH: Final = 100
_SERVER_ERROR: Final = 500


class Narrator(logging.Handler):
    """Prints journal records, flows and the functions' own log lines as they come."""

    def __init__(self, services: Services, level: int = logging.NOTSET) -> None:
        super().__init__(level)
        self._services = services
        self._said: OrderedDict[str, tuple[int, int, int]] = OrderedDict()
        self._said_lock = threading.Lock()

    def emit(self, record: logging.LogRecord) -> None:
        """Print a function's log line under its service's name."""
        try:
            lines = log_lines(record, self._services)
        except Exception:  # noqa: BLE001 - as logging does: a line that cannot be formatted fails no delivery
            self.handleError(record)
            return
        for line in lines:
            _say(line)

    def delivery(self, record: JournalRecord) -> None:
        """Print one attempt."""
        for line in attempt_lines(record, self._services):
            _say(line)

    def refused(self, refusal: Refusal) -> None:
        """Print one request that was refused: when, which, and with what status."""
        asked = f"{refusal.method} {refusal.path[:_LONGEST_PATH]}" if refusal.method else "what is no request"
        line = Text(refusal.at.strftime("%H:%M:%S  "), "dim").append(f"{'http':{self._services.width}}", "white")
        _say(line.append(f"  ✗ {asked}  {refusal.status}", "red" if refusal.status >= _SERVER_ERROR else "yellow"))

    def settled(self, flow: Flow) -> None:
        """Print the summary of a flow in which nothing waits any more, once."""
        counts = (flow.events, flow.deliveries, flow.dead_letters)
        with self._said_lock:
            if self._said.get(flow.correlation_id) == counts:
                return
            self._said[flow.correlation_id] = counts
            while len(self._said) > _REMEMBERED:
                self._said.popitem(last=False)
        _say(Text(f"{'':8}  {summary(flow)}  {about(flow)}", "red" if flow.dead_letters else "green"))


def _say(line: Text) -> None:
    """Print a line. Where nobody reads any more, be silent: no delivery fails for that."""
    with suppress(OSError, SystemExit):  # Rich exits when its pipe is broken
        out.print(line)


def about(flow: Flow) -> str:
    """Say which flow: by its subject, which only an event has."""
    return f"subject {flow.subject}" if flow.subject else f"flow {flow.correlation_id}"


def summary(flow: Flow) -> str:
    """Say a flow in one line: `4 events, 8 deliveries in 0.31 s`."""
    parts = [_count(flow.events, "event", "events"), _count(flow.deliveries, "delivery", "deliveries")]
    if flow.dead_letters:
        parts.append(_count(flow.dead_letters, "dead letter", "dead letters"))
    waiting = f"; {flow.waiting} still to be delivered" if flow.waiting else ""
    return f"{', '.join(parts)} in {_words(flow.duration)}{waiting}"


def _words(duration: timedelta) -> str:
    seconds = duration.total_seconds()
    return f"{seconds:.2f} s" if seconds < _MINUTE else f"{seconds // _MINUTE:.0f} min {seconds % _MINUTE:.0f} s"


def _count(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"
