"""The command line: each command parses its arguments, calls one function and prints."""

import atexit
import os
import sys
import threading
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from io import TextIOWrapper
from time import monotonic
from typing import Any, Final

_THREAD_SECONDS: Final = 5.0
"""Seconds that a command waits at its end for threads of the application."""
_LOOK_SECONDS: Final = 0.05
_IDLE: Final = ("concurrent.futures.thread", "_worker")
"""Module and function in which a thread of a pool waits for work."""


def main() -> None:
    """Run the `contradance` command; exit with a message if Typer or Rich is not installed."""
    _open_closed_descriptors()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal that cannot show ✓ gets a question mark, not a crash
    for needed in ("typer", "rich"):
        if find_spec(needed) is None:
            sys.exit(f"contradance's commands need {needed}.\n  Install them: pip install 'contradance[local]'")
    from contradance.cli.app import app  # noqa: PLC0415 - the base install has no command line's dependencies
    from contradance.cli.theme import end_if_output_failed  # noqa: PLC0415 - the same

    warnings.showwarning = _show_warning
    with _ending_threads():
        try:
            _run(app)
        except OSError as error:
            end_if_output_failed(error)
            raise


def _open_closed_descriptors() -> None:
    """Open each standard stream that is closed: the next file that is opened, such as the state, would have its number.

    What is written to standard output then fails, and what is written to standard error is discarded.
    """
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:  # the lowest free number, which a new file has, is this one
            os.open(os.devnull, os.O_RDONLY if descriptor == 1 else os.O_RDWR)
    if sys.stdout is None:
        sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115 - a descriptor, until the end


@contextmanager
def _ending_threads() -> Iterator[None]:
    """When the block exits, end the process even if a thread that the application has started inside still runs."""
    before = {*threading.enumerate()}
    try:
        yield
    except SystemExit as end:
        _end_threads([thread for thread in threading.enumerate() if thread not in before], end.code)
        raise


def _run(app: Callable[[], object]) -> None:
    """Run the application, and write what is in the buffer of standard output: a failure at the end would go unseen."""
    try:
        app()
    finally:
        if isinstance(sys.stdout, TextIOWrapper):
            with suppress(ValueError):  # a handler has closed it
                sys.stdout.flush()


def _end_threads(threads: Iterable[threading.Thread], code: object) -> None:
    """Wait shortly for threads; end the process if one would keep it alive."""
    until = monotonic() + _THREAD_SECONDS
    others = [thread for thread in threads if not thread.daemon]
    while (left := [thread for thread in others if _is_at_work(thread)]) and monotonic() < until:
        left[0].join(_LOOK_SECONDS)
    if left:
        from contradance.cli.theme import OutputFailed, err  # noqa: PLC0415 - most commands end without it

        with suppress(OSError, ValueError, OutputFailed):  # of standard error: the command ends all the same
            err.print(
                f"warning: the application's thread {left[0].name!r} still runs; the command ends without it.",
                style="yellow",
            )
        atexit._run_exitfuncs()  # noqa: SLF001 - what the end of the process does after it has waited for threads
        for stream in filter(None, (sys.stdout, sys.stderr)):
            with suppress(OSError, ValueError):  # a handler has closed it, or its reader has gone
                stream.flush()
        os._exit(code if isinstance(code, int) else int(code is not None))


def _is_at_work(thread: threading.Thread) -> bool:
    """Whether a thread runs; an idle one of a pool does not keep the process alive: Python ends it."""
    frame = sys._current_frames().get(thread.ident or 0)  # noqa: SLF001 - the documented way
    is_idle = frame is not None and (frame.f_globals.get("__name__"), frame.f_code.co_name) == _IDLE
    return thread.is_alive() and not is_idle


def _show_warning(*warning: Any, **options: Any) -> None:
    """Print a warning in one line on standard error, as `print_warning` does, which is imported only then."""
    from contradance.cli.command import print_warning  # noqa: PLC0415 - most commands print none

    print_warning(*warning, **options)
