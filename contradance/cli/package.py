"""`contradance package`: builds the layer and the zips that Lambda runs, and lists them."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from contradance.cli.command import AsJson, print_json, reporting, the_project
from contradance.cli.theme import out

if TYPE_CHECKING:
    from contradance.packaging import Packages


class Architecture(StrEnum):
    """Lambda's processor architectures."""

    ARM64 = "arm64"
    X86_64 = "x86_64"


@reporting
def package(
    *,
    runtime: Annotated[
        str | None,
        typer.Option(help="Lambda's Python runtime, like python3.13; default: the project's, or the running Python."),
    ] = None,
    architecture: Annotated[
        Architecture | None, typer.Option(help="Lambda's processor architecture; default: the project's, or arm64.")
    ] = None,
    lock: Annotated[bool, typer.Option("--lock", help="First update the pinned versions in the layer.")] = False,
    as_json: AsJson = False,
) -> None:
    """Build what Lambda runs: one layer for all functions, and a zip for each."""
    from contradance.packaging import build, pin  # noqa: PLC0415 - needs the extra `infra`

    project = the_project()
    choreography = project.choreography()
    if lock:
        pin(project.root, choreography)
    built = build(project.root, choreography, runtime=runtime, architecture=architecture)
    if as_json:
        print_json(_packages_json(built))
    else:
        _print_packages(choreography.name, built)


def _packages_json(built: "Packages") -> dict[str, object]:
    """Return the packages as `--json` prints them: path, size in bytes, and whether it was built now."""

    def described(path: Path) -> dict[str, object]:
        """Return one package."""
        return {"path": str(path), "bytes": path.stat().st_size, "fresh": path in built.fresh}

    return {
        "runtime": built.runtime,
        "architecture": built.architecture,
        "layer": described(built.layer),
        "functions": {name: described(path) for name, path in built.functions.items()},
    }


def _print_packages(choreography: str, built: "Packages") -> None:
    """Print each package with its size, and whether it was built or unchanged."""
    out.print(f"[bold]{choreography}[/bold] for {built.runtime} on {built.architecture}", markup=True)
    paths = {"layer": built.layer, **built.functions}
    width = max(map(len, paths))
    for name, path in paths.items():
        state = "built" if path in built.fresh else "unchanged"
        out.print(f"  {name:{width}}  {_size_text(path):>9}  {state}")
    out.print(f"They are in {built.layer.parent}/", style="dim")


def _size_text(path: Path) -> str:
    """Return a file's size in the units of Lambda's limits: 1 MB is 1,048,576 bytes."""
    kilobytes = path.stat().st_size / 1024
    return f"{kilobytes:.1f} KB" if kilobytes < 1024 else f"{kilobytes / 1024:.1f} MB"  # noqa: PLR2004 - KB in a MB
