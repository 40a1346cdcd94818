"""Captures what handlers print on the laptop, and keeps it with the running attempt as lines of the level INFO."""

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Final, TextIO

from contradance.local.invocation.in_flight import note_logged
from contradance.runtime.attempt import Attempt, running_attempt
from contradance.runtime.journal_record import LogEntry

_writing: Final[ContextVar[bool]] = ContextVar("contradance_writing", default=False)
"""Whether this context writes to the terminal for the laptop, and not for a handler."""


class CapturedPrint:
    """Standard output or error: what a handler prints is kept with its attempt; everything is written through.

    Args:
        stream: the real one.
        when_printed: shows a line that a handler printed, instead of writing it through.
    """

    def __init__(self, stream: TextIO, when_printed: Callable[[LogEntry, str], None] | None = None) -> None:
        self._stream = stream
        self._when_printed = when_printed

    def write(self, text: str) -> int:
        """Write text and return its length; keep a handler's lines, and show them instead if `when_printed` is set."""
        attempt = _printing_attempt()
        if attempt is None:
            return self._stream.write(text)
        note_logged(attempt)
        for entry in attempt.keep_printed(text):
            if self._when_printed is not None:
                self._when_printed(entry, attempt.service)
        return self._stream.write(text) if self._when_printed is None else len(text)

    def writelines(self, lines: Iterable[str]) -> None:
        """Write each text."""
        for text in lines:
            self.write(text)

    def isatty(self) -> bool:
        """Whether the stream is a terminal; not for a handler, as on AWS: its lines are text, also their colours."""
        return _printing_attempt() is None and self._stream.isatty()

    def close(self) -> None:
        """Ignore a handler that closes the stream: later attempts print to it, and so does the laptop."""

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


@contextmanager
def printing(when_printed: Callable[[LogEntry, str], None] | None = None) -> Iterator[None]:
    """Replace standard output and error by `CapturedPrint`; `when_printed` gets each line of a handler and its service."""
    before, before_error = sys.stdout, sys.stderr
    captured, captured_error = CapturedPrint(before, when_printed), CapturedPrint(before_error, when_printed)
    sys.stdout, sys.stderr = captured, captured_error
    try:
        yield
    finally:
        if sys.stdout is captured:  # else another has replaced it, such as a debugger
            sys.stdout = before
        if sys.stderr is captured_error:
            sys.stderr = before_error


@contextmanager
def writing() -> Iterator[None]:
    """Print inside the block for the laptop: the text is written, and not kept as what a handler prints."""
    token = _writing.set(True)
    try:
        yield
    finally:
        _writing.reset(token)


def _printing_attempt() -> Attempt | None:
    """Return the attempt whose handler prints; None where the laptop does."""
    return None if _writing.get() else running_attempt()
