"""`contradance trace`: shows what happened in a flow."""

import shlex
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from contradance.cli.command import AsJson, print_json, reporting
from contradance.cli.moment import format_moment, moment
from contradance.cli.target import Target, of_a_system
from contradance.cli.theme import Services, err, out
from contradance.operate.shortened_id import CANDIDATES
from contradance.printable import printable
from contradance.quantity import counted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from contradance.operate.flow import AcceptedEvent
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

    begin = moment(since, datetime.now(UTC), "--since")
    with target.journal(begin) as journal:
        records = journal.flows(term) if term else journal.latest()
        if with_logs:
            records = journal.with_logs(records)
        found = flows(records, journal.outstanding({record.correlation_id for record in records}))
        shown = {event.event_id for record in records for event in record.published}
        others = [one for one in (journal.not_consumed(term) if term else ()) if one.event_id not in shown]
    if not found:
        if others:
            _print_not_consumed(target, others)
        else:
            err.print(_nothing(target, term, begin))
        raise typer.Exit(1)
    if as_json:
        print_json({"records": [_record_json(record, with_logs=with_logs) for record in records]})
        return
    services = Services(target.choreography.services)
    for number, flow in enumerate(found):
        if number:
            out.print()
        out.print(flow_tree(flow, services, with_logs=with_logs), soft_wrap=False)
    _print_not_consumed(target, others)


def _nothing(target: Target, term: str | None, begin: datetime) -> str:
    """Return the message for a search without a result; for a stack with the beginning of the search."""
    about = f"Nothing in {target.name} is about {term}" if term else f"Nothing has happened in {target.name}"
    if target.is_laptop:
        return f"{about}." if term else f"{about} yet."
    return f"{about} since {format_moment(begin)}.\n  Search further back with --since, like --since 7d"


def _print_not_consumed(target: Target, events: "Sequence[AcceptedEvent]") -> None:
    """Print each event that no function has consumed, on standard error: it waits, or it matched no rule."""
    for one in events[:CANDIDATES]:
        name = printable(f"{one.source}/{one.detail_type} {one.event_id}")
        waits = f"has {counted(one.pending, 'pending delivery')}, without an attempt yet"
        err.print(f"{name} {waits if one.pending else 'matched no rule: no function consumes it'}.")
        err.print(f"  Why: contradance why {shlex.quote(printable(one.event_id))}{target.options}")
    if len(events) > CANDIDATES:
        err.print("There are more such events. Give more characters of the id.")


def _record_json(record: "JournalRecord", *, with_logs: bool) -> dict[str, object]:
    """Return a record as `--json` prints it; what its attempt logged only with `with_logs`."""
    logs = {"logs": [entry.model_dump(mode="json") for entry in record.logs]} if with_logs else {}
    return {**record.model_dump(mode="json"), **logs}
