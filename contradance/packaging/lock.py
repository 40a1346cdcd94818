"""The lock: the wheels of the layer with their hashes, for all platforms.

It is a requirements file that uv writes from contradance's requirements on Lambda and from the project's pyproject.toml: its
dependencies and its extra `lambda`. The first line has a digest of these requirements, so that a change is detected without
a package index. boto3 is excluded because Lambda's runtimes have it: with botocore it is three quarters of the whole size.
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
"""Packages that Lambda's Python runtimes contain."""
_FRESHEN: Final = "Write it: contradance package --lock"
_FROM: Final = "# For Lambda, from requirements "
_EXTRA: Final = "lambda"


def read_lock(root: Path) -> bytes:
    """Return the lock of the project in `root`; `PackagingError` if it is missing or out of date.

    Raises:
        PackagingError: it does not exist, or the requirements have changed since it was written.
    """
    try:
        lock = (root / NAME).read_bytes()
    except OSError as error:
        raise PackagingError(
            f"{root / NAME}, which lists the packages of the layer, cannot be read: {error.strerror}.\n  {_FRESHEN}"
        ) from error
    first = lock.decode(errors="replace").partition("\n")[0].strip()
    if first.startswith(_FROM) and first != _requirements_line(root):
        raise PackagingError(
            f"{root / NAME} is out of date: the requirements in {root / 'pyproject.toml'} have changed.\n  {_FRESHEN}"
        )
    return lock


def write_lock(root: Path, project_code: Iterable[str]) -> None:
    """Write the lock of the project in `root`; the versions of an existing one stay. `PackagingError` if uv fails.

    Args:
        root: folder of pyproject.toml, and of constraints.txt if versions should follow it.
        project_code: distributions with the project's own code, which goes into the functions' zips.
    """
    lock = root / NAME
    constraints = ["--constraints", "constraints.txt"] if (root / "constraints.txt").is_file() else []
    own = {_distribution_name(distribution) for distribution in ("contradance", *project_code)}
    with tempfile.TemporaryDirectory() as scratch:
        required, excludes, written = (Path(scratch, name) for name in ("required.in", "excludes.txt", NAME))
        required.write_text(
            "\n".join(each for each in _requirements(root) if _distribution_name(each) not in own), encoding="utf-8"
        )
        excludes.write_text("\n".join(PROVIDED), encoding="utf-8")
        if lock.is_file():
            written.write_bytes(lock.read_bytes())
        run_uv(
            *("pip", "compile", str(required), *constraints),
            *("--universal", "--python-version", OLDEST, "--generate-hashes", "--no-header", "--no-annotate"),
            *("--excludes", excludes, "--output-file", written),
            folder=root,
            what=f"the requirements of contradance and {root / 'pyproject.toml'} for Lambda cannot be pinned",
        )
        pinned = written.read_text(encoding="utf-8")
    head, _, rest = pinned.partition("\n")
    lock.write_text("\n".join([_requirements_line(root), rest if head.startswith(_FROM) else pinned]), encoding="utf-8")


def _requirements_line(root: Path) -> str:
    """Return the lock's first line, with a digest of the present requirements."""
    return _FROM + sha256("\n".join(_requirements(root)).encode()).hexdigest()[:32]


def _requirements(root: Path) -> list[str]:
    """Return the requirements of the layer, sorted: contradance's and the project's."""
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8")).get("project", {})
    extra = project.get("optional-dependencies", {}).get(_EXTRA, ())
    return sorted({*_contradance_requirements(), *project.get("dependencies", ()), *extra})


def _contradance_requirements() -> Iterator[str]:
    """Yield the requirements of contradance itself and of its extra `lambda`, without their conditions."""
    for requirement in requires("contradance") or ():
        bare, _, condition = requirement.partition(";")
        if "extra" not in condition or re.search(rf"""extra == ['"]{_EXTRA}['"]""", condition):
            yield bare.strip()


def _distribution_name(requirement: str) -> str:
    """Return the name of a requirement's distribution, normalized by PEP 503."""
    name = re.match(r"[\w.-]*", requirement.strip())
    return re.sub(r"[-_.]+", "-", name.group() if name else "").lower()
