"""What the tests of the command line have in common."""

import os
import re
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests.forking import commands
from tests.patience import LONG

ROOT = Path(__file__).parents[2]


class Running:
    """`contradance run` in a process of its own, whose output is read as it comes."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self.process = process
        self.lines: list[str] = []
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    @property
    def output(self) -> str:
        """Everything that was printed so far."""
        return "".join(self.lines)

    def url(self) -> str:
        """Return where it answers, once it says so."""
        found = self.said(r"is running at (http://127\.0\.0\.1:\d+)")
        return found.group(1)

    def said(self, pattern: str) -> re.Match[str]:
        """Return the match of `pattern` in the output, once it is there."""
        deadline = time.monotonic() + LONG
        while (found := re.search(pattern, self.output)) is None:
            assert time.monotonic() < deadline, f"never said {pattern}:\n{self.output}"
            assert self.process.poll() is None or self._reader.is_alive(), self.output
            time.sleep(0.01)
        return found

    def ended(self) -> int:
        """Return the exit code, once it has ended."""
        code = self.process.wait(LONG)
        self._reader.join(LONG)
        return code

    def _read(self) -> None:
        assert self.process.stdout is not None
        self.lines.extend(iter(self.process.stdout.readline, ""))


@contextmanager
def running(project: Path, *options: str, environment: Mapping[str, str] | None = None) -> Iterator[Running]:
    """Start `contradance run` on a free port in a project's folder; what still runs at the end is killed."""
    command = [commands.python, "-m", "contradance", "run", "--port", "0", *options]
    variables = {**os.environ, "PYTHONUNBUFFERED": "1", **(environment or {})}
    process = subprocess.Popen(
        command, cwd=project, env=variables, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    started = Running(process)
    try:
        yield started
    finally:
        process.kill()
        started.ended()
        if process.stdout is not None:
            process.stdout.close()
