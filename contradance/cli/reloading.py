"""`contradance run --reload`: the laptop in a process of its own, ended and started again when its code is edited.

What was accepted is on disk, so nothing is lost between the two. The process is kept out of the terminal's own group:
a Ctrl-C reaches this one alone, which passes it on, once.
"""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

from watchfiles import PythonFilter, watch

from contradance.cli.theme import out


def run_reloading(root: Path, arguments: Sequence[str]) -> int:
    """Run `contradance` with `arguments` until Ctrl-C or SIGTERM, anew after each edit below `root`; return its exit code."""
    stop = threading.Event()

    def on_signal(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 - what signal.signal calls
        stop.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, on_signal)
    process = _start(arguments)
    try:
        for changes in watch(*watched(root), watch_filter=PythonFilter(), stop_event=stop, rust_timeout=500):
            edited = sorted({os.path.relpath(path, root) for _, path in changes})
            ended = "" if process.poll() is None else " It had ended by itself."
            out.print(f"\n{', '.join(edited)} changed: starting again.{ended}", style="yellow", markup=False)
            _end(process)
            process = _start(arguments)
    finally:
        code = _end(process)
    return code


def watched(root: Path) -> list[Path]:
    """Return the folders that hold a project's code: those at its root that are not hidden."""
    return sorted(folder for folder in root.iterdir() if folder.is_dir() and not folder.name.startswith((".", "_")))


def _start(arguments: Sequence[str]) -> "subprocess.Popen[bytes]":
    return subprocess.Popen([sys.executable, "-m", "contradance", *arguments], process_group=0)  # noqa: S603 - ourselves


def _end(process: "subprocess.Popen[bytes]") -> int:
    """Have what is in flight finished; a process that has ended by itself, on an error in the code say, is let be."""
    if process.poll() is None:
        process.send_signal(signal.SIGINT)
    return process.wait()
