"""Formats the files that a command wrote with the project's ruff, if it has one.

A new file is always formatted. An edited file is formatted only if it was formatted before the edit, so that a file in
its author's own style changes in the edited place alone. Files are formatted at their final path, because ruff looks
at neighbouring files to find out which imports are the project's own.
"""

import os
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from shutil import which

from contradance.scaffold.changes import Changes, newline_of


def paths_to_format(changes: Changes) -> list[Path]:
    """Return the Python files to format after the changes: new ones, and those that are formatted now, before them."""
    python = [path for path in (*changes.created, *changes.edited) if path.suffix == ".py"]
    return [path for path in python if path in changes.created or _is_formatted(changes.root, path)]


def format_files(root: Path, paths: Iterable[Path]) -> None:
    """Format files in place with ruff, each replaced in one step; without ruff, do nothing."""
    for path in paths:
        before = (root / path).read_text(encoding="utf-8")
        after = _formatted(root, path, before)
        if after != before:
            temporary = root / path.with_name(f".{path.name}-{os.getpid()}")
            temporary.write_text(after, encoding="utf-8", newline=newline_of(root / path))
            temporary.replace(root / path)


def _is_formatted(root: Path, path: Path) -> bool:
    """Whether ruff would leave a file unchanged."""
    text = (root / path).read_text(encoding="utf-8")
    return _formatted(root, path, text) == text


def _formatted(root: Path, path: Path, text: str) -> str:
    """Return `text` with sorted imports and ruff's layout; unchanged where ruff is missing or refuses it."""
    beside_python = Path(sys.executable).parent  # the project's own ruff, also where its environment is not activated
    ruff = which("ruff", path=os.pathsep.join([str(beside_python), os.environ.get("PATH", os.defpath)]))
    for arguments in (("check", "--select", "I", "--fix-only", "--quiet"), ("format", "--quiet")) if ruff else ():
        done = subprocess.run(  # noqa: S603 - the project's own ruff
            [str(ruff), *arguments, "--stdin-filename", str(root / path), "-"],
            input=text,
            capture_output=True,
            text=True,
            check=False,
            cwd=root,
        )
        text = done.stdout if done.returncode == 0 else text
    return text
