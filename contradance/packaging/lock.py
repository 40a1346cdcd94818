"""The lock: which wheels the layer holds, to the hash, whatever the platform.

It is a requirements file that uv writes from what contradance needs on Lambda and what the project says in its
pyproject.toml, if it does: its dependencies, and its extra `lambda`. The first line says from what, so that requirements which have changed since are noticed without asking an index.
boto3 is left out, because Lambda's runtimes have one: with botocore it is three quarters of what pip would install.
"""

import re
import tempfile
import tomllib
from collections.abc import Iterable, Iterator
from hashlib import sha256
from importlib.metadata import requires
from pathlib import Path
from typing import Final

from contradance.errors import PackagingError
from contradance.packaging.lambda_platform import OLDEST
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
    own = {_name(distribution) for distribution in ("contradance", *project_code)}
    with tempfile.TemporaryDirectory() as scratch:
        asked, excludes, written = (Path(scratch, name) for name in ("asked.in", "excludes.txt", NAME))
        asked.write_text("\n".join(each for each in _required(root) if _name(each) not in own), encoding="utf-8")
        excludes.write_text("\n".join(PROVIDED), encoding="utf-8")
        if lock.is_file():
            written.write_bytes(lock.read_bytes())
        run_uv(
            *("pip", "compile", str(asked), *constraints),
            *("--universal", "--python-version", OLDEST, "--generate-hashes", "--no-header", "--no-annotate"),
            *("--excludes", excludes, "--output-file", written),
            folder=root,
            what=f"what contradance and {root / 'pyproject.toml'} require for Lambda cannot be pinned",
        )
        pinned = written.read_text(encoding="utf-8")
    head, _, rest = pinned.partition("\n")
    lock.write_text("\n".join([_from(root), rest if head.startswith(_FROM) else pinned]), encoding="utf-8")


def _from(root: Path) -> str:
    return _FROM + sha256("\n".join(_required(root)).encode()).hexdigest()[:32]


def _required(root: Path) -> list[str]:
    """Return what the layer is to bring, as it was asked for."""
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8")).get("project", {})
    extra = project.get("optional-dependencies", {}).get(_EXTRA, ())
    return sorted({*_of_contradance(), *project.get("dependencies", ()), *extra})


def _of_contradance() -> Iterator[str]:
    for requirement in requires("contradance") or ():
        bare, _, condition = requirement.partition(";")
        if "extra" not in condition or re.search(rf"""extra == ['"]{_EXTRA}['"]""", condition):
            yield bare.strip()


def _name(requirement: str) -> str:
    """Return the distribution that a requirement is about, as PEP 503 writes it."""
    name = re.match(r"[\w.-]*", requirement.strip())
    return re.sub(r"[-_.]+", "-", name.group() if name else "").lower()
