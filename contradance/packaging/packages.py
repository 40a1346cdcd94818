"""The packages of a choreography: one layer for all functions, and a zip for each function."""

import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from importlib.metadata import packages_distributions
from pathlib import Path
from types import MappingProxyType
from typing import Final

from contradance.choreography import Choreography
from contradance.deployed import INGRESS, SWEEPER
from contradance.errors import PackagingError
from contradance.packaging.archive import make_zip
from contradance.packaging.cache import CachedFile, get_or_create_file
from contradance.packaging.lambda_platform import LambdaPlatform, default_runtime
from contradance.packaging.layer import layer_key, make_layer, top_level_modules
from contradance.packaging.lock import read_lock, write_lock
from contradance.packaging.modules import module_file
from contradance.packaging.project_code import ProjectCode, top_level_packages
from contradance.packaging.rooms import lambda_modules
from contradance.project import Project, find_project

_ARCHITECTURE: Final = "arm64"


@dataclass(frozen=True, slots=True)
class Packages:
    """The zip files that Lambda runs."""

    runtime: str
    """The Lambda runtime: python3.13."""
    architecture: str
    """arm64 or x86_64."""
    layer: Path
    functions: Mapping[str, Path]
    """Zips by function, `loans.remind_reader`, with contradance's own functions (see `contradance.deployed`)."""
    fresh: frozenset[Path]
    """Files that this build created; the others were in the cache."""


def build(
    root: Path,
    choreography: Choreography,
    *,
    runtime: str | None = None,
    architecture: str | None = None,
    cache: Path | None = None,
) -> Packages:
    """Build the packages that are not in the cache; return the paths of all, or raise `PackagingError`.

    Args:
        root: folder of the project, with its pyproject.toml and its lock.
        choreography: the choreography to package.
        runtime: a Python runtime of Lambda; the project's, or that of this interpreter's version, unless given.
        architecture: arm64 or x86_64; the project's, or arm64, unless given.
        cache: folder of the files; `.contradance/packages` in the project unless given.

    Raises:
        DeclarationError: pyproject.toml does not name the registry.
        PackagingError: a package cannot be built; no incomplete file is left.
    """
    root = root.resolve()
    project = find_project(root)
    target = LambdaPlatform(
        runtime or project.runtime or default_runtime(), architecture or project.architecture or _ARCHITECTURE
    )
    folder = (cache or root / ".contradance" / "packages").resolve()
    registry = _registry_module(project, choreography)
    lock, machine = read_lock(root), lambda_modules()
    layer = get_or_create_file(
        folder / f"layer-{layer_key(lock, machine, target)}.zip", lambda: make_layer(root, lock, machine, target)
    )
    with zipfile.ZipFile(layer.path) as zipped:
        tops = top_level_modules(zipped.namelist())
    code = ProjectCode(root, choreography, tops, machine)
    roots: dict[str, str | None] = {name: f.handler.__module__ for name, f in choreography.functions.items()}
    kept = {
        name: _build_zip(folder, name, module, code)
        for name, module in (roots | {SWEEPER: None, INGRESS: registry}).items()
    }
    return Packages(
        runtime=target.runtime,
        architecture=target.architecture,
        layer=layer.path,
        functions=MappingProxyType({name: found.path for name, found in kept.items()}),
        fresh=frozenset(found.path for found in (layer, *kept.values()) if found.fresh),
    )


def pin(root: Path, choreography: Choreography) -> None:
    """Write the project's lock, which pins the wheels of the layer; the project's own code is not among them."""
    by_top = packages_distributions()
    own = {name for top in top_level_packages(choreography) for name in by_top.get(top, ())}
    write_lock(root, own)


def _build_zip(folder: Path, name: str, module: str | None, code: ProjectCode) -> CachedFile:
    """Return the zip of the project code that `module` needs, built unless cached; for None it holds only a README."""
    needed = {} if module is None else code.needed_by(module)
    files = {module_file(each, path): path.read_bytes() for each, path in needed.items()}
    files = files or {"README": b"All code of this function is in its layer; Lambda refuses an empty zip.\n"}
    zipped = make_zip(files)
    return get_or_create_file(folder / f"{name}-{sha256(zipped).hexdigest()[:32]}.zip", lambda: zipped)


def _registry_module(project: Project, choreography: Choreography) -> str:
    """Return the module of pyproject.toml's registry; `PackagingError` if the choreography has another registry."""
    named, registry = project.named("contracts"), project.registry()
    if registry is not choreography.contracts:
        raise PackagingError(
            f"{project.root / 'pyproject.toml'} names the registry {registry.name!r} as its contracts, but the "
            f"choreography {choreography.name!r} has another registry.\n  Name the registry of the choreography."
        )
    return named.partition(":")[0]
