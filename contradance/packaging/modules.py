"""Finds the modules that a module needs: its imports, and their imports in turn.

grimp, which checks this project's import rules, has two limits: it finds packages through the running interpreter, and it
does not see imported names. This module searches given folders, and follows the names of a lazy package to their modules.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

from contradance.packaging.imports import Imported, Imports, read_imports


class Needed(NamedTuple):
    """The modules that some modules need."""

    modules: dict[str, Path]
    """Files by dotted name, with those of parent packages; a package without `__init__.py` has none."""
    outside: frozenset[tuple[Path, Imported]]
    """Imports from elsewhere, or of modules that do not exist, with the importing file."""


class Modules:
    """The Python modules on a search path, such as `sys.path`."""

    def __init__(self, search: Sequence[str]) -> None:
        self._search = [Path(folder) for folder in search]
        self._tops: dict[str, Path | None] = {}
        self._read: dict[Path, Imports] = {}

    def needed(self, roots: Iterable[str], inside: Callable[[str], bool]) -> Needed:
        """Return what importing `roots` loads; `inside` is True for a top-level package whose imports are followed."""
        found: dict[str, Path] = {}
        outside: set[tuple[Path, Imported]] = set()
        pending = [name for root in roots for name in self._loaded_by(Imported(root, None, 0, optional=False))]
        while pending:
            module = pending.pop()
            path = self.locate(module)
            if path is None or module in found:
                continue
            found[module] = path
            for imported in self._read_imports_once(module, path).at_run_time:
                if inside(imported.module.partition(".")[0]) and self._is_importable(imported.module):
                    pending += self._loaded_by(imported)
                else:
                    outside.add((path, imported))
        return Needed(found, frozenset(outside))

    def locate(self, module: str) -> Path | None:
        """Return the .py file of a module, of a package its `__init__.py`; None when it has none."""
        top, *rest = module.split(".")
        home = self.locate_top_level(top)
        if home is None:
            return None
        if home.is_file():
            return None if rest else home
        return _python_file(home.joinpath(*rest))

    def locate_top_level(self, top: str) -> Path | None:
        """Return the folder of a top-level package, or the .py file of a top-level module; None when there is none."""
        if top not in self._tops:
            self._tops[top] = self._find_top_level(top)
        return self._tops[top]

    def _is_importable(self, module: str) -> bool:
        """Whether a module exists, also as a folder without `__init__.py`."""
        top, *rest = module.split(".")
        home = self.locate_top_level(top)
        return self.locate(module) is not None or (home is not None and home.joinpath(*rest).is_dir())

    def _find_top_level(self, top: str) -> Path | None:
        """Search the folders, then ask the import system, as `locate_top_level` describes."""
        for folder in self._search:
            file = _python_file(folder / top)
            if file is not None:
                return file.parent if file.name == "__init__.py" else file
        for folder in self._search:
            if (folder / top).is_dir():
                return folder / top
        spec = find_spec(top)  # an editable install may use its own finder instead of the path
        if spec is None or spec.origin is None or not spec.origin.endswith(".py"):
            return None
        origin = Path(spec.origin)
        return origin.parent if origin.name == "__init__.py" else origin

    def _loaded_by(self, imported: Imported) -> Iterator[str]:
        """Yield the modules that an import loads: parents, itself, and the module of the imported name, if any."""
        module, name = imported.module, imported.name
        yield from _with_parents(module)
        if name is not None and self.locate(f"{module}.{name}"):
            yield f"{module}.{name}"
            return
        path = self.locate(module)
        lazy = self._read_imports_once(module, path).lazy if path else {}
        for bound, home in lazy.items():
            if name in {None, bound}:
                yield from self._loaded_by(home)

    def _read_imports_once(self, module: str, path: Path) -> Imports:
        """Return the imports of a module, whose file is read once; `PackagingError` if it cannot be parsed."""
        if path not in self._read:
            self._read[path] = read_imports(path, module)
        return self._read[path]


def module_file(module: str, path: Path) -> str:
    """Return the path of a module's file below its folder on `sys.path`: `a/b.py`, `a/__init__.py`."""
    folder = module.replace(".", "/")
    return f"{folder}/__init__.py" if path.name == "__init__.py" else f"{folder}.py"


def _python_file(stem: Path) -> Path | None:
    """Return `stem/__init__.py` or `stem.py`, the first that exists; None if neither does."""
    candidates = stem / "__init__.py", stem.with_name(f"{stem.name}.py")
    return next((file for file in candidates if file.is_file()), None)


def _with_parents(module: str) -> Iterator[str]:
    """Yield the names of a module's parent packages from the top, then its own."""
    parts = module.split(".")
    return (".".join(parts[:length]) for length in range(1, len(parts) + 1))
