"""The lock: which wheels the layer holds, to the hash, whatever the platform.

It is a requirements file that uv writes from the project's own requirements: its dependencies, and its extra `lambda`.
Its first line says from what, so that requirements which have changed since are noticed without asking an index.
boto3 is left out, because Lambda's runtimes have one: with botocore it is three quarters of what pip would install.
"""

import tempfile
import tomllib
from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path
from typing import Final

from contradance.errors import PackagingError
from contradance.packaging.target import OLDEST
from contradance.packaging.uv import run_uv

NAME: Final = "requirements-lambda.txt"
PROVIDED: Final = ("boto3", "botocore")
"""Packages that Lambda's Python runtimes have, whether or not the layer does."""
_FRESHEN: Final = "Write it: contradance package --lock"
_FROM: Final = "# For Lambda, from requirements "
_EXTRA: Final = "lambda"


def read_lock(root: Path) -> bytes:
    """Return the lock of the project in `root`.

    Raises:
        PackagingError: there is none, or it was written from other requirements than the project has now.
    """
    try:
        lock = (root / NAME).read_bytes()
    except OSError as error:
        raise PackagingError(
            f"{root / NAME}, which says what the layer holds, cannot be read: {error.strerror}.\n  {_FRESHEN}"
        ) from error
    first = lock.decode(errors="replace").partition("\n")[0].strip()
    if first.startswith(_FROM) and first != _from(root):
        raise PackagingError(
            f"{root / NAME} was written from other requirements than {root / 'pyproject.toml'} has now.\n  {_FRESHEN}"
        )
    return lock


def write_lock(root: Path, project_code: Iterable[str]) -> None:
    """Pin what the project in `root` requires, keeping the versions of a lock that is there already.

    Args:
        root: Folder of pyproject.toml, and of constraints.txt where versions are to follow it.
        project_code: Distributions that are the project's own code: they travel in the functions' zips.
    """
    lock = root / NAME
    constraints = ["--constraints", "constraints.txt"] if (root / "constraints.txt").is_file() else []
    extra = ["--extra", _EXTRA] if _EXTRA in _requirements(root)[1] else []
    with tempfile.TemporaryDirectory() as scratch:
        excludes, written = Path(scratch, "excludes.txt"), Path(scratch, NAME)
        excludes.write_text(PROVIDED[0] + "\n", encoding="utf-8")
        if lock.is_file():
            written.write_bytes(lock.read_bytes())
        own = [word for name in ("contradance", *sorted(project_code)) for word in ("--no-emit-package", name)]
        run_uv(
            *("pip", "compile", "pyproject.toml", *extra, *constraints, *own),
            *("--universal", "--python-version", OLDEST, "--generate-hashes", "--no-header", "--no-annotate"),
            *("--excludes", excludes, "--output-file", written),
            folder=root,
            what=f"what {root / 'pyproject.toml'} requires for Lambda cannot be pinned",
        )
        pinned = written.read_text(encoding="utf-8")
    head, _, rest = pinned.partition("\n")
    lock.write_text("\n".join([_from(root), rest if head.startswith(_FROM) else pinned]), encoding="utf-8")


def _from(root: Path) -> str:
    dependencies, extras = _requirements(root)
    required = "\n".join(sorted([*dependencies, *extras.get(_EXTRA, ())]))
    return _FROM + sha256(required.encode()).hexdigest()[:32]


def _requirements(root: Path) -> tuple[list[str], dict[str, list[str]]]:
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8")).get("project", {})
    return project.get("dependencies", []), project.get("optional-dependencies", {})
