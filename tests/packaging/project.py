"""What the tests of packaging have in common."""

import json
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from contradance.packaging import Packages
from tests.forking import commands

ROOT = Path(__file__).parents[2]

ARCHITECTURES = {"x86_64": "x86_64", "aarch64": "arm64"}
"""Lambda's names of machines."""


def write(folder: Path, files: Mapping[str, str]) -> None:
    """Write text files by their path in a folder."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def names_in(path: Path) -> list[str]:
    """Return the names of the files in a zip."""
    with zipfile.ZipFile(path) as zipped:
        return zipped.namelist()


PAGE = "See the page how-to/package of contradance's documentation.\n"


class Unpacked:
    """Packages as Lambda unpacks them: the layer in one folder, each function in another."""

    def __init__(self, packages: Packages, folder: Path) -> None:
        self.layer = folder / "opt" / "python"
        self._folder = folder
        with zipfile.ZipFile(packages.layer) as zipped:
            zipped.extractall(folder / "opt")
        for name, path in packages.functions.items():
            with zipfile.ZipFile(path) as zipped:
                zipped.extractall(self.task(name))

    def task(self, function: str) -> Path:
        """Return the folder that Lambda would have a function's zip in."""
        return self._folder / "task" / function

    def run(self, function: str, code: str) -> Any:
        """Run code with Python, this function's zip and the layer, and nothing else; return the JSON that it prints."""
        path = f"import sys; sys.path[:0] = {[str(self.task(function)), str(self.layer)]!r}\n"
        command = [sys.executable, "-I", "-S", "-B", "-W", "error", "-c", path + code]
        done = subprocess.run(command, cwd=self._folder, env={}, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)


class Copied:
    """A copy of the food delivery system in another folder, with what was built already in its cache."""

    def __init__(self, folder: Path, built: Packages | None = None) -> None:
        self.folder = folder
        self.runtime = f"python{sys.version_info.major}.{sys.version_info.minor}"
        for name in ("functions", "contracts"):
            shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        for name in ("pyproject.toml", "requirements-lambda.txt"):
            shutil.copy(ROOT / name, folder / name)
        if built is not None:
            cache = folder / ".contradance" / "packages"
            cache.mkdir(parents=True)
            shutil.copy(built.layer, cache)

    def edit(self, name: str, old: str, new: str) -> None:
        """Replace text in one file."""
        path = self.folder / name
        text = path.read_text(encoding="utf-8")
        assert old in text
        path.write_text(text.replace(old, new, 1), encoding="utf-8")

    def package(self, *options: str) -> "subprocess.CompletedProcess[str]":
        """Run `contradance package` in it, on its own modules."""
        path = os.pathsep.join([str(self.folder), str(self.folder / "contracts")])
        environment = {**os.environ, "PYTHONPATH": path}
        return commands.run("-m", "contradance", "package", *options, cwd=self.folder, env=environment)

    def built(self) -> dict[str, bytes]:
        """Return the content of every package by name; the layer is `layer`."""
        done = self.package("--json")
        assert done.returncode == 0, done.stderr
        described = json.loads(done.stdout)
        return {
            name: Path(found["path"]).read_bytes()
            for name, found in {"layer": described["layer"], **described["functions"]}.items()
        }

    def refused(self, *options: str) -> str:
        """Return what it says when it refuses to build, with its own folder as `.` and without the page that it names."""
        done = self.package(*options)
        assert (done.returncode, done.stdout) == (1, ""), (done.stdout, done.stderr)
        return done.stderr.replace(str(self.folder), ".").replace(PAGE, "")
