"""Runs uv, which resolves and installs wheels for other platforms."""

import shutil
import subprocess
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path

from contradance.errors import PackagingError


def run_uv(*arguments: str | Path, folder: Path, what: str) -> None:
    """Run uv in a folder; raise `PackagingError`, with `what` and uv's output, when it fails or is not installed.

    Raises:
        PackagingError: uv is not installed, or it failed; the message begins with `what` and ends with uv's output.
    """
    done = subprocess.run([_find_uv(), *arguments], cwd=folder, capture_output=True, text=True, check=False)  # noqa: S603 - ours
    if done.returncode:
        raise PackagingError(f"{what}.\n  uv: {done.stderr.strip()}")


def _find_uv() -> str:
    """Return the path of uv: of the Python package `uv`, else the one on PATH; `PackagingError` without both."""
    if find_spec("uv") is not None:
        from uv import find_uv_bin  # noqa: PLC0415 - uv is an optional dependency

        with suppress(FileNotFoundError):  # the package may be there without its program
            return find_uv_bin()
    found = shutil.which("uv")
    if found is None:
        raise PackagingError("packages are built with uv, which is not installed.\n  Install it: pip install uv")
    return found
