"""Creates a project: all files are written to a temporary folder, which is then renamed."""

import os
import shutil
import subprocess
from pathlib import Path
from typing import Final

from contradance.errors import CannotCreate
from contradance.scaffold.application import application, copied_files
from contradance.scaffold.naming import app_name
from contradance.scaffold.template import fill_folder
from contradance.scaffold.wheel import build_wheel, version, wheel_name

_LAYOUT_TEST: Final = Path("tests/test_choreography.py")
_OF_THE_EXAMPLE: Final = """\
section-order = ["future", "standard-library", "third-party", "contracts", "first-party"]
sections = {{ contracts = ["{package}"] }}
no-lines-before = ["first-party"]"""
"""Ruff's order of imports in the code of the templates."""
_OF_AN_APPLICATION: Final = 'known-first-party = ["contradance"]'
"""The same, in this repository."""


def create_project(parent: Path, name: str, *, empty: bool = False, template: str | None = None) -> Path:
    """Create a project in `parent`, return its folder; raise `CannotCreate` if it exists, or the name is not allowed.

    Args:
        parent: the folder that gets the project's folder.
        name: the name of the folder, the choreography and its bus.
        empty: leave out the example: a route, an event, a subscriber and their tests.
        template: an application that takes the place of the example.
    """
    folder = parent / app_name(name)
    if folder.exists():
        raise CannotCreate(f"{folder} already exists and is not overwritten.\n  Choose another name.")
    source = application(template) if template is not None else None
    names = source.names if source else _example_names(name)
    package = names["contracts"].partition(".")[0]
    values = {
        "app": name,
        "variable": names["choreography"].partition(":")[2],
        "package": package,
        "package_name": package.replace("_", "-"),
        "names": "\n".join(f'{purpose} = "{value}"' for purpose, value in names.items() if purpose != "template"),
        "isort": _OF_AN_APPLICATION if source else _OF_THE_EXAMPLE.format(package=package),
        "version": version(),
        "wheel": wheel_name(),
    }
    texts = {**fill_folder("layout", values), **({} if empty or source else fill_folder("starter", values))}
    files = {path: text.encode() for path, text in texts.items()}
    if source:
        del files[_LAYOUT_TEST]  # the application has its own
        files |= copied_files(source, name)
    staged = parent / f".{name}-{os.getpid()}"
    try:
        for path, data in files.items():
            (staged / path).parent.mkdir(parents=True, exist_ok=True)
            (staged / path).write_bytes(data)
        (staged / "wheels").mkdir()
        (staged / "wheels" / wheel_name()).write_bytes(build_wheel())
        staged.rename(folder)
    except OSError as error:
        shutil.rmtree(staged, ignore_errors=True)
        raise CannotCreate(f"{folder} cannot be created: {error.strerror}.\n  Nothing is written.") from error
    return folder


def _example_names(app: str) -> dict[str, str]:
    """Return the objects that a project without a template names in its pyproject.toml, by purpose."""
    variable = app.replace("-", "_")
    return {
        "choreography": f"functions.choreography:{variable}",
        "contracts": f"{variable}_contracts.registry:registry",
    }


def make_repository(folder: Path) -> bool:
    """Make a project a git repository, unless it is inside one or git is missing; return whether it was made."""
    git = shutil.which("git")
    if git is None:
        return False
    inside = subprocess.run([git, "rev-parse", "--git-dir"], cwd=folder, capture_output=True, check=False)  # noqa: S603 - the command is ours
    if inside.returncode == 0:
        return False
    made = subprocess.run([git, "init", "--quiet"], cwd=folder, capture_output=True, check=False)  # noqa: S603 - the same
    return made.returncode == 0
