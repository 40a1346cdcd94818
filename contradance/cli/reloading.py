"""`contradance run --reload`: the laptop in a process of its own, ended and started again when its code is edited.

What was accepted is on disk, so nothing is lost between the two. The process is kept out of the terminal's own group,
so that a Ctrl-C reaches this one alone; it ends when its standard input does, and so with this one, however that dies.
"""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from types import FrameType
from typing import Final

from watchfiles import PythonFilter, watch

from contradance.cli.theme import out

_RELOADED: Final = "CONTRADANCE_RELOADED"
"""Set in the environment of a process that is to end with its standard input."""


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
            out.print(f"\n{', '.join(edited)} changed: starting again.", style="yellow", markup=False)
            _end(process)
            process = _start(arguments)
    finally:
        code = _end(process)
    return code


def watched(root: Path) -> list[Path]:
    """Return the folders that hold a project's code: those at its root that are not hidden."""
    return sorted(folder for folder in root.iterdir() if folder.is_dir() and not folder.name.startswith((".", "_")))


def end_with_parent() -> None:
    """In a process that `run_reloading` started: stop as on Ctrl-C when the starting process ends, or ends this one."""
    if _RELOADED in os.environ:

        def wait() -> None:
            sys.stdin.read()
            os.kill(os.getpid(), signal.SIGINT)

        threading.Thread(target=wait, name="contradance-parent", daemon=True).start()


def _start(arguments: Sequence[str]) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(  # noqa: S603 - ourselves
        [sys.executable, "-m", "contradance", *arguments],
        env={**os.environ, _RELOADED: "yes"},
        stdin=subprocess.PIPE,
        process_group=0,
    )


def _end(process: "subprocess.Popen[bytes]") -> int:
    """Have what is in flight finished; a process that has ended by itself, on an error in the code say, is let be."""
    if process.stdin is not None:
        process.stdin.close()
    return process.wait()
