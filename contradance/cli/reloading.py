"""`contradance run --reload`: runs the laptop in a child process, which is restarted when its code is edited.

Accepted events are on disk, so a restart loses none. The child is in its own process group, so that Ctrl-C reaches only
this process. The child ends when its standard input closes, so it also ends when this process is killed.
"""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Final

from watchfiles import PythonFilter, watch

from contradance.cli.theme import out

_RELOADED: Final = "CONTRADANCE_RELOADED"
"""Set in the environment of a child process that ends when its standard input closes."""


def run_reloading(root: Path, arguments: Sequence[str]) -> int:
    """Run `contradance` until Ctrl-C or SIGTERM, restarting it after each edit below `root`; return its exit code.

    It gets a second signal itself, which ends it at once.
    """
    stop = threading.Event()

    def on_signal(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 - required by signal.signal
        if stop.is_set():
            process.send_signal(number)
        stop.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, on_signal)
    process, runs = _start(arguments), True
    every = partial(watch, watch_filter=PythonFilter(), stop_event=stop, rust_timeout=500, yield_on_timeout=True)
    try:
        for changes in every(*watched(root)):
            if not changes:
                if runs and process.poll() is not None:
                    runs = False
                    out.print(
                        f"\nIt has ended with exit code {process.returncode}, and starts again after an edit.",
                        style="red",
                    )
                continue
            edited = sorted({os.path.relpath(path, root) for _, path in changes})
            out.print(f"\n{', '.join(edited)} changed: restarting.", style="yellow")
            _end(process)
            process, runs = _start(arguments), True
    finally:
        code = _end(process)
    return code


def watched(root: Path) -> list[Path]:
    """Return the folders of a project's code: those at its root whose names start with neither `.` nor `_`."""
    return sorted(folder for folder in root.iterdir() if folder.is_dir() and not folder.name.startswith((".", "_")))


def end_with_parent() -> None:
    """Start a thread that stops a child of `run_reloading` as on Ctrl-C when its standard input closes; else none."""
    if _RELOADED in os.environ:

        def wait() -> None:
            sys.stdin.read()
            os.kill(os.getpid(), signal.SIGINT)

        threading.Thread(target=wait, name="contradance-parent", daemon=True).start()


def _start(arguments: Sequence[str]) -> "subprocess.Popen[bytes]":
    """Start `contradance` in a child process with an open standard input, and return the process."""
    return subprocess.Popen(  # noqa: S603 - starts this program again
        [sys.executable, "-m", "contradance", *arguments],
        env={**os.environ, _RELOADED: "yes"},
        stdin=subprocess.PIPE,
        process_group=0,
    )


def _end(process: "subprocess.Popen[bytes]") -> int:
    """Close a child's standard input, wait until it has finished, and return its exit code."""
    if process.stdin is not None:
        process.stdin.close()
    return process.wait()
