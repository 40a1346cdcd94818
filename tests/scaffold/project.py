"""A generated project, as its author sees it: commands in processes of their own, in its folder."""

import os
from pathlib import Path

from tests.forking import Forks


class Generated:
    """One project. The environment is the tests' own: the project's contracts are found by path."""

    def __init__(self, root: Path, forks: Forks) -> None:
        self.root = root
        self._forks = forks

    def contradance(self, *words: str) -> str:
        """Return what a command prints; it has to succeed."""
        code, printed = self.tried(*words)
        assert code == 0, printed
        return printed

    def tried(self, *words: str) -> tuple[int, str]:
        """Return (exit code, everything printed) of a command."""
        done = self._forks.commands.run(
            "-m", "contradance", *words, cwd=self.root, env={**os.environ, "COLUMNS": "200"}
        )
        return done.returncode, done.stdout + done.stderr

    def checked(self, module: str, *words: str) -> None:
        """Run one of the tools that `make check` runs; it has to succeed."""
        dropped = ("PYTEST_", "PYTHONDONTWRITEBYTECODE")  # they belong to the run that this test is part of
        kept = {name: value for name, value in os.environ.items() if not name.startswith(dropped)}
        done = self._forks.tools.run(
            *("-m", module, *words),
            cwd=self.root,
            env={
                **kept,
                **self._forks.caches,
                "PYTHONPATH": str(self.root / "contracts"),
                "PYTHONPYCACHEPREFIX": str(self._forks.cache / "compiled"),
            },
        )
        assert done.returncode == 0, done.stdout + done.stderr

    def check(self) -> None:
        """Run everything that the project's `make check` runs."""
        self.checked("ruff", "format", "--check", "--no-cache")
        self.checked("ruff", "check", "--no-cache")
        with self._forks.typing():
            self.checked("mypy", "--no-error-summary")
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
