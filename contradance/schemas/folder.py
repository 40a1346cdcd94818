"""The folder of frozen contracts, one file for each version: `contracts/schemas/<source>/<DetailType>/v<N>.json`."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TypeAlias

from contradance.errors import InvalidSchema
from contradance.identity import Identity
from contradance.schemas.frozen import FrozenContract, read_frozen

Promises: TypeAlias = Mapping[Identity, FrozenContract]
"""Frozen contracts by identity."""


def read_folder(folder: Path) -> Promises:
    """Return the frozen contracts of a folder, none without it; raise `InvalidSchema` for a file that is not one.

    Raises:
        InvalidSchema: a file is not a frozen contract, or its path does not match its identity.
    """
    files = sorted(folder.glob("*/*/v*.json"))
    return read_files((path.relative_to(folder).as_posix(), path.read_bytes()) for path in files)


def read_files(files: Iterable[tuple[str, str | bytes]]) -> Promises:
    """Return the frozen contracts of (path below the folder, content); raise `InvalidSchema` for a path of another."""
    promises: dict[Identity, FrozenContract] = {}
    for path, content in files:
        frozen = read_frozen(content, path)
        if path != str(frozen.path):
            raise InvalidSchema(f"{path} holds {frozen.identity}.\n  Move it to {frozen.path}.")
        promises[frozen.identity] = frozen
    return promises


def write_frozen(folder: Path, frozen: FrozenContract) -> Path:
    """Write the file of a frozen contract, and return its path."""
    path = folder / frozen.path
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(frozen.text, encoding="utf-8")
    return path


def delete_frozen(folder: Path, frozen: FrozenContract) -> Path:
    """Delete the file of a frozen contract, and its two folders if they become empty; return the file's path."""
    path = folder / frozen.path
    path.unlink()
    for parent in (path.parent, path.parent.parent):
        if not any(parent.iterdir()):
            parent.rmdir()
    return path
