"""Files that are whole or not there, whoever else writes them, and whatever stops the writing."""

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
    """Whether it was made just now."""


def keep(path: Path, make: Callable[[], bytes]) -> CachedFile:
    """Return `path`, made if it is not there yet.

    The name of a file says all that its content depends on, so what is there never needs to be made again.

    Raises:
        PackagingError: it cannot be written.
    """
    if path.is_file():
        return CachedFile(path, fresh=False)
    content = make()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _write_whole(path, content)
    except OSError as error:
        raise PackagingError(
            f"{path} cannot be written: {error.strerror}.\n  Nothing is left half-written; make room, or let this user "
            "write there, and build again."
        ) from error
    return CachedFile(path, fresh=True)


def _write_whole(path: Path, content: bytes) -> None:
    handle, scratch = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".part")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(scratch).chmod(0o644)  # mkstemp's are its maker's alone
        Path(scratch).replace(path)
    except BaseException:
        Path(scratch).unlink(missing_ok=True)
        raise
