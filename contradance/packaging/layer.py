"""The layer: what functions share.

Wheels for Lambda's platform, from the lock and by their hashes; the rooms of contradance that run there; and, where
this interpreter is the runtime's, the bytecode of both.
"""

import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path, PurePosixPath
from typing import Final

from contradance.errors import PackagingError
from contradance.packaging.archive import archive
from contradance.packaging.lambda_platform import LambdaPlatform
from contradance.packaging.lock import NAME
from contradance.packaging.modules import module_file
from contradance.packaging.trim import is_kept, trimmed
from contradance.packaging.uv import run_uv

_FOLDER: Final = "python"
"""What Lambda puts on the path of a Python function, of a layer that it unpacks in /opt."""
_MOUNT: Final = "/opt"
MAX_UNPACKED_BYTES: Final = 250 * 1024 * 1024
"""Largest function with its layers. Lambda Developer Guide, quotas."""
MAX_ZIP_BYTES: Final = 50 * 1024 * 1024
"""Largest zip that is uploaded as it is. Lambda Developer Guide, quotas."""


def layer_key(lock: bytes, rooms: Mapping[str, Path], target: LambdaPlatform) -> str:
    """Return a digest of everything that the layer depends on: what goes in, who makes it, and what it is for."""
    bytecode = platform.python_version() if target.is_builders else "none"
    facts = [target.runtime, target.architecture, bytecode, version("deflate"), *sorted(rooms)]
    makers = sorted(Path(__file__).parent.glob("*.py"))
    contents = [lock, *(path.read_bytes() for path in (*makers, *(rooms[module] for module in sorted(rooms))))]
    parts = [*map(str.encode, facts), *contents]
    return sha256(b"".join(sha256(part).digest() for part in parts)).hexdigest()[:32]


def make_layer(root: Path, lock: bytes, rooms: Mapping[str, Path], target: LambdaPlatform) -> bytes:
    """Return the layer as a zip.

    Raises:
        PackagingError: a wheel is missing, has another hash than the lock says, or all are too large for Lambda.
    """
    with tempfile.TemporaryDirectory(prefix="contradance-layer-") as scratch:
        folder = Path(scratch, _FOLDER)
        _install(root, lock, Path(scratch, NAME), folder, target)
        for path, relative in _files(folder):
            if not is_kept(relative):
                path.unlink()
        for module, path in rooms.items():
            _copy(path, folder, module)
        if target.is_builders:
            _compile(folder)
        files = {f"{_FOLDER}/{relative}": trimmed(relative, path.read_bytes()) for path, relative in _files(folder)}
    unpacked = sum(map(len, files.values()))
    zipped = archive(files)
    for size, most, what in ((unpacked, MAX_UNPACKED_BYTES, "unpacked"), (len(zipped), MAX_ZIP_BYTES, "zipped")):
        if size > most:
            raise PackagingError(
                f"the layer is {size / 2**20:.0f} MB {what}, and Lambda takes {most / 2**20:.0f} MB.\n"
                f"  Require less for Lambda: {NAME} says what it holds."
            )
    return zipped


def tops_of(names: Iterator[str] | list[str]) -> frozenset[str]:
    """Return the top-level modules and packages that a layer of files with these names brings."""
    return frozenset(parts[1].partition(".")[0] for parts in (name.split("/") for name in names) if len(parts) > 1)


def _install(root: Path, lock: bytes, copy: Path, folder: Path, target: LambdaPlatform) -> None:
    copy.write_bytes(lock)
    run_uv(
        *("pip", "install", "--target", folder, "--requirements", copy, "--require-hashes", "--no-deps"),
        *("--only-binary", ":all:", "--python", sys.executable, "--link-mode", "copy", "--no-compile-bytecode"),
        *("--python-version", target.python, "--python-platform", target.platform),
        folder=root,
        what=f"the wheels of {root / NAME} for {target.runtime} on {target.architecture} cannot be installed",
    )


def _files(folder: Path) -> list[tuple[Path, PurePosixPath]]:
    files = [path for path in folder.rglob("*") if path.is_file()]
    return [(path, PurePosixPath(path.relative_to(folder).as_posix())) for path in files]


def _copy(source: Path, folder: Path, module: str) -> None:
    target = folder / module_file(module, source)
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(source.read_bytes())


def _compile(folder: Path) -> None:
    """Write the bytecode of everything, as it will lie in /opt, never to be compared with its source again.

    A process of its own, without Python's settings: what is in this process's memory would show in the bytes. What is
    no Python of this version (a template, say) gets none, as when it is imported.
    """
    command = [sys.executable, "-S", "-s", "-P", "-m", "compileall", "-qq", "--invalidation-mode", "unchecked-hash"]
    where = ["-s", str(folder.parent), "-p", _MOUNT, str(folder)]
    settings = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    environment = {**settings, "PYTHONHASHSEED": "0"}
    done = subprocess.run([*command, *where], env=environment, capture_output=True, text=True, check=False)  # noqa: S603 - ours
    if not any(folder.rglob("*.pyc")):
        raise PackagingError(
            f"the layer's modules cannot be compiled by {sys.executable}: {done.stderr.strip() or 'it says nothing'}.\n"
            "  Is this Python whole? Try: python -m compileall"
        )
