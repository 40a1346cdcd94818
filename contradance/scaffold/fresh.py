"""Creates a project: all files are written to a temporary folder, which is then renamed."""

import os
import shutil
import subprocess
from pathlib import Path

from contradance.errors import CannotCreate
from contradance.scaffold.naming import app_name
from contradance.scaffold.template import fill_folder
from contradance.scaffold.wheel import build_wheel, version, wheel_name


def create_project(parent: Path, name: str, *, empty: bool = False) -> Path:
    """Create a project in `parent`, and return its folder; refuse a folder that exists.

    Args:
        parent: the folder that gets the project's folder.
        name: the name of the folder, the choreography and its bus.
        empty: leave out the example: a route, an event, a subscriber and their tests.
    """
    folder = parent / app_name(name)
    if folder.exists():
        raise CannotCreate(f"{folder} already exists and is not overwritten.\n  Choose another name.")
    package = f"{name.replace('-', '_')}_contracts"
    values = {
        "app": name,
        "variable": name.replace("-", "_"),
        "package": package,
        "package_name": package.replace("_", "-"),
        "version": version(),
        "wheel": wheel_name(),
    }
    texts = {**fill_folder("layout", values), **({} if empty else fill_folder("starter", values))}
    staged = parent / f".{name}-{os.getpid()}"
    try:
        for path, text in texts.items():
            (staged / path).parent.mkdir(parents=True, exist_ok=True)
            (staged / path).write_text(text, encoding="utf-8", newline="\n")
        (staged / "wheels").mkdir()
        (staged / "wheels" / wheel_name()).write_bytes(build_wheel())
        staged.rename(folder)
    except OSError as error:
        shutil.rmtree(staged, ignore_errors=True)
        raise CannotCreate(f"{folder} cannot be created: {error.strerror}.\n  Nothing is written.") from error
    return folder


def make_repository(folder: Path) -> bool:
    """Make a project a git repository; do nothing inside of another one, and without git. Return whether it was made."""
    git = shutil.which("git")
    if git is None:
        return False
    inside = subprocess.run([git, "rev-parse", "--git-dir"], cwd=folder, capture_output=True, check=False)  # noqa: S603 - the command is ours
    if inside.returncode == 0:
        return False
    made = subprocess.run([git, "init", "--quiet"], cwd=folder, capture_output=True, check=False)  # noqa: S603 - the same
    return made.returncode == 0
