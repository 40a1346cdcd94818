"""Formatting what was written, by the project's own ruff where it has one.

A new file is formatted. A file that was formatted stays so; one that was not keeps its author's own form, in which
only the edit is new.
"""

import subprocess
import sys
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from shutil import which

from contradance.scaffold.changes import Changes


def format_changes(changes: Changes) -> None:
    """Give the Python among the changes the project's form."""
    command = _ruff()
    if command is None:
        return
    for path, text in changes.created.items():
        if path.suffix == ".py":
            changes.created[path] = _formatted(command, changes.root, path, text)
    for path, text in changes.edited.items():
        before = (changes.root / path).read_text(encoding="utf-8")
        if path.suffix == ".py" and _formatted(command, changes.root, path, before) == before:
            changes.edited[path] = _formatted(command, changes.root, path, text)


@cache
def _ruff() -> tuple[str, ...] | None:
    if find_spec("ruff") is not None:
        return (sys.executable, "-m", "ruff")
    found = which("ruff")
    return (found,) if found else None


def _formatted(command: tuple[str, ...], root: Path, path: Path, text: str) -> str:
    """Return `text` with its imports sorted and its lines laid out; as it is where ruff cannot."""
    for words in (("check", "--select", "I", "--fix-only", "--quiet"), ("format", "--quiet")):
        done = subprocess.run(  # noqa: S603 - the project's own ruff
            [*command, *words, "--stdin-filename", str(root / path), "-"],
            input=text,
            capture_output=True,
            text=True,
            check=False,
            cwd=root,
        )
        text = done.stdout if done.returncode == 0 else text
    return text
