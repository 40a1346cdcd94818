"""A generated project, as its author sees it: commands in a process of their own, in its folder."""

import os
import subprocess
import sys
from pathlib import Path


class Generated:
    """One project. The environment is the tests' own: the project's contracts are found by path."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def contradance(self, *words: str, answers: str = "") -> str:
        """Return what a command prints; it has to succeed."""
        code, told = self.tried(*words, answers=answers)
        assert code == 0, told
        return told

    def tried(self, *words: str, answers: str = "") -> tuple[int, str]:
        """Return (exit code, everything printed) of a command."""
        return self._run("contradance", *words, answers=answers)

    def checked(self, module: str, *words: str) -> None:
        """Run one of the tools that `make check` runs."""
        code, told = self._run(module, *words)
        assert code == 0, told

    def check(self) -> None:
        """Run everything that the project's `make check` runs."""
        self.checked("ruff", "format", "--check", "--no-cache")
        self.checked("ruff", "check", "--no-cache")
        self.checked("mypy", "--no-error-summary", "--cache-dir", os.devnull)
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

    def _run(self, module: str, *words: str, answers: str = "") -> tuple[int, str]:
        contracts = str(self.root / "contracts")
        done = subprocess.run(
            [sys.executable, "-m", module, *words],
            cwd=self.root,
            env={
                **os.environ,
                "PYTHONPATH": contracts,
                "PYTHONDONTWRITEBYTECODE": "1",
                "COLUMNS": "200",
            },
            input=answers,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        return done.returncode, done.stdout
