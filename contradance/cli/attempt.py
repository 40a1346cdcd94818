"""Formats one attempt at a delivery for the terminal."""

import threading
from collections import OrderedDict
from typing import TYPE_CHECKING, Final

from rich.text import Text

from contradance.cli.theme import Services, event_name, short
from contradance.printable import printable
from contradance.quantity import counted

if TYPE_CHECKING:
    from contradance.runtime.journal_record import JournalRecord

_MARKS: Final = {
    "done": ("✓", "green"),
    "duplicate": ("=", "dim"),
    "failed": ("✗", "yellow"),
    "invalid": ("✗", "red"),
    "expired": ("✗", "red"),
    "unreadable": ("?", "dim"),
}

_REMEMBERED: Final = 1000
"""Most tracebacks that are remembered."""


class ShownTracebacks:
    """The tracebacks that were printed: each is printed once, and a repetition as a reference to it."""

    def __init__(self) -> None:
        self._shown: OrderedDict[tuple[str, str], str] = OrderedDict()
        self._lock = threading.Lock()

    def lines(self, record: "JournalRecord") -> list[str]:
        """Return an attempt's traceback, or one line with the time of an equal earlier one; nothing without one."""
        if record.traceback is None:
            return []
        lines = record.traceback.splitlines()
        key = (record.function, "".join(line for line in lines if line.startswith("  ")))  # without messages
        with self._lock:
            before = self._shown.pop(key, None)
            self._shown[key] = before or f"{record.started_at:%H:%M:%S}"
            if len(self._shown) > _REMEMBERED:
                self._shown.popitem(last=False)
        return [f"the same traceback as at {before}"] if before else lines


def attempt_lines(record: "JournalRecord", services: Services, tracebacks: ShownTracebacks | None = None) -> list[Text]:
    """Return the lines for one attempt: function, trigger, published events and subject; below them the error.

    With `tracebacks`, the traceback too, if it was not printed before.
    """
    service, _, handler = record.function.partition(".")
    mark, style = _MARKS[record.outcome]
    line = Text(record.started_at.strftime("%H:%M:%S  "), "dim")
    line.append(f"{service:{services.width}}", services.style(service))
    line.append(f"  {mark} ", style).append(handler, "bold")
    line.append(f"  {event_name(record.trigger) if record.event_id else printable(record.trigger)}")
    if record.published:
        line.append(" → " + ", ".join(event_name(event.contract) for event in record.published), "bold")
    line.append(f"  {record.duration_ms:.1f} ms  {short(record.subject)}", "dim")
    if record.outcome != "done":
        line.append(f"  {_ending(record)}", style)
    below = "red" if record.dead or record.is_request else "yellow"
    indented = f"{'':8}  {'':{services.width}}    "
    lines = [line, *(Text(f"{indented}{text}", below) for text in (record.error or "").splitlines())]
    return lines + [Text(f"{indented}{text}", "dim") for text in (tracebacks.lines(record) if tracebacks else ())]


def _ending(record: "JournalRecord") -> str:
    """Return the outcome and what follows of an attempt that is not `done`: `failed, attempt 1, 5 retries left`."""
    if record.outcome == "duplicate":
        return "duplicate: already done"
    if record.is_request:
        return "failed: answered with 500"
    if record.outcome == "unreadable":
        return record.outcome
    ending = "now a dead letter" if record.dead else f"{counted(record.retries_left, 'retry')} left"
    return f"{record.outcome}, attempt {record.attempt}, {ending}"
