"""`contradance contracts ...`: freeze, check, list, show, compare and export contracts."""

import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from contradance.cli.command import AsJson, print_json, reporting, the_project, write_text
from contradance.cli.theme import err, out
from contradance.compatibility import DEFAULT_MODE, Mode
from contradance.errors import DeclarationError

if TYPE_CHECKING:
    from contradance.project import Project
    from contradance.schemas import Promises

contracts = typer.Typer(help="Freeze, check, list, show, compare and export contracts.", no_args_is_help=True)

Against = Annotated[
    str | None,
    typer.Option(
        "--against",
        help="A folder, a git ref, a wheel, or a .json file of stack outputs; default: the frozen files.",
        metavar="WHERE",
    ),
]


ExportOption = Literal["jsonschema", "asyncapi", "eventbridge"]


class OutputFormat(StrEnum):
    """The forms in which findings are printed."""

    TEXT = "text"
    JSON = "json"
    GITHUB = "github"


CheckOption = Annotated[bool, typer.Option("--check", help="Write nothing; fail when files and contracts differ.")]
Json = Annotated[bool, typer.Option("--json", help="The same as --format json.")]


def _read_frozen(project: "Project", against: str | None) -> "Promises":
    """Return the frozen contracts of `--against`, else the project's; `DeclarationError` if it has frozen none."""
    from contradance.schemas.sources import read_promises  # noqa: PLC0415 - loaded with the project

    folder = project.root / project.schemas
    if against is None and not folder.exists():
        raise DeclarationError(
            f"no contract is frozen yet: there is no folder {project.schemas.as_posix()}.\n"
            "  Freeze the contracts: contradance contracts freeze"
        )
    return read_promises(against or str(folder), project.root, project.schemas)


@contracts.command()
@reporting
def freeze(
    drop: Annotated[
        list[str] | None,
        typer.Option("--drop", help="A version to give up: its file is deleted.", metavar="CONTRACT"),
    ] = None,
    check: CheckOption = False,  # noqa: FBT002 - a command's flag
    as_json: AsJson = False,  # noqa: FBT002 - a command's flag
) -> None:
    """Write the schema of each new or compatibly changed contract to its file; refuse a breaking change."""
    from contradance.catalog.freezing import freeze_contracts  # noqa: PLC0415 - loaded with the project

    project = the_project()
    frozen = freeze_contracts(
        project.choreography_or_registry(), project.root / project.schemas, dropping=drop or [], write_files=not check
    )
    if as_json:
        print_json(frozen.as_json())
    for line in () if as_json else frozen.lines(project.root):
        out.print(line)
    if check and not frozen.plan.empty:
        err.print("Files and contracts differ. Run: contradance contracts freeze", style="red")
        raise typer.Exit(1)
    if frozen.plan.empty and not as_json:
        equal = (
            "1 contract equals its frozen file"
            if frozen.count == 1
            else f"{frozen.count} contracts equal their frozen files"
        )
        out.print(f"{equal} in {project.schemas.as_posix()}.")


@contracts.command()
@reporting
def check(
    against: Against = None,
    mode: Annotated[Mode, typer.Option("--mode", help="The compatibility to check.")] = DEFAULT_MODE,
    form: Annotated[
        OutputFormat, typer.Option("--format", help="text, json or github annotations.")
    ] = OutputFormat.TEXT,
    as_json: Json = False,  # noqa: FBT002 - a command's flag
) -> None:
    """List the changes that break a frozen contract, each with its affected subscribers; exit 1 when there is one."""
    from contradance.catalog.differences import format_annotations, format_json, format_text  # noqa: PLC0415 - loaded with the project
    from contradance.gate import breaks  # noqa: PLC0415 - loaded with the project

    project = the_project()
    promises = _read_frozen(project, against)
    found = breaks(project.choreography_or_registry(), promises, mode=mode)
    render = {OutputFormat.TEXT: format_text, OutputFormat.JSON: format_json, OutputFormat.GITHUB: format_annotations}[
        OutputFormat.JSON if as_json else form
    ]
    sys.stdout.write(render(found, len(promises), project.root))
    if found:
        raise typer.Exit(1)


