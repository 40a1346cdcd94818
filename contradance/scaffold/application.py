"""Applications that a new project may start from: in a checkout its own project, in a wheel the copy that it contains.

A project is such an application when its pyproject.toml names it: `[tool.contradance] template = "name"`.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import contradance
from contradance.errors import CannotCreate, DeclarationError
from contradance.project import Project, find_project

PARTS: Final = (
    *("contracts", "functions", "tests/__init__.py", "tests/functions"),
    *("__main__.py", "Pulumi.yaml", "Pulumi.dev.yaml", "Pulumi.prod.yaml", "pyproject.toml"),
)
"""Files and folders of an application; pyproject.toml is read and not copied."""
COPIED: Final = "scaffold/application"
"""Where a wheel has them, in its package. The same is in scripts/application_in_wheel.py, for hatch."""
_DERIVED: Final = frozenset({"__pycache__", ".mypy_cache", ".ruff_cache", "dist"})
_PACKAGE: Final = Path(contradance.__file__).parent


def application_files() -> dict[str, bytes]:
    """Return the files of the application, by their paths in it; none when this installation has no application."""
    root = _root()
    return {} if root is None else {path.relative_to(root).as_posix(): path.read_bytes() for path in _files(root)}


def application(name: str) -> Project:
    """Return the application with this name; raise `CannotCreate` if there is none, or one with another name.

    Raises:
        CannotCreate: there is no application of this name; the message has the name of the one that there is.
    """
    root = _root()
    found = None if root is None else find_project(root)
    if found is None or found.names["template"] != name:
        known = "This installation has none" if found is None else f"Write --template {found.names['template']}"
        raise CannotCreate(f"there is no template {name!r}.\n  {known}, or leave it out for a small example.")
    return found


def copied_files(project: Project, app: str) -> dict[Path, bytes]:
    """Return the files that a new project `app` gets from an application: its stack files have the new name."""
    files = {Path(path): data for path, data in application_files().items() if path != "pyproject.toml"}
    named = re.search(rb"^name: (\S+)$", files[Path("Pulumi.yaml")], re.MULTILINE)
    own = named[1] if named else project.root.name.encode()
    stacks = {path: data for path, data in files.items() if path.suffix == ".yaml" and path.parent == Path()}
    name = re.compile(rb"\b%s(?=:|$)" % re.escape(own), re.MULTILINE)
    return {**files, **{path: name.sub(app.encode(), data) for path, data in stacks.items()}}


def _root() -> Path | None:
    """Return the folder of the application: in the package, or the checkout around it; None without an application."""
    for folder in (_PACKAGE / COPIED, _PACKAGE.parent):
        if (folder / "pyproject.toml").is_file():
            try:
                return folder if "template" in find_project(folder).names else None
            except DeclarationError:
                return None
    return None


def _files(root: Path) -> Iterator[Path]:
    """Yield the files of the application's parts, without what tools derive from them."""
    for part in PARTS:
        place = root / part
        for path in sorted(place.rglob("*")) if place.is_dir() else [place]:
            if path.is_file() and not _DERIVED & {*path.relative_to(root).parts}:
                yield path
