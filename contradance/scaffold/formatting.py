"""Formatting what was written, by the project's own ruff where it has one.

A new file is formatted. A file that was formatted stays so; one that was not keeps its author's own form, in which
only the edit is new. Files are formatted where they lie: ruff tells a project's own modules by looking at them.
"""

import os
import subprocess
import sys
from collections.abc import Iterable
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from shutil import which

from contradance.scaffold.changes import Changes


def to_format(changes: Changes) -> list[Path]:
    """Return which of the files to be written are to be formatted then."""
    python = [path for path in (*changes.created, *changes.edited) if path.suffix == ".py"]
    return [path for path in python if path in changes.created or _is_formatted(changes.root, path)]


def format_files(root: Path, paths: Iterable[Path]) -> None:
    """Give files the project's form, each in one step."""
    for path in paths:
        before = (root / path).read_text(encoding="utf-8")
        after = _formatted(root, path, before)
        if after != before:
            beside = root / path.with_name(f".{path.name}-{os.getpid()}")
            beside.write_text(after, encoding="utf-8", newline="\n")
            beside.replace(root / path)


def _is_formatted(root: Path, path: Path) -> bool:
    text = (root / path).read_text(encoding="utf-8")
    return _formatted(root, path, text) == text


@cache
def _ruff() -> tuple[str, ...]:
    """Return the command, or nothing where there is none."""
    if find_spec("ruff") is not None:
        return (sys.executable, "-m", "ruff")
    found = which("ruff")
    return (found,) if found else ()


def _formatted(root: Path, path: Path, text: str) -> str:
    """Return `text` with its imports sorted and its lines laid out; as it is where ruff cannot."""
    for words in (("check", "--select", "I", "--fix-only", "--quiet"), ("format", "--quiet")) if _ruff() else ():
        done = subprocess.run(  # noqa: S603 - the project's own ruff
            [*_ruff(), *words, "--stdin-filename", str(root / path), "-"],
            input=text,
            capture_output=True,
            text=True,
            check=False,
            cwd=root,
        )
        text = done.stdout if done.returncode == 0 else text
    return text
