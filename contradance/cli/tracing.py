"""`contradance trace`: shows what happened in a flow."""

from datetime import UTC, datetime
from typing import Annotated

import typer

from contradance.cli.command import AsJson, print_json, reporting
from contradance.cli.moment import moment
from contradance.cli.target import Target, of_a_system
from contradance.cli.theme import Services, err, out


@reporting
@of_a_system
def trace(
    target: Target,
    term: Annotated[
        str | None, typer.Argument(help="A subject, a correlation id or an event id; the latest flow if none is given.")
    ] = None,
    *,
    since: Annotated[
        str, typer.Option(help="Start of the search in a stack's logs: 2026-01-31T18:00 (UTC) or 90m (ago).")
    ] = "1d",
    as_json: AsJson = False,
) -> None:
    """Show what happened: each delivery, what it caused, and its attempts."""
    from contradance.cli.trees import flow_tree  # noqa: PLC0415 - loaded with the project
    from contradance.operate.flow import flows  # noqa: PLC0415 - loaded with the project

    with target.journal(moment(since, datetime.now(UTC), "--since")) as journal:
        records = journal.flows(term) if term else journal.latest()
        found = flows(records, journal.outstanding({record.correlation_id for record in records}))
    if not found:
        err.print(
            f"Nothing in {target.name} is about {term}." if term else f"Nothing has happened in {target.name} yet."
        )
        raise typer.Exit(1)
    if as_json:
        print_json({"records": [record.model_dump(mode="json") for record in records]})
        return
    services = Services(target.choreography.services)
    for flow in found:
        out.print(flow_tree(flow, services), soft_wrap=False)
