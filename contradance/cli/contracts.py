"""`contradance contracts ...`: what is promised, what changed, and whom that hurts."""

import sys
from enum import StrEnum
from typing import Annotated

import typer

from contradance.cli.command import reporting, the_project
from contradance.cli.theme import err, out
from contradance.compatibility import DEFAULT_MODE, Mode

contracts = typer.Typer(help="What is promised, what changed, and whom that hurts.", no_args_is_help=True)

Against = Annotated[
    str | None,
    typer.Option(
        "--against",
        help="A folder, a git ref, a wheel, or a .json file of stack outputs; the frozen files unless given.",
        metavar="WHERE",
    ),
]


class Form(StrEnum):
    """How findings are told."""

    TEXT = "text"
    JSON = "json"
    GITHUB = "github"


Check = Annotated[bool, typer.Option("--check", help="Write nothing; fail where files and contracts disagree.")]
Json = Annotated[bool, typer.Option("--json", help="The same as --format json.")]


@contracts.command()
@reporting
def freeze(
    drop: Annotated[
        list[str] | None,
        typer.Option("--drop", help="A version that is given up: its file is deleted.", metavar="CONTRACT"),
    ] = None,
    check: Check = False,  # noqa: FBT002 - a command's flag
) -> None:
    """Write each contract's schema to its file, where it is new or compatibly changed; refuse to break one."""
    from contradance.catalog.freezing import freeze_contracts  # noqa: PLC0415 - loaded with the project

    project = the_project()
    frozen = freeze_contracts(
        project.checked(), project.root / project.schemas, dropping=drop or [], write_files=not check
    )
    for line in frozen.told(project.root):
        out.print(line, markup=False)
    if check and not frozen.plan.empty:
        err.print("Files and contracts disagree. Run: contradance contracts freeze", style="red")
        raise typer.Exit(1)
    if frozen.plan.empty:
        out.print(f"{frozen.count} contracts are as they are frozen in {project.schemas.as_posix()}.")


@contracts.command()
@reporting
def check(
    against: Against = None,
    mode: Annotated[Mode, typer.Option("--mode", help="What is promised.")] = DEFAULT_MODE,
    form: Annotated[Form, typer.Option("--format", help="text, json or github annotations.")] = Form.TEXT,
    as_json: Json = False,  # noqa: FBT002 - a command's flag
) -> None:
    """Say which changes break what is promised, and which subscribers each hurts; exit 1 where there is one."""
    from contradance.catalog.differences import as_annotations, as_text, to_json  # noqa: PLC0415 - loaded with the project
    from contradance.gate import breaks  # noqa: PLC0415 - loaded with the project
    from contradance.schemas.sources import read_promises  # noqa: PLC0415 - loaded with the project

    project = the_project()
    promises = read_promises(against or str(project.root / project.schemas), project.root, project.schemas)
    found = breaks(project.checked(), promises, mode=mode)
    tell = {Form.TEXT: as_text, Form.JSON: to_json, Form.GITHUB: as_annotations}[Form.JSON if as_json else form]
    sys.stdout.write(tell(found, len(promises), project.root))
    if found:
        raise typer.Exit(1)
