"""Which modules a module needs, itself included: what it imports when it is run, and what that imports in turn.

grimp, which checks the house's import rules, finds packages through the running interpreter and sees modules, not the
names taken from them. Here a folder is asked, which need not be the one that runs, and a name that a lazy package
loads when it is first used is followed to its home.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

from contradance.packaging.imports import Imported, Imports, read_imports


class Needed(NamedTuple):
    """What some modules need."""

    modules: dict[str, Path]
    """Files by dotted name, with the packages they lie in; a package without `__init__.py` has no file to name."""
    outside: frozenset[tuple[Path, Imported]]
    """What is imported from elsewhere, or is not there at all, and by which file."""


class Modules:
    """The Python modules on a search path, such as `sys.path`."""

    def __init__(self, search: Sequence[str]) -> None:
        self._search = [Path(folder) for folder in search]
        self._tops: dict[str, Path | None] = {}
        self._read: dict[Path, Imports] = {}

    def needed(self, roots: Iterable[str], inside: Callable[[str], bool]) -> Needed:
        """Return what importing `roots` needs: the modules of top-level packages that are `inside`, the rest by name."""
        found: dict[str, Path] = {}
        outside: set[tuple[Path, Imported]] = set()
        waiting = [name for root in roots for name in self._loaded_by(Imported(root, None, 0, optional=False))]
        while waiting:
            module = waiting.pop()
            path = self.locate(module)
            if path is None or module in found:
                continue
            found[module] = path
            for imported in self._imports(module, path).at_run_time:
                if inside(imported.module.partition(".")[0]) and self._is_there(imported.module):
                    waiting += self._loaded_by(imported)
                else:
                    outside.add((path, imported))
        return Needed(found, frozenset(outside))

    def locate(self, module: str) -> Path | None:
        """Return the file of a module that is written in Python, or None where there is none."""
        top, *rest = module.split(".")
        home = self.home(top)
        if home is None:
            return None
        if home.is_file():
            return None if rest else home
        return _python(home.joinpath(*rest))

    def home(self, top: str) -> Path | None:
        """Return the folder of a top-level package, or the file of a top-level module."""
        if top not in self._tops:
            self._tops[top] = self._find(top)
        return self._tops[top]

    def _is_there(self, module: str) -> bool:
        top, *rest = module.split(".")
        home = self.home(top)
        return self.locate(module) is not None or (home is not None and home.joinpath(*rest).is_dir())

    def _find(self, top: str) -> Path | None:
        for folder in self._search:
            file = _python(folder / top)
            if file is not None:
                return file.parent if file.name == "__init__.py" else file
        for folder in self._search:
            if (folder / top).is_dir():
                return folder / top
        spec = find_spec(top)  # an editable install may have a finder of its own instead of a place on the path
        if spec is None or spec.origin is None or not spec.origin.endswith(".py"):
            return None
        origin = Path(spec.origin)
        return origin.parent if origin.name == "__init__.py" else origin

    def _loaded_by(self, imported: Imported) -> Iterator[str]:
        """Return the modules that an import loads."""
        module, name = imported.module, imported.name
        yield from _with_parents(module)
        if name is not None and self.locate(f"{module}.{name}"):
            yield f"{module}.{name}"
            return
        path = self.locate(module)
        promised = self._imports(module, path).promised if path else {}
        for bound, home in promised.items():
            if name in {None, bound}:
                yield from self._loaded_by(home)

    def _imports(self, module: str, path: Path) -> Imports:
        if path not in self._read:
            self._read[path] = read_imports(path, module)
        return self._read[path]


def module_file(module: str, path: Path) -> str:
    """Return where the file of a module lies in the folder that is on the path: `a/b.py`, `a/__init__.py`."""
    folder = module.replace(".", "/")
    return f"{folder}/__init__.py" if path.name == "__init__.py" else f"{folder}.py"


def _python(stem: Path) -> Path | None:
    candidates = stem / "__init__.py", stem.with_name(f"{stem.name}.py")
    return next((file for file in candidates if file.is_file()), None)


def _with_parents(module: str) -> Iterator[str]:
    parts = module.split(".")
    return (".".join(parts[:length]) for length in range(1, len(parts) + 1))
