"""The templates: package data beside this module, with `$name` where something is filled in."""

import re
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path, PurePosixPath
from string import Template
from typing import Final

_HERE: Final = files("contradance.scaffold") / "templates"
_SUFFIX: Final = ".tmpl"


def fill(name: str, **values: str) -> str:
    """Return the template `name` with its values filled in; one that is missing is a mistake in the template."""
    return Template((_HERE / f"{name}{_SUFFIX}").read_text(encoding="utf-8")).substitute(values)


def tree(name: str, values: Mapping[str, str]) -> dict[Path, str]:
    """Return every file of a folder of templates; `__name__` in a path is filled in like `$name` in a text."""
    found: dict[Path, str] = {}
    waiting = [(PurePosixPath(), _HERE / name)]
    while waiting:
        path, folder = waiting.pop()
        for entry in folder.iterdir():
            if entry.is_dir():
                waiting.append((path / entry.name, entry))
            elif entry.name.endswith(_SUFFIX):
                text = Template(entry.read_text(encoding="utf-8")).substitute(values)
                where = re.sub(r"\[(\w+)\]", lambda found: values[found[1]], str(path / entry.name))
                found[Path(where.removesuffix(_SUFFIX))] = text
    return dict(sorted(found.items()))
