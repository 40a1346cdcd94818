"""A cache of files that are written atomically: a file is complete or absent, also with several writers and crashes."""

import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from contradance.errors import PackagingError


class CachedFile(NamedTuple):
    """A file in the cache."""

    path: Path
    fresh: bool
    """Whether this call created it."""


def get_or_create_file(path: Path, make: Callable[[], bytes]) -> CachedFile:
    """Return the file at `path`; if it does not exist, first write what `make` returns, or raise `PackagingError`.

    A file's name contains a digest of everything that its content depends on, so an existing file is never stale.

    Raises:
        PackagingError: the file cannot be written.
    """
    if path.is_file():
        return CachedFile(path, fresh=False)
    content = make()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _write_atomically(path, content)
    except OSError as error:
        raise PackagingError(
            f"{path} cannot be written: {error.strerror}.\n  No incomplete file is left. Free some space, or give this user "
            "write permission, and build again."
        ) from error
    return CachedFile(path, fresh=True)


def _write_atomically(path: Path, content: bytes) -> None:
    """Write a file under another name, flush it to the disk, and rename it to `path`; leave nothing when that fails."""
    handle, scratch = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".part")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(scratch).chmod(0o644)  # mkstemp creates files that only their owner can read
        Path(scratch).replace(path)
    except BaseException:
        Path(scratch).unlink(missing_ok=True)
        raise
