"""The lines that one attempt logged: bounded, with the last ones kept, since they lead to a failure."""

from collections import deque
from typing import Final

from contradance.quantity import counted
from contradance.runtime.journal_record import LogEntry

_FIRST: Final = 50
_LAST: Final = 100
"""Most lines that are kept: the first and the last of an attempt."""
LONGEST_TEXT: Final = 2_000
"""Most characters of a message, of a field's value and of a traceback."""
_MOST_FIELDS: Final = 20
_LONGEST_NAME: Final = 100
STANDARD_KEYS: Final = frozenset(
    {
        *("level", "location", "message", "timestamp", "service", "sampling_rate", "xray_trace_id"),
        *("correlation_id", "subject", "event_id", "subscriber"),
        *("exception", "exception_name", "exception_notes", "stack_trace"),
    }
)
"""Keys of a line of JSON that are not the author's."""


class AttemptLog:
    """Collects the lines of one attempt; any thread may add one."""

    def __init__(self) -> None:
        self._first: list[LogEntry] = []
        self._last: deque[LogEntry] = deque(maxlen=_LAST)
        self._count = 0

    def add(self, entry: LogEntry) -> None:
        """Store a line if it is one of the first or of the last; of the others only the number is stored."""
        (self._first if len(self._first) < _FIRST else self._last).append(entry)
        self._count += 1  # after the line: another thread may read between the two

    def entries(self) -> tuple[LogEntry, ...]:
        """Return the stored lines, in order; a line in the gap has the number of lines that were left out."""
        last = self._last.copy()  # another thread may still add lines, after a timeout
        left_out = self._count - len(self._first) - len(last)
        if left_out <= 0 or not last:
            return (*self._first, *last)
        message = f"left out here: {counted(left_out, 'line')}"
        gap = LogEntry(at=last[0].at, level="INFO", logger="contradance", message=message)
        return (*self._first, gap, *last)


def bounded_entry(entry: LogEntry) -> LogEntry:
    """Return a line with at most `_MOST_FIELDS` fields and with cut texts; itself if it is within its limits."""
    fields = {name[:_LONGEST_NAME]: _bounded(value) for name, value in [*entry.fields.items()][:_MOST_FIELDS]}
    exception = None if entry.exception is None else cut(entry.exception)
    message = cut(entry.message)
    same_fields = len(fields) == len(entry.fields) and all(
        fields.get(name) is one for name, one in entry.fields.items()
    )
    if same_fields and message is entry.message and exception is entry.exception:  # an author's value may refuse `==`
        return entry
    return entry.model_copy(update={"message": message, "fields": fields, "exception": exception})


def _bounded(value: object) -> object:
    """Return a JSON value unchanged, or as cut text when it is too long."""
    if value is None or isinstance(value, bool | int | float):
        return value
    text = value if isinstance(value, str) else repr(value)
    return value if len(text) <= LONGEST_TEXT else cut(text)


def cut(text: str) -> str:
    """Return a text unchanged, or, over `LONGEST_TEXT` characters, its beginning and its end."""
    if len(text) <= LONGEST_TEXT:
        return text
    half = LONGEST_TEXT // 2
    return f"{text[:half]} ... {len(text) - 2 * half} characters ... {text[-half:]}"
