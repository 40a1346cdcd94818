"""Formats one attempt at a delivery for the terminal."""

from typing import Final

from rich.text import Text

from contradance.cli.theme import Services, event_name, short
from contradance.printable import printable
from contradance.runtime.journal_record import JournalRecord

_MARKS: Final = {
    "done": ("✓", "green"),
    "duplicate": ("=", "dim"),
    "failed": ("✗", "yellow"),
    "invalid": ("✗", "red"),
    "expired": ("✗", "red"),
    "unreadable": ("?", "dim"),
}


def attempt_lines(record: JournalRecord, services: Services) -> list[Text]:
    """Return the lines for one attempt: function, trigger, published events and subject; below them the error."""
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
    below = "red" if record.dead else "yellow"
    return [
        line,
        *(Text(f"{'':8}  {'':{services.width}}    {text}", below) for text in (record.error or "").splitlines()),
    ]


def _ending(record: JournalRecord) -> str:
    """Return the outcome of an attempt that is not `done`: `failed, attempt 1, 5 retries left`."""
    if record.outcome == "duplicate":
        return "duplicate: already done"
    if record.is_request or record.outcome == "unreadable":
        return record.outcome
    ending = "now a dead letter" if record.dead else f"{record.retries_left} retries left"
    return f"{record.outcome}, attempt {record.attempt}, {ending}"
