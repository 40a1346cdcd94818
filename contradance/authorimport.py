"""Imports an author's module; an error of its code is reported at the author's line.

What the module prints goes to standard error, because standard output may be read by a program.
"""

import os
import re
import sys
import threading
import traceback
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from difflib import get_close_matches
from importlib import import_module
from pathlib import Path
from traceback import FrameSummary, StackSummary
from types import TracebackType
from typing import Any, Final

from contradance.bounds import MAX_PATH, MAX_PROBLEM, MAX_REASON_BYTES, shortened
from contradance.errors import ContradanceError, DeclarationError, error_message, is_readable
from contradance.printable import printable

_INSTALLED: Final = ("site-packages", "dist-packages", ".venv")
"""Folders of code that is not the author's."""
_NO_NAME: Final = re.compile(r"cannot import name '(\w+)' from '([\w.]+)'")
_MOST_FRAMES: Final = 20
"""Most frames of the author's code that an error shows: the last ones."""
_SLOW: Final = 10.0
"""Seconds after which a warning shows where an import is."""


def import_authors(module: str, attribute: str, root: Path, what: str) -> Any:
    """Import a module of the project at `root`, and return its attribute, None without it.

    Raises:
        DeclarationError: its code, or that of a module which it imports, fails, or is interrupted; it names `what`.
    """
    with redirect_stdout(sys.stderr), _without_exit(), _watched(root):
        try:
            return getattr(import_module(module), attribute, None)
        except ContradanceError as error:
            _add_place(error, root)
            raise
        except BaseException as error:  # noqa: BLE001 - an author's module may raise anything
            failure = DeclarationError(_failure(error, sys.exc_info()[2], module, root, what))
            failure.__cause__ = error if is_readable(error) else None
    # Outside of the blocks: the interpreter reads the context, too, and `contextlib` sets the traceback.
    raise failure


def _add_place(error: ContradanceError, root: Path) -> None:
    """Add the author's line to the message of an error of ours, unless the message has it."""
    message = error_message(error)
    for frame in _author_frames(error.__traceback__, root)[-1:]:
        if (place := _place(frame, root)) not in message:
            error.args = (f"{message}\n  {place}: {_code(frame)}",)


def _failure(error: BaseException, trace: TracebackType | None, module: str, root: Path, what: str) -> str:
    """Return the message for an import that raised `error`, whose attributes may raise when they are read."""
    frames = _author_frames(trace, root)
    try:
        if isinstance(error, SyntaxError) and (place := _place_of_code(error, root)):
            return f"{place}: {_bounded(error_message(error.msg))}.\n  Correct it: loading {what} imports this file."
        missing = error.name if isinstance(error, ModuleNotFoundError) else None
        if not frames and missing is not None and f"{module}.".startswith(f"{missing}."):
            return f"{what}: it cannot be loaded: {_bounded(error_message(error))}."
        text = f"{error_message(error)}{_suggestion(error)}"
        raised = _bounded(f"{type(error).__name__}: {text}" if text else type(error).__name__)
    except BaseException:  # noqa: BLE001 - an author's class may raise anything, for each attribute
        raised = _bounded(f"{type.__repr__(type(error))}, which cannot be described")
    if not frames:
        return f"{what}: it cannot be loaded: {raised}."
    *above, last = frames[-_MOST_FRAMES:]
    called = [
        f"  {'imported' if frame.name == '<module>' else 'called'} by {_place(frame, root)}: {_code(frame)}"
        for frame in reversed(above)
    ]
    lines = [f"{_place(last, root)}: {raised}", f"    {_code(last)}", *dict.fromkeys(called)]
    return "\n".join([*lines, f"  Correct it: loading {what} runs this code."])


def _author_frames(trace: TracebackType | None, root: Path) -> list[FrameSummary]:
    """Return the frames of a traceback that are in the project's files."""
    # A line is read when it is used: code that was compiled may have a file name that cannot be opened.
    frames = StackSummary.extract(traceback.walk_tb(trace), lookup_lines=False)
    return [frame for frame in frames if _is_author_file(frame.filename, root)]


def _place_of_code(error: SyntaxError, root: Path) -> str:
    """Return the file and line of code that is not Python; empty if the code is not a file."""
    if not (isinstance(error.filename, str) and os.path.isfile(error.filename)):  # noqa: PTH113 - takes any text
        return ""
    line = f", line {error.lineno}" if error.lineno else ""
    return f"{_relative_path(error.filename, root)}{line}"


def _suggestion(error: BaseException) -> str:
    """Return `. Did you mean x?` for a name that could not be imported and has a similar one; else an empty text."""
    wanted = _NO_NAME.match(str(error)) if isinstance(error, ImportError) else None
    module = sys.modules.get(wanted[2]) if wanted else None
    similar = get_close_matches(wanted[1], vars(module), n=1) if wanted and module else []
    return f". Did you mean {similar[0]}?" if similar else ""


@contextmanager
def _without_exit() -> Iterator[None]:
    """Let `os._exit` raise SystemExit inside the block: a command would end as if it had done its work.

    A process that is forked inside the block still ends.
    """
    end, process, inside = os._exit, os.getpid(), True

    def raise_exit(status: int) -> None:
        """Raise SystemExit with the status; after the block, or in another process, end the process."""
        if inside and os.getpid() == process:
            raise SystemExit(f"os._exit({status})")
        end(status)

    os._exit = raise_exit  # type: ignore[assignment]  # it returns nothing, but may raise
    try:
        yield
    finally:
        inside, os._exit = False, end


@contextmanager
def _watched(root: Path) -> Iterator[None]:
    """Warn once, with the author's line that runs, if the block takes long: a module may wait for something."""
    importing = threading.get_ident()

    def warn() -> None:
        """Warn with the last of the author's lines that the importing thread runs."""
        frames = traceback.extract_stack(sys._current_frames().get(importing))  # noqa: SLF001 - the documented way
        authors = [frame for frame in frames if _is_author_file(frame.filename, root)]
        if authors:
            line = authors[-1]
            slow = f"loading the project takes more than {_SLOW:.0f} seconds; it is at {_code(line)}"
            warnings.warn_explicit(slow, UserWarning, line.filename, line.lineno or 0)

    timer = threading.Timer(_SLOW, warn)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _is_author_file(filename: str, root: Path) -> bool:
    """Whether a file is below `root` and not in a folder of installed packages."""
    path = _relative_path(filename, root)
    return not (filename.startswith("<") or os.path.isabs(path)) and not {*_INSTALLED} & {*Path(path).parts}  # noqa: PTH117 - takes any text


def _relative_path(filename: str, root: Path) -> str:
    """Return the path of a file relative to the project's root; the whole path of a file outside."""
    try:
        path, root = Path(filename).resolve(), root.resolve()
    except (OSError, ValueError, RuntimeError):  # code that was compiled may have any text as its file
        return f"/{filename}"
    return (path.relative_to(root) if path.is_relative_to(root) else path).as_posix()


def _place(frame: FrameSummary, root: Path) -> str:
    """Return the file and line of a frame."""
    return f"{shortened(printable(_relative_path(frame.filename, root)), MAX_PATH)}, line {frame.lineno}"


def _code(frame: FrameSummary) -> str:
    """Return the line of code of a frame."""
    return shortened(printable(frame.line or ""), MAX_PROBLEM)


def _bounded(text: str) -> str:
    """Return a text of the author's as it is shown in a message."""
    return shortened(printable(text), MAX_REASON_BYTES)
