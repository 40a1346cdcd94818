"""Where the parts of a project lie: read from the choreography itself, which is imported."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

from contradance.choreography import AnyFunction, Choreography
from contradance.contract import Contract, Value
from contradance.errors import CannotCreate
from contradance.project import Project
from contradance.scaffold.changes import Changes
from contradance.scaffold.expression import Import
from contradance.scaffold.naming import event_name
from contradance.scaffold.source import Source


class Event(NamedTuple):
    """An event that a new part may name."""

    name: str
    """Its class."""
    module: str
    service: str
    contract: type[Contract] | None
    """None while it is only planned."""


@dataclass(frozen=True)
class Place:
    """One project, and the changes that are being made to it."""

    project: Project
    choreography: Choreography
    changes: Changes
    planned: dict[str, Event] = field(default_factory=dict)
    """Events that the changes create, by class."""

    @cached_property
    def app(self) -> str:
        """The application: the first half of each source."""
        return self.choreography.contracts.name

    @cached_property
    def choreography_file(self) -> Path:
        """The file that lists the functions."""
        return self.file_of(self.project.named("choreography").partition(":")[0])

    @cached_property
    def functions(self) -> str:
        """The package that holds a folder for each service."""
        package, _, _ = self.project.named("choreography").rpartition(".")
        if not package:
            raise CannotCreate(
                f"{self.choreography_file} lies in no package, so there is no folder for functions.\n"
                "  Move it into one, like functions/choreography.py."
            )
        return package.partition(":")[0]

    @cached_property
    def registry(self) -> tuple[str, str]:
        """Return (module, name) of the registry: as pyproject.toml names it, or as the choreography imports it."""
        if "contracts" in self.project.names:
            module, _, name = self.project.named("contracts").partition(":")
            return module, name
        source = self.source(self.choreography_file)
        for name, origin in source.bound().items():
            module = (origin or "").partition(":")[0]
            if origin and module and getattr(_loaded(module), name, None) is self.choreography.contracts:
                return module, name
        raise CannotCreate(
            f"{self.choreography_file} imports no registry.\n"
            "  Define the registry in a module of the contracts' package, and import it."
        )

    @cached_property
    def contracts(self) -> str:
        """The package that holds the contracts."""
        return self.registry[0].rpartition(".")[0]

    @cached_property
    def values(self) -> list[Import]:
        """The project's own value types, which a field may have: those of the contracts' module `values`."""
        module = _loaded(f"{self.contracts}.values")
        found = [one for one in vars(module).values() if isinstance(one, type)] if module else []
        return [(one.__module__, one.__name__) for one in found if issubclass(one, Value) and one is not Value]

    @property
    def services(self) -> list[str]:
        """Every service there is: those that act, and those that only have a say."""
        speaking = [contract.identity.service for contract in self.choreography.contracts]
        return sorted({*self.choreography.services, *speaking, *self._folders()})

    def _folders(self) -> set[str]:
        folder = self.file_of(f"{self.functions}.x").parent
        on_disk = {path.parent.name for path in (self.project.root / folder).glob("*/__init__.py")}
        return on_disk | {path.parent.name for path in self.changes.created if path.parent.parent == folder}

    def file_of(self, module: str) -> Path:
        """Return where a module lies or would lie, below the project's root: beside its package."""
        package, _, name = module.rpartition(".")
        root = self.project.root.resolve()
        loaded = _loaded(package)
        folder = Path(str(getattr(loaded, "__path__", [root / package.replace(".", "/")])[0])).resolve()
        if not folder.is_relative_to(root):
            raise CannotCreate(f"the package {package} lies outside of {root}.\n  Change into its own project.")
        return folder.relative_to(root) / f"{name}.py"

    def source(self, path: Path) -> Source:
        """Return a file as the changes leave it so far."""
        return Source(str(path), self.changes.read(path))

    def edit(self, source: Source) -> None:
        """Give a file a new text."""
        self.changes.edit(Path(source.path), source.text)

    @property
    def events(self) -> Mapping[str, Event]:
        """Every event, by class."""
        return {
            **{
                one.__name__: Event(one.__name__, one.__module__, one.identity.service, one)
                for one in self.choreography.contracts
            },
            **self.planned,
        }

    def event(self, name: str) -> Event:
        """Return an event by its class, its detail-type, or the article's name of it: the newest version."""
        wanted = event_name(name)
        newest = [one.__name__ for one in self.choreography.contracts.named(wanted)]
        for called in (name, *newest, wanted):
            if called in self.events:
                return self.events[called]
        raise CannotCreate(
            f"there is no event {wanted}. Events: {', '.join(sorted(self.events)) or 'none yet'}.\n"
            f"  Create it first: contradance create event {wanted} --service SERVICE"
        )

    def test_file(self, folder: str, name: str) -> Path:
        """Return where a part's test lies: beside the tests of its kind; in a package where the tests are one."""
        tests = Path("tests")
        together = tests / "functions"
        where = together if folder != "contracts" and (self.project.root / together).is_dir() else tests / folder
        if (self.project.root / tests / "__init__.py").exists():
            self.changes.ensure(where / "__init__.py", "")
        return where / f"test_{name}.py"

    def function(self, service: str, name: str) -> AnyFunction | None:
        """Return a function that is there."""
        return self.choreography.functions.get(f"{service}.{name}")

    def add_function(self, service: str, name: str) -> None:
        """Add a function to the choreography's list, behind the others of its service."""
        module = f"{self.functions}.{service}.{name}"
        source = self.source(self.choreography_file)
        taken = source.bound()
        called = name if taken.get(name, "") in ("", f"{module}:{name}") else f"{service}_{name}"
        own = f"{self.functions}.{service}."
        listed = [one for one in source.items("Choreography", "functions") if (taken.get(one) or "").startswith(own)]
        edited = source.importing(module, name, None if called == name else called)
        self.edit(edited.listing("Choreography", "functions", called, listed[-1] if listed else None))


def _loaded(module: str) -> ModuleType | None:
    """Return a module, imported if it can be."""
    try:
        return import_module(module) if module else None
    except ModuleNotFoundError:
        return None


def place(project: Project) -> Place:
    """Read a project; one that cannot be imported is one to correct first."""
    return Place(project, project.choreography(), Changes(project.root))
