"""Writes a set of files completely or not at all, even if the process is killed.

The new texts are first written to a staging folder. Renaming that folder commits the change. After the rename the files
are moved to their places; if the process dies before that is done, the next `contradance create` completes it. Before
the rename, the project is unchanged.
"""

import ast
import json
import os
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from contradance.errors import CannotCreate

_FOLDER: Final = Path(".contradance")
"""Folder of a project for files that are not source."""
_MANIFEST: Final = "manifest.json"


@dataclass(slots=True)
class Changes:
    """New texts of a project's files, by path relative to its root."""

    root: Path
    created: dict[Path, str] = field(default_factory=dict)
    edited: dict[Path, str] = field(default_factory=dict)

    def create(self, path: Path, text: str) -> None:
        """Plan a new file; raise `CannotCreate` if it exists or is planned."""
        if (self.root / path).exists() or path in self.created:
            raise CannotCreate(
                f"{path} already exists and is not overwritten.\n  Choose another name, or edit the file."
            )
        self.created[path] = text

    def ensure(self, path: Path, text: str) -> None:
        """Plan a new file, unless it exists or is planned."""
        if not (self.root / path).exists() and path not in self.created:
            self.created[path] = text

    def read(self, path: Path) -> str:
        """Return a file's text with the changes planned so far; raise `CannotCreate` if it cannot be read."""
        for changed in (self.edited, self.created):
            if path in changed:
                return changed[path]
        try:
            return (self.root / path).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise CannotCreate(
                f"{path} cannot be read: {getattr(error, 'strerror', None) or 'it is not UTF-8'}."
            ) from error

    def edit(self, path: Path, text: str) -> None:
        """Plan a new text for a file that exists or is planned, if the text differs."""
        if text != self.read(path):
            (self.created if path in self.created else self.edited)[path] = text

    def exists(self, path: Path) -> bool:
        """Whether the file exists after these changes."""
        return path in self.created or (self.root / path).exists()

    def write(self) -> None:
        """Write every change; raise `CannotCreate` if a folder cannot be written to, SyntaxError if text is not Python.

        With an error, nothing is written.
        """
        complete_pending(self.root)
        texts = {**self.created, **self.edited}
        for path in texts:
            folder = next(parent for parent in (self.root / path).parents if parent.exists())
            if not (folder.is_dir() and os.access(folder, os.W_OK)):
                raise CannotCreate(f"{folder} is not a folder that can be written to.\n  Nothing is changed.")
        for path, text in texts.items():
            if path.suffix == ".py":
                ast.parse(text, str(path))
            texts[path] = text.replace("\n", newline_of(self.root / path))
        staged = self.root / _FOLDER / f"staged-{os.getpid()}"
        try:
            _stage(staged, texts)
            staged.rename(_pending_folder(self.root))
        except OSError as error:
            shutil.rmtree(staged, ignore_errors=True)
            raise CannotCreate(f"{self.root} cannot be written to: {error.strerror}.\n  Nothing is changed.") from error
        complete_pending(self.root)


def newline_of(file: Path) -> str:
    """Return how the first line of a file ends, a line feed or both characters; a line feed without a file."""
    if not file.exists():
        return "\n"
    with file.open("rb") as content:
        return "\r\n" if content.readline().endswith(b"\r\n") else "\n"


def complete_pending(root: Path) -> None:
    """Move committed files to their places. Does nothing unless a process died before it had moved them all."""
    pending = _pending_folder(root)
    if not pending.exists():
        return
    for number, name in enumerate(json.loads((pending / _MANIFEST).read_text(encoding="utf-8"))):
        target = root / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if (pending / str(number)).exists():
            (pending / str(number)).replace(target)
    shutil.rmtree(pending)


def _pending_folder(root: Path) -> Path:
    """Return the folder that exists while committed files are moved to their places."""
    return root / _FOLDER / "creating"


def _stage(folder: Path, texts: dict[Path, str]) -> None:
    """Write the texts to a folder as numbered files, with a manifest of their paths."""
    folder.mkdir(parents=True)
    for number, text in enumerate(texts.values()):
        _write_durably(folder / str(number), text)
    _write_durably(folder / _MANIFEST, json.dumps([str(path) for path in texts]))


def _write_durably(path: Path, text: str) -> None:
    """Write a file that does not exist yet, and flush it to the disk."""
    with path.open("x", encoding="utf-8", newline="") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
