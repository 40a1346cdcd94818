"""A process that has loaded what no mutant changes, and runs pytest in a fork of itself.

Each line of its input is JSON: pytest's arguments, the seconds that it may take, and the file for its output. Each line
of its output is an exit code; minus 9 is that of a run that took too long.
"""

import json
import os
import resource
import signal
import sys
import time

import botocore.loaders  # type: ignore[import-untyped]  # noqa: F401 - loaded before the fork; botocore has no types
import hypothesis.strategies  # noqa: F401 - the same
import pydantic  # noqa: F401 - the same
import pytest

_PAUSE_SECONDS = 0.01
_MOST_MEMORY = 6 * 1024**3
"""Most bytes of address space of one run: a mutant that loops for ever may keep something of each round."""


def run(arguments: list[str], seconds: float, output: str) -> int:
    """Run pytest, and return its exit code."""
    child = os.fork()
    if not child:
        os.setsid()
        resource.setrlimit(resource.RLIMIT_AS, (_MOST_MEMORY, _MOST_MEMORY))
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), 1)
        os.dup2(1, 2)
        code = pytest.main(["-W", "ignore:Module already imported", *arguments])
        sys.stdout.flush()
        os._exit(code)  # a thread that a mutant left behind is not waited for
    deadline = time.monotonic() + seconds
    ended, status = 0, 0
    while not ended and time.monotonic() < deadline:
        ended, status = os.waitpid(child, os.WNOHANG)
        time.sleep(_PAUSE_SECONDS)
    if not ended:
        os.killpg(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status)


if __name__ == "__main__":
    for line in sys.stdin:
        print(run(*json.loads(line)), flush=True)  # noqa: T201 - its output
