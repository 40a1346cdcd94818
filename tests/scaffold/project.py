"""A generated project, as its author sees it: commands in processes of their own, in its folder."""

import fcntl
import os
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

from tests.scaffold.forking import ForkingCommand


class Tools(NamedTuple):
    """What every generated project of a test session shares."""

    command: ForkingCommand
    cache: Path
    """A folder that the workers of a parallel run share: what Python, mypy and Hypothesis computed from source files."""


class Generated:
    """One project. The environment is the tests' own: the project's contracts are found by path."""

    def __init__(self, root: Path, tools: Tools) -> None:
        self.root = root
        self._tools = tools

    def contradance(self, *words: str) -> str:
        """Return what a command prints; it has to succeed."""
        code, printed = self.tried(*words)
        assert code == 0, printed
        return printed

    def tried(self, *words: str) -> tuple[int, str]:
        """Return (exit code, everything printed) of a command."""
        return self._tools.command.run(self.root, words)

    def checked(self, module: str, *words: str) -> None:
        """Run one of the tools that `make check` runs; it has to succeed."""
        dropped = ("PYTEST_", "PYTHONDONTWRITEBYTECODE")  # they belong to the run that this test is part of
        kept = {name: value for name, value in os.environ.items() if not name.startswith(dropped)}
        done = subprocess.run(
            [sys.executable, "-m", module, *words],
            cwd=self.root,
            env={
                **kept,
                "PYTHONPATH": str(self.root / "contracts"),
                "PYTHONPYCACHEPREFIX": str(self._tools.cache / "compiled"),
                "HYPOTHESIS_STORAGE_DIRECTORY": str(self._tools.cache / "hypothesis"),
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout

    def check(self) -> None:
        """Run everything that the project's `make check` runs."""
        self.checked("ruff", "format", "--check", "--no-cache")
        self.checked("ruff", "check", "--no-cache")
        with (self._tools.cache / "mypy.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            self.checked("mypy", "--no-error-summary", "--cache-dir", str(self._tools.cache / "mypy"))
        self.checked("pytest", "-p", "no:cacheprovider")

    def read(self, path: str) -> str:
        """Return a file's text."""
        return (self.root / path).read_text(encoding="utf-8")

    def edit(self, path: str, *pairs: tuple[str, str]) -> None:
        """Replace text that stands once in a file, as an author does."""
        text = self.read(path)
        for old, new in pairs:
            assert text.count(old) == 1, (path, old, text)
            text = text.replace(old, new)
        (self.root / path).write_text(text, encoding="utf-8")

    def files(self) -> dict[str, str]:
        """Return the text of every file, by path; what tools keep for themselves is left out."""
        found = [
            path for path in self.root.rglob("*") if path.is_file() and path.suffix in {".py", ".toml", ".yaml", ".md"}
        ]
        return {str(path.relative_to(self.root)): path.read_text(encoding="utf-8") for path in sorted(found)}
