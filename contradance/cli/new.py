"""`contradance new`."""

from pathlib import Path
from typing import Annotated

import typer

from contradance.cli.asking import ask_unless_given
from contradance.cli.command import reporting
from contradance.cli.theme import out
from contradance.scaffold.fresh import create_project, make_repository
from contradance.scaffold.naming import app_name


@reporting
def new(
    name: Annotated[str | None, typer.Argument(help="The project's name or path: ../library.")] = None,
    *,
    empty: Annotated[bool, typer.Option("--empty", help="Leave out the example.")] = False,
    template: Annotated[
        str | None,
        typer.Option(help="Start from a whole application instead; an unknown name lists which.", metavar="NAME"),
    ] = None,
) -> None:
    """Create a new project: a route, an event, a subscriber, and their tests.

    It has its own folder and includes this version of contradance, so `make run` and `make test` work at once.
    """
    if empty and template is not None:
        raise typer.BadParameter("a template is the example; leave out one of them.", param_hint="--empty")
    where = Path(ask_unless_given(name, "Name of the project", "NAME", lambda path: app_name(Path(path).name)))
    folder = create_project(where.parent, where.name, empty=empty, template=template)
    make_repository(folder)
    out.print(f"Created {folder}/. Now:\n\n  cd {folder}\n  make test\n  make run\n")
    out.print(f"{folder / 'README.md'} describes the files and the next steps.")
