"""The frames of an exception: which are the author's, and how they look in the journal and in Lambda's records."""

import os
import traceback
from collections.abc import Iterator, Sequence
from itertools import dropwhile
from traceback import FrameSummary
from typing import Final

from contradance.printable import encodable
from contradance.quantity import counted

_MOST_FRAMES: Final = 16
"""Most frames of one exception in the journal: the first half and the last half of more."""
_OWN_FOLDER: Final = __file__.removesuffix(os.path.join("runtime", "frames.py"))  # noqa: PTH118 - pathlib is slow to load
_STARTERS: Final = (_OWN_FOLDER, os.path.join(os.path.dirname(os.__file__), "contextlib."), "<frozen ")  # noqa: PTH118, PTH120 - the same
"""Beginnings of the paths whose frames come before the author's first frame."""
_OF_LIBRARIES: Final = (*_STARTERS, os.path.dirname(os.__file__), "/opt/")  # noqa: PTH120 - the same
"""Beginnings of the paths of code that is not the author's; on Lambda layers are in /opt."""


def last_place(error: BaseException) -> str:
    """Return the author's last line, `functions/loans/lend.py:12`, else a library's; empty for contradance's and without one."""
    frames = traceback.extract_tb(error.__traceback__)
    authors = [frame for frame in frames if not _is_of_a_library(frame)] or frames
    if not authors or authors[-1].filename.startswith(_OWN_FOLDER):
        return ""
    return f"{_short(authors[-1].filename)}:{authors[-1].lineno}"


def format_frames(error: BaseException) -> str:
    """Return the frames that led to `error`, as Python prints them, without its message, which may hold data."""
    return encodable("".join(traceback.format_tb(error.__traceback__)))


def author_frames(error: BaseException) -> str:
    """Return the frames of one exception from the author's first to the author's last, each with its line of code.

    The frames of libraries below the author's last line are counted; without a line of the author all are shown.
    """
    frames = [*dropwhile(_is_before_author, traceback.extract_tb(error.__traceback__))]
    end = max((number for number, frame in enumerate(frames, 1) if not _is_of_a_library(frame)), default=len(frames))
    below = len(frames) - end
    counted_below = [f"  ... {counted(below, 'frame')} of libraries ...\n"] if below else []
    return "".join((*_formatted(_bounded(frames[:end])), *counted_below))


def stack_trace(error: BaseException) -> list[str]:
    """Return the frames from the author's first on, one text each, as Lambda has them in its records; empty without one."""
    try:
        frames = [*dropwhile(_is_of_a_library, traceback.extract_tb(error.__traceback__))]
        return [encodable("".join(_formatted([frame]))) for frame in _bounded(frames)]
    except BaseException:  # noqa: BLE001 - an author's class may raise anything, for each attribute
        return []


def _is_before_author(frame: FrameSummary) -> bool:
    """Whether a frame belongs to contradance, to contextlib or to a frozen module, and not to the author."""
    return frame.filename.startswith(_STARTERS)


def _bounded(frames: Sequence[FrameSummary]) -> list[FrameSummary | str]:
    """Return the frames; of more than `_MOST_FRAMES` the first and the last, with a line between them."""
    if len(frames) <= _MOST_FRAMES:
        return [*frames]
    half = _MOST_FRAMES // 2
    return [*frames[:half], f"  ... {counted(len(frames) - 2 * half, 'frame')} ...\n", *frames[-half:]]


def _formatted(frames: Sequence[FrameSummary | str]) -> Iterator[str]:
    """Yield the text of each frame, its place and its line of code if known; texts unchanged."""
    for frame in frames:
        if isinstance(frame, str):
            yield frame
            continue
        yield f'  File "{_place(frame.filename)}", line {frame.lineno}, in {frame.name}\n'
        if frame.line:
            yield f"    {frame.line}\n"


def _place(filename: str) -> str:
    """Return a path relative to the current folder if it is below it; of any other path the last three parts."""
    here = f"{os.getcwd()}{os.sep}"  # noqa: PTH109 - text, as frames have it
    inside = filename.startswith(here) and "site-packages" not in filename
    return filename.removeprefix(here) if inside else _short(filename)


def _is_of_a_library(frame: FrameSummary) -> bool:
    """Whether a frame's code is Python's, contradance's or of another installed package, and not the author's."""
    return frame.filename.startswith(_OF_LIBRARIES) or "-packages" in frame.filename


def _short(filename: str) -> str:
    """Return the last three parts of a path, which do not name folders of the machine."""
    return "/".join(filename.replace("\\", "/").strip("/").split("/")[-3:])
