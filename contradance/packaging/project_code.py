"""The project's own code: the modules that a function imports and that go into its zip."""

import json
import sys
from collections.abc import Collection
from functools import cached_property
from importlib.metadata import Distribution, distribution, packages_distributions
from pathlib import Path

from contradance.choreography import Choreography
from contradance.errors import PackagingError
from contradance.packaging.imports import Imported
from contradance.packaging.lock import NAME, PROVIDED
from contradance.packaging.modules import Modules

_INSTALLED = {"site-packages", "dist-packages"}


class ProjectCode:
    """Decides which modules are the project's own, and finds those that a function needs.

    A top-level package is the project's own if a function or a contract of the choreography is in it. So is one that was
    not installed from a package index: it is in the project's folder, or was installed from a folder. Packages of the
    layer, of Python and of Lambda's runtime are not.
    """

    def __init__(self, root: Path, choreography: Choreography, layer: Collection[str], rooms: Collection[str]) -> None:
        self._root = root
        self._modules = Modules([str(root), *sys.path])
        self._named = top_level_packages(choreography)
        self._layer = frozenset(layer)
        self._rooms = frozenset(rooms)
        self._own: dict[str, bool] = {}

    def needed_by(self, module: str) -> dict[str, Path]:
        """Return the files of the project's modules that `module` needs, by name; `PackagingError` if Lambda lacks one.

        Raises:
            PackagingError: a module imports something that Lambda will not have.
        """
        needed = self._modules.needed([module], self.is_own)
        if module not in needed.modules and module.partition(".")[0] not in self._layer:
            raise PackagingError(
                f"the module {module} cannot be imported from {self._root}.\n"
                "  Keep functions and contracts in modules that can be imported from there."
            )
        missing = [(file, imported) for file, imported in needed.outside if not self._is_on_lambda(imported)]
        if missing:
            raise PackagingError(
                self._describe_missing(*min(missing, key=lambda found: (str(found[0]), found[1].line)))
            )
        return needed.modules

    def is_own(self, top: str) -> bool:
        """Whether a top-level package is the project's own and goes into zips; decided once."""
        if top not in self._own:
            self._own[top] = self._decide_is_own(top)
        return self._own[top]

    def _decide_is_own(self, top: str) -> bool:
        """Decide whether a top-level package is the project's own, by the rules in the class's docstring."""
        if top == "contradance" or top in self._layer or top in sys.stdlib_module_names:
            return False
        if top in self._named:
            return True
        home = self._modules.locate_top_level(top)
        return home is not None and (
            not _INSTALLED & {*home.parts} or any(map(_is_local, map(distribution, self._by_top.get(top, ()))))
        )

    def _is_on_lambda(self, imported: Imported) -> bool:
        """Whether Lambda has what an import needs; True also for an optional one, except of contradance itself."""
        top = imported.module.partition(".")[0]
        if top == "contradance":
            submodule = f"{imported.module}.{imported.name}"
            return imported.module in self._rooms and (submodule in self._rooms or not self._modules.locate(submodule))
        return imported.optional or top in {*self._layer, *sys.stdlib_module_names, *PROVIDED}

    def _describe_missing(self, file: Path, imported: Imported) -> str:
        """Return the message for an import that Lambda does not have: the file, the line and the fix."""
        where = f"{file}, line {imported.line}, imports {imported.module}"
        top = imported.module.partition(".")[0]
        if top == "contradance":
            return (
                f"{where}, which the layer does not contain: it is for the laptop and the deploy host.\n"
                "  Import what functions need from contradance itself."
            )
        if self.is_own(top):
            return f"{where}, which is not a Python module of the project.\n  Install it from a wheel."
        return (
            f"{where}, which is not in {NAME}.\n"
            "  Add it to the dependencies in pyproject.toml, and pin them: contradance package --lock"
        )

    @cached_property
    def _by_top(self) -> dict[str, list[str]]:
        """The names of distributions, by the top-level packages that they install."""
        return dict(packages_distributions())


def top_level_packages(choreography: Choreography) -> frozenset[str]:
    """Return the top-level packages of a choreography's functions and contracts."""
    handlers = {function.handler.__module__ for function in choreography.functions.values()}
    contracts = {contract.__module__ for contract in choreography.contracts}
    return frozenset(module.partition(".")[0] for module in handlers | contracts)


def _is_local(found: Distribution) -> bool:
    """Whether a distribution was installed from a folder instead of an index. PEP 610."""
    record = json.loads(found.read_text("direct_url.json") or "{}")
    return "dir_info" in record