@contracts.command("list")
@reporting
def list_contracts(
    as_json: AsJson = False,  # noqa: FBT002 - a command's flag
) -> None:
    """List the contracts: publishers, subscribers, whether each is frozen, and consumers of old versions."""
    from contradance.catalog.listing import list_contracts  # noqa: PLC0415 - loaded with the project
    from contradance.schemas import read_folder  # noqa: PLC0415 - loaded with the project

    project = the_project()
    found = list_contracts(project.choreography_or_registry(), read_folder(project.root / project.schemas))
    if as_json:
        print_json([one.as_json() for one in found])
    else:
        out.print("\n\n".join(map(str, found)))


@contracts.command()
@reporting
def show(
    contract: Annotated[str, typer.Argument(help="Like BookLent, BookLent v1 or library.loans/BookLent v1.")],
    as_json: AsJson = False,  # noqa: FBT002 - a command's flag
) -> None:
    """Show a contract or an event of others: its fields, their types, personal data, and whether it is frozen."""
    from contradance.catalog.listing import (  # noqa: PLC0415 - loaded with the project
        as_json_value,
        describe_contract,
        describe_foreign,
    )
    from contradance.choreography import Choreography  # noqa: PLC0415 - loaded with the project
    from contradance.schemas.identities import find_identity  # noqa: PLC0415 - loaded with the project

    project = the_project()
    checked = project.choreography_or_registry()
    foreign = {str(one.identity): one for one in checked.foreign} if isinstance(checked, Choreography) else {}
    found = [
        one
        for name, one in foreign.items()
        if contract in (name, one.identity.detail_type, *(model.__name__ for model in one.models))
    ]
    known = project.registry().by_identity
    if as_json:
        print_json([as_json_value(one) for one in found] or [as_json_value(known[find_identity(contract, known)])])
        return
    for one in found:
        for line in describe_foreign(one):
            out.print(line)
    for line in () if found else describe_contract(known[find_identity(contract, known)]):
        out.print(line)


@contracts.command()
@reporting
def diff(
    old: Annotated[str | None, typer.Argument(help="A contract, like BookLent v1; default: all.")] = None,
    new: Annotated[str | None, typer.Argument(help="The contract to compare it with, like BookLent v2.")] = None,
    against: Against = None,
    as_json: AsJson = False,  # noqa: FBT002 - a command's flag
) -> None:
    """Show every change since the frozen contracts, or between two contracts, breaking or not."""
    from contradance.compatibility import compare  # noqa: PLC0415 - loaded with the project
    from contradance.gate import differences  # noqa: PLC0415 - loaded with the project
    from contradance.schemas import schema_of  # noqa: PLC0415 - loaded with the project
    from contradance.schemas.identities import find_identity  # noqa: PLC0415 - loaded with the project

    project = the_project()
    if old is not None and new is not None:
        known = project.registry().by_identity
        one, two = known[find_identity(old, known)], known[find_identity(new, known)]
        lines = [change.message for change in compare(schema_of(one), schema_of(two))]
    else:
        promises = _read_frozen(project, against)
        named = find_identity(old, promises) if old is not None else None
        found = [
            one for one in differences(project.choreography_or_registry(), promises) if named in (None, one.identity)
        ]
        lines = [f"{one.identity}: {one.change.message}" for one in found]
    if as_json:
        print_json(lines)
        return
    for line in lines or ["Nothing differs."]:
        out.print(line)


@contracts.command()
@reporting
def export(
    form: Annotated[ExportOption, typer.Option("--format", help="jsonschema, asyncapi or eventbridge.")],
    folder: Annotated[
        Path | None, typer.Option("--out", help="Folder for one file per contract; default: print all.")
    ] = None,
    function: Annotated[
        str | None, typer.Option("--function", help="For asyncapi: describe only this function.")
    ] = None,
) -> None:
    """Export the contracts as JSON Schema, as AsyncAPI 3 or for EventBridge's schema registry."""
    from contradance.catalog.exports import document_text  # noqa: PLC0415 - loaded with the project
    from contradance.catalog.exports import export as exported  # noqa: PLC0415 - loaded with the project

    files = exported(the_project().choreography_or_registry(), form, function=function)
    if folder is None:
        sys.stdout.write(document_text(next(iter(files.values())) if form == "asyncapi" else files))
        return
    for name, document in files.items():
        path = folder / name
        write_text(document_text(document), path)
        out.print(path.as_posix())
