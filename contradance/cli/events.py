"""`contradance events ...`: list events, publish them, and print examples."""

import re
import sys
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated, Final

import typer
from rich.text import Text

from contradance.cli.command import (
    LATEST,
    AsJson,
    Limit,
    Port,
    StateFolder,
    print_json,
    reporting,
    text_of,
    the_project,
)
from contradance.cli.moment import Days, format_moment, moment
from contradance.cli.target import SEARCH, Target, of_a_system, state_option
from contradance.cli.theme import err, event_name, out, print_line
from contradance.local.names import DEFAULT_STATE
from contradance.printable import printable
from contradance.quantity import counted

EventName = Annotated[str, typer.Argument(help="Like BookLent, or 'BookLent v1'.", metavar="EVENT")]

_VERSION: Final = re.compile(r" v\d+$")

events = typer.Typer(help="List events, publish them, and print examples.", no_args_is_help=True)


@events.command("list")
@reporting
@of_a_system
def list_events(
    target: Target,
    *,
    since: Annotated[str, typer.Option(help="2026-01-31T18:00 (UTC) or 90m (ago).", metavar="MOMENT")] = "1h",
    detail_type: Annotated[
        str | None, typer.Option("--type", help="Only these, like BookLent or 'BookLent v1'.")
    ] = None,
    subject: Annotated[str | None, typer.Option(help="Only those about this.", metavar="ID")] = None,
    limit: Limit = LATEST,
    as_json: AsJson = False,
) -> None:
    """List the events of the last hour, the latest 500, with the functions that consumed each."""
    from contradance.operate.journal import Wanted  # noqa: PLC0415 - loaded with the project
    from contradance.operate.published import latest_published, with_publishers  # noqa: PLC0415 - loaded with the project

    wanted = Wanted(moment(since, datetime.now(UTC), "--since"), subject=subject)
    with target.journal(wanted.since - SEARCH) as journal:
        found = latest_published(journal.newest(wanted), limit, lambda one: detail_type in (None, *_names(one)))
        found = with_publishers(found, journal)
    if as_json:
        print_json([{**asdict(event), "at": event.at.isoformat()} for event in found])
        return
    days = Days()
    for event in found:
        if heading := days.heading(event.at):
            print_line(Text(heading, "dim"))
        line = Text(event.at.strftime("%H:%M:%S  "), "dim").append(event_name(event.contract), "bold")
        line.append(f"  {printable(event.event_id)}", "dim")
        line.append(f"  {printable(event.publisher or 'from outside')}")
        for names, mark, style in (
            (event.completed, "✓", "green"),
            (event.waiting, "…", "yellow"),
            (event.dead, "✗", "red"),
        ):
            if names:
                line.append(f"  {mark} {', '.join(names)}", style)
        print_line(line)
    if not found:
        out.print(f"No events since {format_moment(wanted.since)}.")
    elif len(found) == limit:
        err.print(f"The latest {counted(limit, 'event')}. All: add --limit 0", style="dim")


def _names(identity: str) -> tuple[str, str, str]:
    """Return the names of an event: its identity, `BookLent v1`, and `BookLent`, which one of others is twice."""
    name = identity.rpartition("/")[2]
    return identity, name, _VERSION.sub("", name)


@events.command()
@reporting
def publish(
    name: EventName,
    data: Annotated[str, typer.Option(help="JSON, @FILE, or - for standard input.")],
    port: Port = None,
    state: StateFolder = DEFAULT_STATE,
    *,
    as_json: AsJson = False,
) -> None:
    """Validate data against its contract, and publish it to a running laptop.

    An event of others, by its class or detail-type, is published as its
    publisher would: data is its detail, or a whole sample event of AWS.
    """
    from contradance.foreign import ForeignEvent  # noqa: PLC0415 - loaded with the project
    from contradance.local.clock import RealClock  # noqa: PLC0415 - only this command needs it
    from contradance.local.system.address import url_of  # noqa: PLC0415 - only this command needs it
    from contradance.local.system.client import LaptopClient  # noqa: PLC0415 - only this command needs it
    from contradance.operate.foreign import publish_foreign  # noqa: PLC0415 - loaded with the project
    from contradance.operate.matching import verdicts, versions_of  # noqa: PLC0415 - the same
    from contradance.operate.publishing import event_named, publish_data  # noqa: PLC0415 - loaded with the project

    laptop, choreography = LaptopClient(url_of(state, port), state), the_project().choreography()
    event, text = event_named(choreography, name), text_of(data)
    if issubclass(event, ForeignEvent):
        identity, flow = event.identity, None
        event_id = publish_foreign(choreography, event, text, laptop.put_events)
    else:
        sealed = publish_data(choreography, event, text, laptop, RealClock())
        identity, event_id, flow = sealed.identity, sealed.event_id, sealed.correlation_id
    if as_json:
        print_json({"event_id": event_id, "contract": str(identity), "flow": flow})
        return
    matched = any(one.mismatch is None for one in verdicts(choreography, versions_of(choreography, name, text)))
    hint, command = ("Follow it", "trace") if matched else ("No subscriber's rule matches it", "why")
    then = f"{hint}: contradance {command}{state_option(state)} {event_id}"
    out.print(f"Published {identity} as {event_id}.\n  {then}")


@events.command()
@reporting
def sample(name: EventName) -> None:
    """Print an example of an event's data."""
    from contradance.catalog.sample import sample as example  # noqa: PLC0415 - loaded with the project
    from contradance.operate.publishing import event_named  # noqa: PLC0415 - loaded with the project
    from contradance.wire import to_wire  # noqa: PLC0415 - the same

    shown = example(event_named(the_project().choreography(), name))
    sys.stdout.write(to_wire(shown, indent=2).decode() + "\n")


@events.command("would-match")
@reporting
def would_match(
    event: Annotated[
        str,
        typer.Argument(
            help="A file with the event as EventBridge delivers it, - for input; with --data, a name like BookLent or 'BookLent v1'.",
            metavar="EVENT",
        ),
    ],
    data: Annotated[str | None, typer.Option(help="The event's data alone: JSON, @FILE or -.")] = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Print the subscribers that an event would reach, and for the others why not; exit with 1 if it reaches none.

    With --data, the event is in every version that it would be published as.
    """
    from contradance.operate.matching import parse_event, verdicts, versions_of  # noqa: PLC0415 - loaded with the project

    choreography = the_project().choreography()
    if data is None:
        given = [parse_event(text_of(event if event == "-" else f"@{event}", "EVENT"))]
    else:
        given = versions_of(choreography, event, text_of(data))
    found = verdicts(choreography, given)
    if as_json:
        print_json(
            [
                {"function": name, "matches": mismatch is None, "mismatch": mismatch and asdict(mismatch)}
                for name, mismatch in found
            ]
        )
    else:
        for name, mismatch in found:
            out.print(f"no   {name}\n     {mismatch}" if mismatch else f"yes  {name}")
    if all(mismatch for _, mismatch in found):
        raise typer.Exit(1)
