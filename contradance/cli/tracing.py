"""`contradance trace`: shows what happened in a flow."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from contradance.cli.command import AsJson, print_json, reporting
from contradance.cli.moment import moment
from contradance.cli.target import Target, of_a_system
from contradance.cli.theme import Services, err, out

if TYPE_CHECKING:
    from contradance.runtime.journal_record import JournalRecord


@reporting
@of_a_system
def trace(
    target: Target,
    term: Annotated[
        str | None, typer.Argument(help="A subject, a correlation id or an event id; the latest flow if none is given.")
    ] = None,
    *,
    with_logs: Annotated[
        bool, typer.Option("--logs", help="Also what each attempt logged, and the traceback of each failure.")
    ] = False,
    since: Annotated[
        str, typer.Option(help="Start of the search in a stack's logs: 2026-01-31T18:00 (UTC) or 90m (ago).")
    ] = "1d",
    as_json: AsJson = False,
) -> None:
    """Show what happened: each delivery, what it caused, and its attempts; exit with 1 if nothing did."""
    from contradance.cli.trees import flow_tree  # noqa: PLC0415 - loaded with the project
    from contradance.operate.flow import flows  # noqa: PLC0415 - loaded with the project

    with target.journal(moment(since, datetime.now(UTC), "--since")) as journal:
        records = journal.flows(term) if term else journal.latest()
        if with_logs:
            records = journal.with_logs(records)
        found = flows(records, journal.outstanding({record.correlation_id for record in records}))
    if not found:
        err.print(
            f"Nothing in {target.name} is about {term}." if term else f"Nothing has happened in {target.name} yet."
        )
        raise typer.Exit(1)
    if as_json:
        print_json({"records": [_record_json(record, with_logs=with_logs) for record in records]})
        return
    services = Services(target.choreography.services)
    for number, flow in enumerate(found):
        if number:
            out.print()
        out.print(flow_tree(flow, services, with_logs=with_logs), soft_wrap=False)


def _record_json(record: "JournalRecord", *, with_logs: bool) -> dict[str, object]:
    """Return a record as `--json` prints it; what its attempt logged only with `with_logs`."""
    logs = {"logs": [entry.model_dump(mode="json") for entry in record.logs]} if with_logs else {}
    return {**record.model_dump(mode="json"), **logs}
