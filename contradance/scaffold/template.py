"""Reads the templates in the folder beside this module, and replaces `$name` in them."""

import re
from collections.abc import Mapping
from pathlib import Path
from string import Template
from typing import Final

_TEMPLATES: Final = Path(__file__).parent / "templates"
_SUFFIX: Final = ".tmpl"


def fill_template(name: str, **values: str) -> str:
    """Return the template `name` with its placeholders replaced; raise KeyError if a value is missing."""
    return Template((_TEMPLATES / f"{name}{_SUFFIX}").read_text(encoding="utf-8")).substitute(values)


def fill_folder(name: str, values: Mapping[str, str]) -> dict[Path, str]:
    """Return the files of a folder of templates, by path; `[name]` in a path is replaced like `$name` in a text."""
    found = {}
    for file in sorted((_TEMPLATES / name).rglob(f"*{_SUFFIX}")):
        path = file.relative_to(_TEMPLATES / name).as_posix().removesuffix(_SUFFIX)
        target = re.sub(r"\[(\w+)\]", lambda match: values[match[1]], path)
        found[Path(target)] = fill_template(f"{name}/{path}", **values)
    return found
