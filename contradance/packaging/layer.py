"""The Lambda layer of all functions: wheels for Lambda's platform, contradance's runtime modules, and their bytecode.

The wheels come from the lock, with their hashes checked. The layer has bytecode when this interpreter's version is that
of the runtime.
"""

import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path, PurePosixPath
from typing import Final

from contradance.errors import PackagingError
from contradance.packaging.archive import make_zip
from contradance.packaging.lambda_platform import LambdaPlatform
from contradance.packaging.lock import NAME
from contradance.packaging.modules import module_file
from contradance.packaging.trim import is_kept, trimmed
from contradance.packaging.uv import run_uv

_FOLDER: Final = "python"
"""Folder of a layer that Lambda adds to the path of Python functions. Lambda unpacks layers in /opt."""
_MOUNT: Final = "/opt"
MAX_UNPACKED_BYTES: Final = 250 * 1024 * 1024
"""Largest function with its layers, in bytes. Lambda developer guide, quotas."""
MAX_ZIP_BYTES: Final = 50 * 1024 * 1024
"""Largest zip for a direct upload, in bytes. Lambda developer guide, quotas."""


def layer_key(lock: bytes, rooms: Mapping[str, Path], target: LambdaPlatform) -> str:
    """Return a digest of what the layer depends on: its contents, the code that builds it, its target, the bytecode."""
    bytecode = platform.python_version() if target.runs_own_bytecode else "none"
    facts = [target.runtime, target.architecture, bytecode, version("deflate"), *sorted(rooms)]
    makers = sorted(Path(__file__).parent.glob("*.py"))
    contents = [lock, *(path.read_bytes() for path in (*makers, *(rooms[module] for module in sorted(rooms))))]
    parts = [*map(str.encode, facts), *contents]
    return sha256(b"".join(sha256(part).digest() for part in parts)).hexdigest()[:32]


def make_layer(root: Path, lock: bytes, rooms: Mapping[str, Path], target: LambdaPlatform) -> bytes:
    """Return the layer as a zip; `PackagingError` if its wheels cannot be installed, or it is too large for Lambda.

    Raises:
        PackagingError: a wheel is missing or its hash differs from the lock's, or the layer is too large for Lambda.
    """
    with tempfile.TemporaryDirectory(prefix="contradance-layer-") as scratch:
        folder = Path(scratch, _FOLDER)
        _install_wheels(root, lock, Path(scratch, NAME), folder, target)
        for path, relative in _files_below(folder):
            if not is_kept(relative):
                path.unlink()
        for module, path in rooms.items():
            _copy_module(path, folder, module)
        if target.runs_own_bytecode:
            _compile_modules(folder)
        files = {
            f"{_FOLDER}/{relative}": trimmed(relative, path.read_bytes()) for path, relative in _files_below(folder)
        }
    unpacked = sum(map(len, files.values()))
    zipped = make_zip(files)
    for size, most, what in ((unpacked, MAX_UNPACKED_BYTES, "unpacked"), (len(zipped), MAX_ZIP_BYTES, "zipped")):
        if size > most:
            raise PackagingError(
                f"the layer is {size / 2**20:.0f} MB {what}, and Lambda's limit is {most / 2**20:.0f} MB.\n"
                f"  Require fewer packages for Lambda: {NAME} lists them."
            )
    return zipped


def top_level_modules(names: Iterable[str]) -> frozenset[str]:
    """Return the top-level modules and packages of a layer, given the names of its files: `python/a/b.py` has `a`."""
    return frozenset(parts[1].partition(".")[0] for parts in (name.split("/") for name in names) if len(parts) > 1)


def _install_wheels(root: Path, lock: bytes, copy: Path, folder: Path, target: LambdaPlatform) -> None:
    """Write the lock to the file `copy`, and install its wheels in `folder`; `PackagingError` if that fails."""
    copy.write_bytes(lock)
    run_uv(
        *("pip", "install", "--target", folder, "--requirements", copy, "--require-hashes", "--no-deps"),
        *("--only-binary", ":all:", "--python", sys.executable, "--link-mode", "copy", "--no-compile-bytecode"),
        *("--python-version", target.python, "--python-platform", target.platform),
        folder=root,
        what=f"the wheels of {root / NAME} for {target.runtime} on {target.architecture} cannot be installed",
    )


def _files_below(folder: Path) -> list[tuple[Path, PurePosixPath]]:
    """Return the files in a folder at any depth, each with its path relative to the folder."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    return [(path, PurePosixPath(path.relative_to(folder).as_posix())) for path in files]


def _copy_module(source: Path, folder: Path, module: str) -> None:
    """Copy a module's file into `folder`, at the path of its dotted name."""
    target = folder / module_file(module, source)
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(source.read_bytes())


def _compile_modules(folder: Path) -> None:
    """Write the bytecode of all modules, for their path in /opt; `PackagingError` if none can be compiled.

    Python never compares it with the source.

    This runs in a separate process without PYTHON* variables, because the bytes would depend on the memory of this one.
    Files that this Python cannot compile (templates, for example) get no bytecode.
    """
    command = [sys.executable, "-S", "-s", "-P", "-m", "compileall", "-qq", "--invalidation-mode", "unchecked-hash"]
    where = ["-s", str(folder.parent), "-p", _MOUNT, str(folder)]
    settings = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    environment = {**settings, "PYTHONHASHSEED": "0"}
    done = subprocess.run([*command, *where], env=environment, capture_output=True, text=True, check=False)  # noqa: S603 - ours
    if not any(folder.rglob("*.pyc")):
        raise PackagingError(
            f"{sys.executable} cannot compile the layer's modules: {done.stderr.strip() or 'it prints no reason'}.\n"
            "  Check that this Python is complete: python -m compileall"
        )
