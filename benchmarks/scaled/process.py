"""Runs a program in a process of its own, and returns what it used."""

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple

CONTRADANCE: Final = (sys.executable, "-m", "contradance")
_BYTECODE: Final = Path(tempfile.gettempdir()) / f"contradance-bench-bytecode-{os.getuid()}"
"""Where Python keeps what it compiled: a module that is compiled at each start measures the compiler."""
_START_SECONDS: Final = 120
_KILOBYTE: Final = 1024


class Used(NamedTuple):
    """What one process used."""

    seconds: float
    """CPU seconds, user and system."""
    megabytes: float
    """Most resident memory."""
    output: str
    errors: str


def run(command: Sequence[str], folder: Path, variables: Mapping[str, str] | None = None) -> Used:
    """Run a command in `folder` to its end; any exit code is fine, a traceback is not."""
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
        process = subprocess.Popen(  # noqa: S603 - our own programs
            command, cwd=folder, env=_environment(variables), stdout=output, stderr=errors
        )
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        errors.seek(0)
        found = Used(
            used.ru_utime + used.ru_stime, used.ru_maxrss / _KILOBYTE, output.read().decode(), errors.read().decode()
        )
    assert "Traceback" not in found.errors, found.errors
    return found


def fewest(command: Sequence[str], folder: Path, rounds: int, variables: Mapping[str, str] | None = None) -> Used:
    """Run a command several times; return the run with the fewest CPU seconds."""
    return min((run(command, folder, variables) for _ in range(rounds)), key=lambda used: used.seconds)


@contextmanager
def serving(folder: Path, state: Path) -> Iterator[tuple[int, str]]:
    """Run the laptop of the project in `folder`; the value is its process id and its address."""
    process = subprocess.Popen(  # noqa: S603 - ourselves
        [*CONTRADANCE, "run", "--state", str(state), "--port", "0"],
        cwd=folder, env=_environment({"NO_COLOR": "1"}), stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        found = re.search(r"http://127\.0\.0\.1:\d+", process.stdout.readline())
        assert found
        while not process.stdout.readline().startswith("Ctrl-C"):
            pass
        yield process.pid, found[0]
    finally:
        process.terminate()
        process.wait(_START_SECONDS)


def cpu_seconds(pid: int) -> float:
    """Return the CPU seconds that a running process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def status(pid: int, name: str) -> int:
    """Return a number of a running process's status: `Threads`, `VmRSS` in KB."""
    text = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    found = re.search(rf"^{name}:\s+(\d+)", text, re.MULTILINE)
    assert found
    return int(found[1])


def _environment(variables: Mapping[str, str] | None) -> dict[str, str]:
    """Return the environment of a child: it keeps its bytecode, and prints no warnings about it."""
    own = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {**own, "PYTHONPYCACHEPREFIX": str(_BYTECODE), "COLUMNS": "100", **(variables or {})}
