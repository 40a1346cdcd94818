"""The project that a command works on: `[tool.contradance]` in the nearest pyproject.toml."""

import os
import re
import sys
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, TypeVar

from contradance.authorimport import import_authors
from contradance.bounds import MAX_PATH, MAX_PROBLEM, shortened
from contradance.choreography import Choreography
from contradance.errors import DeclarationError
from contradance.registry import Registry
from contradance.runtime.aws.powertools_variables import odd_variables

T = TypeVar("T")
DEFAULT_SCHEMAS: Final = "contracts/schemas"
"""Default folder of the frozen contracts."""

_TARGET: Final = re.compile(r"([^\W\d]\w*(?:\.[^\W\d]\w*)*):([^\W\d]\w*)")
"""`module:attribute`."""
_EXAMPLES: Final = {
    "choreography": "functions.choreography:library",
    "contracts": "library_contracts.registry:registry",
    "demo": "functions.demo:scenes",
}
"""Example values for error messages, by purpose."""


@dataclass(frozen=True, slots=True)
class Project:
    """A project: its root folder, and its settings in pyproject.toml."""

    root: Path
    names: dict[str, str]
    """`module:attribute` by purpose: choreography, contracts, demo; and `schemas`, a folder, `runtime` and `architecture`."""
    accepted: dict[str, str] = field(default_factory=dict)
    """Findings of `contradance lint` that the project accepts, each with its reason."""

    def choreography(self) -> Choreography:
        """Import and return the choreography; raise `DeclarationError` when it is not named or cannot be loaded."""
        return self._load("choreography", Choreography)

    def registry(self) -> Registry:
        """Import and return the contracts: the named registry, or else the choreography's."""
        return self._load("contracts", Registry) if "contracts" in self.names else self.choreography().contracts

    def choreography_or_registry(self) -> Choreography | Registry:
        """Return the choreography, which has the subscribers; a project without one has only its registry."""
        return self.choreography() if "choreography" in self.names else self.registry()

    @property
    def runtime(self) -> str | None:
        """The Lambda runtime to package for: `python3.13`; None for that of the running interpreter."""
        return self.names.get("runtime")

    @property
    def architecture(self) -> str | None:
        """The architecture to package for: `arm64` or `x86_64`; None for the default."""
        return self.names.get("architecture")

    @property
    def schemas(self) -> Path:
        """Folder of the frozen contracts, relative to the root."""
        return Path(self.names.get("schemas", DEFAULT_SCHEMAS))

    def scenes(self) -> Sequence[Any]:
        """Import and return the scenes of the demonstration."""
        return self._load("demo", list)

    def named(self, purpose: str) -> str:
        """Return the `module:attribute` for a purpose; raise `DeclarationError` when the project does not name it."""
        target = self.names.get(purpose)
        if target is None:
            raise DeclarationError(
                f"{self.root / 'pyproject.toml'} does not name its {purpose}.\n"
                f'  Add to [tool.contradance]: {purpose} = "{_EXAMPLES[purpose]}".'
            )
        return target

    def _load(self, purpose: str, kind: type[T]) -> T:
        """Import the object that the project names for a purpose; `DeclarationError` if missing or not a `kind`."""
        target = self.named(purpose)
        module, attribute = _split_target(target, self.root, purpose)
        for folder in (self.root / "contracts", self.root):  # makes contracts importable that are not installed
            if folder.is_dir() and str(folder) not in sys.path:
                sys.path.insert(0, str(folder))
        settings = self.root / "pyproject.toml"
        found = import_authors(module, attribute, self.root, f"{target!r}, the {purpose} in {settings}")
        if found is None:
            raise DeclarationError(f"{settings} names {target!r} as its {purpose}, but {module} has no {attribute!r}.")
        if not isinstance(found, kind):
            raise DeclarationError(f"{target!r} is named as the {purpose}, but is a {type(found).__name__}.")
        return found


def _split_target(target: str, root: Path, purpose: str) -> tuple[str, str]:
    """Return module and attribute of `module:attribute`; raise `DeclarationError` for any other text."""
    found = _TARGET.fullmatch(target)
    if found is None:
        shown = shortened(target, MAX_PATH)
        raise DeclarationError(
            f"{root / 'pyproject.toml'} names {shown!r} as its {purpose}, which is not a module and a "
            f'name.\n  Write it like {purpose} = "{_EXAMPLES[purpose]}".'
        )
    return found[1], found[2]


def find_project(start: Path) -> Project:
    """Return the project around the folder `start`; raise `DeclarationError` without one, or if it is invalid.

    It is also raised for a variable of Powertools with an unknown value: the application could not be imported.
    """
    if odd := [*odd_variables(os.environ)]:
        raise DeclarationError("\n".join(map(str, odd)))
    for folder in (start, *start.parents):
        settings = folder / "pyproject.toml"
        if settings.is_file():
            table = _read_settings(settings)
            if table is not None:
                accepted = _checked_texts(settings, table.pop("accepted", {}), "tool.contradance.accepted")
                return Project(folder, _checked_texts(settings, table, "tool.contradance"), accepted)
    raise DeclarationError(
        f"there is no pyproject.toml with [tool.contradance] in {start} or above it.\n"
        '  Add one with choreography = "functions.choreography:name", or change into the project.'
    )


def _read_settings(path: Path) -> dict[str, Any] | None:
    """Return the table `[tool.contradance]` of a file, or None; raise `DeclarationError` if it is not TOML."""
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise DeclarationError(
            f"{path} cannot be read: {shortened(str(error), MAX_PROBLEM)}.\n  Correct it: it may hold [tool.contradance]."
        ) from error
    tool = content.get("tool")
    found = tool.get("contradance") if isinstance(tool, dict) else None
    return found if found is None or isinstance(found, dict) else {"": found}


def _checked_texts(path: Path, table: object, name: str) -> dict[str, str]:
    """Return a table of pyproject.toml whose values are texts; raise `DeclarationError` for any other value."""
    texts: dict[str, str] = {}
    for key, value in (table if isinstance(table, dict) else {"": table}).items():
        if not isinstance(value, str):
            raise DeclarationError(
                f"{path} has {shortened(f'{name}.{key}'.removesuffix('.'), MAX_PATH)} = "
                f"{shortened(repr(value), MAX_PATH)}, which is not a text.\n  Write it in quotes."
            )
        texts[key] = value
    return texts
