"""A process that has imported the command `contradance`, and runs each command that it reads in a fork of itself.

Importing is most of what a command costs. Everything else happens in a process of its own, as it does for an author.
"""

import json
import os
import subprocess
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryFile
from typing import Self

import contradance.cli.app  # noqa: F401 - loaded before the forks
from contradance.cli import main

ROOT = Path(__file__).parents[2]


class ForkingCommand:
    """The command `contradance`, imported once for many runs."""

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.scaffold.forking"],
            cwd=ROOT,
            env={**os.environ, "COLUMNS": "200", "PYTHONDONTWRITEBYTECODE": "1"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate()

    def run(self, folder: Path, words: Sequence[str]) -> tuple[int, str]:
        """Return (exit code, everything printed) of one command in a folder."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps([str(folder), *words]) + "\n")
        self._process.stdin.flush()
        code, printed = json.loads(self._process.stdout.readline())
        return code, printed


def forked(folder: str, words: list[str]) -> tuple[int, str]:
    """Run one command in a child process; return (exit code, everything printed)."""
    with TemporaryFile() as printed:
        child = os.fork()
        if child == 0:
            with Path(os.devnull).open() as nothing:
                os.dup2(nothing.fileno(), 0)
            os.dup2(printed.fileno(), 1)
            os.dup2(printed.fileno(), 2)
            os.chdir(folder)
            sys.path[0] = folder
            sys.argv = ["contradance", *words]
            os._exit(exit_code())
        _, status = os.waitpid(child, 0)
        printed.seek(0)
        return os.waitstatus_to_exitcode(status), printed.read().decode()


def exit_code() -> int:
    """Run the command and return the code that Python would exit with."""
    try:
        main()
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    except BaseException:  # noqa: BLE001 - printed, as Python does
        traceback.print_exc()
        return 1
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
    return 0


if __name__ == "__main__":
    for line in iter(sys.stdin.readline, ""):
        where, *typed = json.loads(line)
        print(json.dumps(forked(where, typed)), flush=True)  # noqa: T201 - the answer
