"""Reads frozen contracts from a folder, a git ref, a wheel, or the outputs of a stack."""

import json
import os
import re
import subprocess
import tarfile
import zlib
from io import BytesIO
from pathlib import Path
from typing import Any, Final
from zipfile import BadZipFile, ZipFile

from contradance.bounds import MAX_PATH, shortened
from contradance.deployed import OUTPUT
from contradance.errors import InvalidSchema
from contradance.schemas.folder import Promises, read_files, read_folder

_FILE: Final = re.compile(r"(?:^|/)([^/]+/[^/]+/v\d+\.json)$")
"""The end of a frozen file's path, in any folder."""
_LONGEST_REF: Final = 4_096
"""Longest git ref: a longer text does not fit into a command line."""


def read_promises(against: str, root: Path, folder: Path) -> Promises:
    """Return the frozen contracts of `against`: a folder, a wheel, a file of a stack's outputs, or a git ref.

    Args:
        against: a folder; a `.whl` file; a `.json` file with a stack's outputs, as `pulumi stack output --json` writes
            them; else a git ref.
        root: the project, whose repository has the git ref.
        folder: the project's folder of frozen contracts.

    Raises:
        InvalidSchema: `against` does not exist, or does not hold frozen contracts.
    """
    path = Path(against)
    # `Path.is_dir` raises OSError for a text that is too long for a path.
    if os.path.isdir(against):  # noqa: PTH112
        return read_folder(path)
    if path.suffix == ".whl" and os.path.isfile(against):  # noqa: PTH113
        return _read_wheel(path)
    if path.suffix == ".json" and os.path.isfile(against):  # noqa: PTH113
        return _read_outputs(path)
    return _read_git_ref(against, root, folder)


def _read_wheel(path: Path) -> Promises:
    """Return the frozen contracts in a wheel, in any folder; raise `InvalidSchema` if it is not a whole wheel."""
    try:
        with ZipFile(path) as wheel:
            found = {name: match for name in wheel.namelist() if (match := _FILE.search(name))}
            return read_files((match[1], wheel.read(name)) for name, match in found.items())
    except (BadZipFile, zlib.error) as error:
        raise InvalidSchema(f"{path} is not a wheel: {error}.\n  Build it: make wheel.") from error


def _read_outputs(path: Path) -> Promises:
    """Return the frozen contracts in a file of a stack's outputs; raise `InvalidSchema` for a file without them."""
    try:
        outputs: Any = json.loads(path.read_text(encoding="utf-8"))
        deployed = outputs.get(OUTPUT, outputs)
        contracts = deployed["contracts"]
    except (AttributeError, KeyError, TypeError, ValueError, RecursionError) as error:
        raise InvalidSchema(
            f"{path} does not hold the outputs of a stack with its contracts.\n"
            "  Write it: pulumi stack output --json > outputs.json."
        ) from error
    return read_files((_frozen_path(contract), json.dumps(contract)) for contract in contracts.values())


def _frozen_path(contract: dict[str, Any]) -> str:
    """Return the path of a frozen contract's file, from its JSON: `<source>/<DetailType>/v<N>.json`."""
    return f"{contract.get('source')}/{contract.get('detail_type')}/v{contract.get('version')}.json"


def _read_git_ref(ref: str, root: Path, folder: Path) -> Promises:
    """Return the frozen contracts at a git ref, none if it lacks the folder; raise `InvalidSchema` for another text."""
    known = None
    if len(ref) <= _LONGEST_REF:
        known = _run_git(root, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{ref}^{{commit}}")
    if known is None or known.returncode:
        raise InvalidSchema(
            f"{shortened(ref, MAX_PATH)} is not a folder, a wheel, a file of stack outputs or, in {root}, a git ref.\n"
            "  Name one of these. If the repository was cloned without its history, fetch the ref first."
        )
    commit = known.stdout.decode().strip()
    tree = _run_git(root, "rev-parse", "--verify", "--quiet", f"{commit}:./{folder.as_posix()}").stdout.decode().strip()
    if not tree:
        return {}
    top = _run_git(root, "rev-parse", "--show-toplevel").stdout.decode().removesuffix("\n")
    archive = _run_git(Path(top), "archive", "--format=tar", tree)
    with tarfile.open(fileobj=BytesIO(archive.stdout)) as files:
        texts = {
            one.name: files.extractfile(one) for one in files.getmembers() if one.isfile() and _FILE.search(one.name)
        }
        return read_files((name, text.read()) for name, text in texts.items() if text)


def _run_git(root: Path, *arguments: str) -> "subprocess.CompletedProcess[bytes]":
    """Run git in `root`, return its exit code and output; raise `InvalidSchema` when git is not installed."""
    try:
        return subprocess.run(["git", "-C", root, *arguments], capture_output=True, check=False)  # noqa: S603, S607 - git is whichever the user runs
    except FileNotFoundError as error:
        raise InvalidSchema("a git ref needs git, which is not installed here.\n  Give a folder instead.") from error
