"""The look of terminal output: consoles, a colour for each service, short ids and event names."""

import os
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Final, NoReturn

from rich.color import ColorSystem
from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.style import Style
from rich.text import Text

from contradance.printable import printable, printable_block

_COLOURS: Final = ("blue", "green", "yellow", "magenta", "cyan", "bright_red", "bright_green", "bright_blue")
_UUID: Final = re.compile(r"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-")
_SHORT: Final = 24
"""Longest id that is printed as a whole where ids are short, in characters."""
_NO_READER: Final = 128 + 13
"""Exit code of a Unix command whose reader has gone: that of SIGPIPE."""


class OutputFailed(SystemExit):
    """Ends a command whose output cannot be written; another SystemExit in a command is of the application's code."""


def end_without_reader() -> NoReturn:
    """Exit as a Unix command does when the reader of its output has gone, as in `contradance logs | head`: quietly."""
    _discard_unwritable()
    raise OutputFailed(_NO_READER)


def end_if_output_failed(error: OSError) -> None:
    """Exit as a Unix command does if standard output cannot be written: with one line, quietly if its reader has gone.

    Return if it can be written, or if a handler has closed it: then `error` is another one.
    """
    if isinstance(error, BrokenPipeError):
        end_without_reader()
    try:
        with suppress(ValueError):
            sys.stdout.write("\n")  # without a buffer, what failed is not written again
            sys.stdout.flush()
    except OSError as failed:
        _discard_unwritable()
        err.print(f"standard output cannot be written: {failed.strerror}", style="red")
        raise OutputFailed(1) from error


def _discard_unwritable() -> None:
    """Discard what is in the buffer of an output that cannot be written: the end of the process would write it again."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


class SafeConsole(Console):
    """Writes text as `printable_block` returns it; styles and colours are its own. Markup in a text counts only if asked."""

    def __init__(self, *, stderr: bool = False) -> None:
        super().__init__(stderr=stderr, highlight=False, soft_wrap=True, markup=False, emoji=False)

    @contextmanager
    def pinned(self) -> Iterator[None]:
        """Print inside the block where `sys.stdout` writes now, also while a handler redirects or replaces it."""
        self.file = sys.stdout
        try:
            yield
        finally:
            self._file = None

    def on_broken_pipe(self) -> None:
        """End the command quietly, without what could not be written: Rich would print it with the next text."""
        del self._buffer[:]
        end_without_reader()

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """Yield the segments of a text or a tree, with their text made printable."""
        for segment in super().render(renderable, options):
            yield segment if segment.control else Segment(printable_block(segment.text), segment.style)


out = SafeConsole()
err = SafeConsole(stderr=True)


def print_line(line: Text) -> None:
    """Print a line as `out` prints it, without laying it out: `run` and `logs` print thousands of lines.

    It is one write, so that lines of several threads do not mix. Without a terminal, or with NO_COLOR, it is plain text.
    """
    if out.color_system is not None and not out.no_color and out.is_terminal:  # the last is slow
        parts = line.render(out) if line.spans else [Segment(line.plain, out.get_style(line.style))]
        text = "".join(_in_colour(printable_block(part), style) for part, style, _ in parts)
    else:
        text = printable_block(line.plain)
    out.file.write(f"{text}\n")
    out.file.flush()


def print_unless_closed(text: str) -> None:
    """Print and flush a text; do nothing where a handler has closed standard output."""
    with suppress(OSError, ValueError):
        out.print(text)
        out.file.flush()


def _in_colour(text: str, style: Style | None) -> str:
    """Return a text with the terminal's codes for a style, in 16 colours; unchanged without a style."""
    return style.render(text, color_system=ColorSystem.STANDARD) if style else text


def short(identifier: str | None) -> str:
    """Return a UUID's first part, another id as a whole or its first characters, made printable; an empty text for None."""
    text = identifier or ""
    if _UUID.match(text):
        return text[:8]
    return printable(text if len(text) <= _SHORT else f"{text[: _SHORT - 1]}…")


def event_name(contract: str) -> str:
    """Return `BookLent` for `library.loans/BookLent v1`, `BookLent v2` for version 2; made printable."""
    name = contract.rpartition("/")[2]
    return printable(name.removesuffix(" v1"))


class Services:
    """Assigns each service of a choreography a colour."""

    def __init__(self, services: Sequence[str]) -> None:
        self._colours = {service: _COLOURS[position % len(_COLOURS)] for position, service in enumerate(services)}
        self.width = max(map(len, services), default=0)

    def style(self, function: str) -> str:
        """Return the style of a function's service, also by the service's name; white for an unknown one."""
        return self._colours.get(function.partition(".")[0], "white")

    def function(self, name: str) -> Text:
        """Return `service.handler` in its service's colour."""
        return Text(name, self.style(name))
