"""A terminal in a folder, as a person uses it who follows a page: one block of commands after another."""

import os
import re
import shlex
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping
from copy import copy
from pathlib import Path
from typing import Final, Self

LONG: Final = 300
"""Seconds that no working machine needs for one block."""
PORT: Final = "8700"
"""The laptop's port in the pages; another port replaces it, because this one may be in use."""
_DROPPED: Final = (
    "VIRTUAL_ENV",
    "PYTEST_",
    "PYTHON",
    "ARGS",
    "EXAMPLES",
    "CI",
    "MAKE",
    "CONTRADANCE",
    "AWS_",
    "POWERTOOLS",
)
"""Variables, by the beginning of their names, that a newcomer has not set."""
_CURL: Final = """\
import argparse
import sys
from urllib.error import HTTPError
from urllib.request import ProxyHandler, Request, build_opener

parser = argparse.ArgumentParser()
parser.add_argument("-s", action="store_true")
parser.add_argument("-X", dest="method")
parser.add_argument("-H", dest="headers", action="append", default=[])
parser.add_argument("-d")
parser.add_argument("url")
given = parser.parse_args()
body = given.d and (open(given.d[1:], "rb").read() if given.d.startswith("@") else given.d.encode())
request = Request(given.url, body, dict(one.split(": ", 1) for one in given.headers), method=given.method)
try:
    answer = build_opener(ProxyHandler({})).open(request)
except HTTPError as error:
    answer = error
sys.stdout.buffer.write(answer.read())
"""
"""The options of curl that the pages use, for a machine that has only Python."""


class Terminal:
    """Each block starts in the folder, and with the environment, that the previous one ended with."""

    def __init__(self, folder: Path, scratch: Path, caches: Mapping[str, str] | None = None) -> None:
        """Open a terminal.

        Args:
            folder: its folder.
            scratch: a folder for its own files.
            caches: variables of its environment that name folders of caches.
        """
        self._caches = caches or {}
        self.folder = folder
        self._scratch = scratch
        self._background: list[subprocess.Popen[str]] = []
        with socket.create_server(("127.0.0.1", 0)) as listener:
            self.port = str(listener.getsockname()[1])
        self.commands = scratch / "commands"
        self.commands.mkdir()
        self.add_command("curl", _CURL)
        self.environment = self.new_environment()

    def new_environment(self) -> dict[str, str]:
        """Return the environment with which a terminal opens."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(_DROPPED)}
        path = os.pathsep.join([str(self.commands), kept["PATH"]])
        return {**kept, **self._caches, "PATH": path, "PYTHON": sys.executable, "COLUMNS": "100", "NO_COLOR": "1"}

    def another(self) -> Self:
        """Return another terminal that is opened in the same folder: it has nothing of this one's environment."""
        other = copy(self)
        other.environment, other._background = self.new_environment(), []
        return other

    def add_command(self, name: str, program: str) -> None:
        """Put a command on the PATH, before all others: a Python program."""
        (self.commands / name).write_text(f"#!{sys.executable}\n{program}", encoding="utf-8")
        (self.commands / name).chmod(0o755)

    def run(self, script: str) -> str:
        """Return what a block of commands prints; it has to succeed."""
        code, printed = self.try_to_run(script)
        assert code == 0, f"{script}\n{printed}"
        return printed

    def try_to_run(self, script: str) -> tuple[int, str]:
        """Return the exit code of a block of commands, and what it prints."""
        after = self._scratch / "environment"
        after.unlink(missing_ok=True)
        leave = f"env -0 > {shlex.quote(str(after))}"
        done = subprocess.run(
            ["bash", "-c", f"set -uo pipefail; trap {shlex.quote(leave)} EXIT\nset -e\n{self._here(script)}\n"],  # noqa: S607
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=LONG,
            check=False,
        )
        if after.exists():
            left = after.read_text(encoding="utf-8").rstrip("\0").split("\0")
            self.environment = dict(variable.split("=", 1) for variable in left)
            self.folder = Path(self.environment["PWD"])
        return done.returncode, done.stdout

    def start(self, script: str) -> None:
        """Start the laptop, which runs until `close`."""
        command = self._here(script.strip())
        if command.startswith("make run"):
            options = re.search(r'ARGS="?([^"]*)"?', command)
            command = f'make run ARGS="{options[1] if options else ""} --port {self.port}"'
        started = subprocess.Popen(
            ["bash", "-c", f"exec {command}"],  # noqa: S607 - whichever bash there is
            cwd=self.folder,
            env={**self.environment, "PYTHONUNBUFFERED": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self._background.append(started)
        assert started.stdout is not None
        printed = []
        for line in iter(started.stdout.readline, ""):
            printed.append(line)
            if "is running at" in line:
                return
        raise AssertionError("".join(printed))

    def stop(self) -> None:
        """End what was started last, as Ctrl-C does."""
        for process in self._background:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGINT)
                process.communicate(timeout=LONG)
            elif process.stdout is not None:
                process.stdout.close()
        self._background.clear()

    def _here(self, script: str) -> str:
        """Return a script for this terminal: with its port."""
        return script.replace(PORT, self.port)
