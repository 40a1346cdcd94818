"""`contradance graph`: draws the choreography."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from contradance.cli.command import reporting, the_project, write_text
from contradance.cli.theme import out


class GraphFormat(StrEnum):
    """The forms in which `contradance graph` draws a choreography."""

    TREE = "tree"
    MERMAID = "mermaid"
    SVG = "svg"


@reporting
def graph(
    form: Annotated[GraphFormat, typer.Option("--format", help="tree, mermaid or svg.")] = GraphFormat.TREE,
    to: Annotated[Path | None, typer.Option("--out", help="Write mermaid or svg to this file.", metavar="FILE")] = None,
) -> None:
    """Draw the choreography: every route, event and function, with alternate and error paths."""
    from contradance.catalog.mermaid import mermaid  # noqa: PLC0415 - loaded with the project
    from contradance.catalog.picture import svg  # noqa: PLC0415 - loaded with the project
    from contradance.cli.trees import LEGEND, choreography_tree  # noqa: PLC0415 - loaded with the project

    if to is not None and form is GraphFormat.TREE:
        raise typer.BadParameter("a tree is printed only; use --format svg or mermaid.", param_hint="--out")
    choreography = the_project().choreography()
    if form is not GraphFormat.TREE:
        write_text(svg(choreography) if form is GraphFormat.SVG else mermaid(choreography), to)
    else:
        out.print(choreography_tree(choreography), soft_wrap=False)
        out.print(f"\n{LEGEND}", style="dim")
