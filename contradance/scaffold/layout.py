"""Where the parts of a project are, read from its imported choreography."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

from contradance.choreography import Choreography
from contradance.contract import Contract, Value, is_contract
from contradance.errors import CannotCreate
from contradance.project import Project
from contradance.scaffold.changes import Changes
from contradance.scaffold.expression import Import
from contradance.scaffold.naming import event_name
from contradance.scaffold.source import Source
from contradance.schemas.identities import find_identity, matching_identities


class EventRef(NamedTuple):
    """An event that a new part may use."""

    name: str
    """Name of its class."""
    module: str
    service: str
    contract: type[Contract] | None
    """None while it is only planned."""

    @property
    def origin(self) -> Import:
        """The module and the name to import it from."""
        return self.module, self.name


@dataclass(frozen=True)
class ProjectLayout:
    """One project, and the changes planned for it."""

    project: Project
    choreography: Choreography
    changes: Changes
    planned: dict[str, EventRef] = field(default_factory=dict)
    """Events that the changes create, by class name."""

    @cached_property
    def app(self) -> str:
        """The application's name: the first part of each source."""
        return self.choreography.contracts.name

    @cached_property
    def choreography_file(self) -> Path:
        """The file that lists the functions, relative to the project's root."""
        return self.file_of(self.project.named("choreography").partition(":")[0])

    @cached_property
    def functions_package(self) -> str:
        """The package that holds a folder for each service; raises `CannotCreate` if the choreography is in none."""
        package, _, _ = self.project.named("choreography").rpartition(".")
        if not package:
            raise CannotCreate(
                f"{self.choreography_file} is not in a package, so there is no folder for functions.\n"
                "  Move it into a package, like functions/choreography.py."
            )
        return package.partition(":")[0]

    @cached_property
    def registry(self) -> tuple[str, str]:
        """(Module, name) of the registry, by pyproject.toml or the choreography's imports; else raises `CannotCreate`."""
        if "contracts" in self.project.names:
            module, _, name = self.project.named("contracts").partition(":")
            return module, name
        source = self.source(self.choreography_file)
        for name, origin in source.bindings().items():
            module = (origin or "").partition(":")[0]
            if origin and module and getattr(_import_or_none(module), name, None) is self.choreography.contracts:
                return module, name
        raise CannotCreate(
            f"{self.choreography_file} does not import a registry.\n"
            "  Define the registry in a module of the contracts' package, and import it."
        )

    @cached_property
    def contracts_package(self) -> str:
        """The package that holds the contracts."""
        return self.registry[0].rpartition(".")[0]

    @cached_property
    def value_types(self) -> list[Import]:
        """(Module, name) of each `Value` class in contracts' modules, last of those in the module `values`."""
        names = [*(one.__module__ for one in self.choreography.contracts), f"{self.contracts_package}.values"]
        modules = [module for name in dict.fromkeys(names) if (module := _import_or_none(name))]
        found = [one for module in modules for one in vars(module).values() if isinstance(one, type)]
        own = [one for one in found if issubclass(one, Value) and not is_contract(one) and one.__module__ in names]
        return [(one.__module__, one.__name__) for one in own]

    @property
    def services(self) -> list[str]:
        """All services: those with functions, those with contracts, and those with a folder."""
        publishing = [contract.identity.service for contract in self.choreography.contracts]
        return sorted({*self.choreography.services, *publishing, *self._service_folders()})

    def _service_folders(self) -> set[str]:
        """Return the names of the services' folders, on disk and planned."""
        folder = self.file_of(f"{self.functions_package}.x").parent
        on_disk = {path.parent.name for path in (self.project.root / folder).glob("*/__init__.py")}
        return on_disk | {path.parent.name for path in self.changes.created if path.parent.parent == folder}

    def file_of(self, module: str) -> Path:
        """Return where a module's `.py` file is or would be, relative to the root; raise `CannotCreate` if outside it.

        Raises:
            CannotCreate: the module's package is outside the project.
        """
        package, _, name = module.rpartition(".")
        root = self.project.root.resolve()
        loaded = _import_or_none(package)
        folder = Path(str(getattr(loaded, "__path__", [root / package.replace(".", "/")])[0])).resolve()
        if not folder.is_relative_to(root):
            raise CannotCreate(f"the package {package} is outside {root}.\n  Run the command in its own project.")
        return folder.relative_to(root) / f"{name}.py"

    def source(self, path: Path) -> Source:
        """Return the source of a file with the changes planned so far."""
        return Source(str(path), self.changes.read(path))

    def edit(self, source: Source) -> None:
        """Plan the text of `source` for its file, if it differs."""
        self.changes.edit(Path(source.path), source.text)

    @property
    def events(self) -> Mapping[str, EventRef]:
        """All events, by class name."""
        return {
            **{
                one.__name__: EventRef(one.__name__, one.__module__, one.identity.service, one)
                for one in self.choreography.contracts
            },
            **self.planned,
        }

    def event(self, name: str) -> EventRef:
        """Return an event by `BookLent v1`, or the newest by `BookLent` or `book_lent`; raise `CannotCreate` without.

        It is the newest version, unless the name has one.
        """
        known = self.choreography.contracts
        if matching_identities(name, known.by_identity):
            name = known.by_identity[find_identity(name, known.by_identity)].__name__
        wanted = event_name(name)
        newest = [one.__name__ for one in known.named(wanted)]
        for candidate in (name, *newest, wanted):
            if candidate in self.events:
                return self.events[candidate]
        raise CannotCreate(
            f"there is no event {wanted}. Events: {', '.join(sorted(self.events)) or 'none yet'}.\n"
            f"  Create it first: contradance create event {wanted} --service SERVICE"
        )

    def test_file(self, folder: str, name: str) -> Path:
        """Return the path of the test of `name`, in a folder of the tests; plan its package if the tests are one."""
        tests = Path("tests")
        shared = tests / "functions"
        parent = shared if folder != "contracts" and (self.project.root / shared).is_dir() else tests / folder
        if (self.project.root / tests / "__init__.py").exists():
            self.changes.ensure(parent / "__init__.py", "")
        return parent / f"test_{name}.py"

    def add_function(self, service: str, name: str) -> None:
        """Plan the entry of a function in the choreography's list, after the others of its service, and its import."""
        module = f"{self.functions_package}.{service}.{name}"
        source = self.source(self.choreography_file)
        alias = None if source.bindings().get(name, "") in ("", f"{module}:{name}") else f"{service}_{name}"
        edited = source.with_import(module, name, alias)
        self.add_to_list(edited, "Choreography", "functions", alias or name, f"{self.functions_package}.{service}.")

    def add_to_list(self, source: Source, callee: str, keyword: str | None, item: str, origin: str) -> None:
        """Plan `item` in a call's list, after the last name that is imported from an `origin` with this beginning."""
        bindings = source.bindings()
        near = [one for one in source.list_names(callee, keyword) if (bindings.get(one) or "").startswith(origin)]
        self.edit(source.with_item(callee, keyword, item, near[-1] if near else None))


def _import_or_none(module: str) -> ModuleType | None:
    """Import and return a module; None if it, or a module that it imports, does not exist."""
    try:
        return import_module(module) if module else None
    except ModuleNotFoundError:
        return None


def read_layout(project: Project) -> ProjectLayout:
    """Import a project's choreography and return its layout."""
    return ProjectLayout(project, project.choreography(), Changes(project.root))
