"""Files to write, all of them or none, also when the process is killed in the middle.

Everything is first written beside its project, in a folder of its own. Renaming that folder is the one moment at which
the change happens; from then on it is carried out, and if this process dies, the next `contradance create` carries it
out. Before that moment, nothing of the project has changed.
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
"""Where a project keeps what is not source."""
_MANIFEST: Final = "manifest.json"


@dataclass(slots=True)
class Changes:
    """New texts of a project's files, by their paths below its root."""

    root: Path
    created: dict[Path, str] = field(default_factory=dict)
    edited: dict[Path, str] = field(default_factory=dict)

    def create(self, path: Path, text: str) -> None:
        """Write a new file; one that is there is never overwritten."""
        if (self.root / path).exists() or path in self.created:
            raise CannotCreate(
                f"{path} is there already, and is never overwritten.\n  Choose another name, or edit the file."
            )
        self.created[path] = text

    def ensure(self, path: Path, text: str) -> None:
        """Write a new file, unless it is there."""
        if not (self.root / path).exists() and path not in self.created:
            self.created[path] = text

    def read(self, path: Path) -> str:
        """Return a file's text as these changes leave it so far."""
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
        """Give a file a new text."""
        (self.created if path in self.created else self.edited)[path] = text

    def exists(self, path: Path) -> bool:
        """Whether the file is there once these changes are made."""
        return path in self.created or (self.root / path).exists()

    def write(self) -> None:
        """Make every change."""
        finish(self.root)
        texts = {**self.created, **{path: text for path, text in self.edited.items() if text != self._on_disk(path)}}
        for path, text in texts.items():
            if path.suffix == ".py":
                ast.parse(text, str(path))
        staged = self.root / _FOLDER / f"staged-{os.getpid()}"
        try:
            _stage(staged, texts)
            staged.rename(_pending(self.root))
        except OSError as error:
            shutil.rmtree(staged, ignore_errors=True)
            raise CannotCreate(
                f"{self.root} cannot be written to: {error.strerror}.\n  Nothing was changed."
            ) from error
        finish(self.root)

    def _on_disk(self, path: Path) -> str | None:
        target = self.root / path
        return target.read_text(encoding="utf-8") if target.exists() else None


def finish(root: Path) -> None:
    """Carry out what was decided: nothing, unless a process died while it did."""
    pending = _pending(root)
    if not pending.exists():
        return
    for number, name in enumerate(json.loads((pending / _MANIFEST).read_text(encoding="utf-8"))):
        target = root / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if (pending / str(number)).exists():
            (pending / str(number)).replace(target)
    shutil.rmtree(pending)


def _pending(root: Path) -> Path:
    return root / _FOLDER / "creating"


def _stage(folder: Path, texts: dict[Path, str]) -> None:
    folder.mkdir(parents=True)
    for number, text in enumerate(texts.values()):
        _write(folder / str(number), text)
    _write(folder / _MANIFEST, json.dumps([str(path) for path in texts]))


def _write(path: Path, text: str) -> None:
    with path.open("x", encoding="utf-8", newline="\n") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
