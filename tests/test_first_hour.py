"""The page "Your first hour", run as it is written, in a folder outside the repository."""

import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
LONG = 300
"""Seconds that no working machine needs to set up a project."""
PAGE = (ROOT / "docs" / "tutorial" / "first-hour.md").read_text(encoding="utf-8")

BLOCKS = [(found[1], found[2]) for found in re.finditer(r"^```(\w*)\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)]
PORT = "8700"
CURL = f"""\
#!{sys.executable}
import argparse
from urllib.request import ProxyHandler, build_opener

parser = argparse.ArgumentParser()
parser.add_argument("-s", action="store_true")
parser.add_argument("-d", type=str.encode)
parser.add_argument("url")
given = parser.parse_args()
print(build_opener(ProxyHandler({{}})).open(given.url, given.d).read().decode())
"""
"""The README's `curl -s URL -d BODY`, for a machine that has only Python."""


class Terminal:
    """One shell after another, each starting in the folder and with the environment that the previous one ended with."""

    def __init__(self, folder: Path, scratch: Path, port: int) -> None:
        self.folder = folder
        self.scratch = scratch
        self.port = port
        dropped = ("VIRTUAL_ENV", "PYTEST_", "PYTHON", "ARGS", "EXAMPLES")  # a newcomer has set none of them
        kept = {name: value for name, value in os.environ.items() if not name.startswith(dropped)}
        path = f"{scratch}{os.pathsep}{kept['PATH']}"
        self.environment = {**kept, "PATH": path, "PYTHON": sys.executable, "COLUMNS": "100", "MAKEFLAGS": ""}

    def run(self, script: str) -> str:
        """Return what a block of commands prints. Only the port is changed: the README's may be in use here."""
        after = self.scratch / "environment"
        text = f"set -euo pipefail\n{script.replace(PORT, str(self.port))}\nenv -0 > {shlex.quote(str(after))}\n"
        done = subprocess.run(
            ["bash", "-c", text],  # noqa: S607 - whichever bash there is
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=LONG,
            check=False,
        )
        assert done.returncode == 0, done.stdout
        left = after.read_text(encoding="utf-8").rstrip("\0").split("\0")
        self.environment = dict(variable.split("=", 1) for variable in left)
        self.folder = Path(self.environment["PWD"])
        return done.stdout

    def start(self, script: str) -> "subprocess.Popen[str]":
        """Start a block that runs until it is interrupted."""
        command = script.strip().replace("ARGS=--reload", f'ARGS="--reload --port {self.port}"')
        started = subprocess.Popen(
            ["bash", "-c", f"exec {command}"],  # noqa: S607 - whichever bash there is
            cwd=self.folder,
            env={**self.environment, "PYTHONUNBUFFERED": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        assert started.stdout is not None
        for line in iter(started.stdout.readline, ""):
            if "is running at" in line:
                return started
        raise AssertionError("it never ran")


def patched(text: str, diff: str) -> str:
    """Return a file's text as a person leaves it who makes the edits that `diff` shows."""
    for hunk in diff.split("@@\n"):
        lines = hunk.splitlines()
        before = "".join(f"{line[1:]}\n" for line in lines if not line.startswith("+"))
        after = "".join(f"{line[1:]}\n" for line in lines if not line.startswith("-"))
        assert text.count(before) == 1, (before, text)
        text = text.replace(before, after)
    return text


@pytest.fixture
def terminal(tmp_path: Path) -> Terminal:
    """Return a terminal in a clone, whose environment is this one."""
    clone = tmp_path / "clone"
    clone.mkdir()
    (clone / ".venv").symlink_to(sys.prefix)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    (tmp_path / "curl").write_text(CURL, encoding="utf-8")
    (tmp_path / "curl").chmod(0o755)
    return Terminal(clone, tmp_path, port)


def test_the_first_hour_works_as_written(terminal: Terminal) -> None:
    shells = [text for kind, text in BLOCKS if kind == "sh"]
    (diff,) = [text for kind, text in BLOCKS if kind == "diff"]
    (shown,) = [text for kind, text in BLOCKS if not kind]
    (edited,) = re.findall(r"Edit three lines of\s+`(.*?)`", PAGE)
    made, created, checked, run, looked = shells

    terminal.run(made)
    terminal.run(created)
    file = terminal.folder / edited
    file.write_text(patched(file.read_text(encoding="utf-8"), diff), encoding="utf-8")
    printed = terminal.run(checked)
    laptop = terminal.start(run)
    try:
        seen = Terminal(terminal.folder, terminal.scratch, terminal.port).run(looked)
        deadline = time.monotonic() + LONG
        while "count_notices" not in seen or "not delivered" in seen:
            assert time.monotonic() < deadline, seen
            seen = terminal.run("source .venv/bin/activate\ncontradance trace")
    finally:
        os.killpg(laptop.pid, signal.SIGINT)
        laptop.communicate(timeout=LONG)

    assert sum(line.startswith("+") for line in diff.splitlines()) == 3
    assert "3 functions, 2 events, 0 findings\n" in printed
    assert words(seen).endswith(words(shown))


def words(text: str) -> str:
    """Return a trace without what differs from one run to the next: ids and durations."""
    return re.sub(r"[0-9a-f-]{36}|\b[0-9a-f]{8}\b|\d+\.\d+ m?s", "…", text)
