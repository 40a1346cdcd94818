"""Reads the templates in the folder beside this module, and replaces `$name` in them."""

import re
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path, PurePosixPath
from string import Template
from typing import Final

_HERE: Final = files("contradance.scaffold") / "templates"
_SUFFIX: Final = ".tmpl"


def fill(name: str, **values: str) -> str:
    """Return the template `name` with its placeholders replaced. Raises KeyError if a value is missing."""
    return Template((_HERE / f"{name}{_SUFFIX}").read_text(encoding="utf-8")).substitute(values)


def tree(name: str, values: Mapping[str, str]) -> dict[Path, str]:
    """Return all files of a folder of templates by path. `[name]` in a path is replaced like `$name` in a text."""
    found: dict[Path, str] = {}
    pending = [(PurePosixPath(), _HERE / name)]
    while pending:
        path, folder = pending.pop()
        for entry in folder.iterdir():
            if entry.is_dir():
                pending.append((path / entry.name, entry))
            elif entry.name.endswith(_SUFFIX):
                text = Template(entry.read_text(encoding="utf-8")).substitute(values)
                target = re.sub(r"\[(\w+)\]", lambda match: values[match[1]], str(path / entry.name))
                found[Path(target.removesuffix(_SUFFIX))] = text
    return dict(sorted(found.items()))
