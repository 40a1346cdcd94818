"""`contradance list`, `lint` and `why`."""

import json
import warnings
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.text import Text

from contradance.cli.attempt import ShownTracebacks
from contradance.cli.command import AsJson, StateFolder, completing, print_json, reporting, the_project
from contradance.cli.moment import clock_time
from contradance.cli.target import print_cut
from contradance.cli.theme import Services, err, event_name, out
from contradance.errors import OperateError, UnconsumedEvent
from contradance.local.names import DEFAULT_STATE
from contradance.printable import printable
from contradance.quantity import counted

if TYPE_CHECKING:
    from contradance.choreography import AnyFunction, Choreography, Relied
    from contradance.contract import Contract
    from contradance.operate.why import Why


@reporting
def list_(*, as_json: AsJson = False) -> None:
    """List every function and event, with triggers, publishers and consumers."""
    choreography = the_project().choreography()
    functions = [_function_json(one) for one in choreography.functions.values()]
    events = [_event_json(choreography, one) for one in choreography.contracts]
    foreign = [_foreign_json(one) for one in choreography.foreign]
    if as_json:
        print_json({"functions": functions, "events": events, "events_of_others": foreign})
        return
    services = Services(choreography.services)
    width = max((len(one["name"]) for one in functions), default=0)
    for one in functions:
        line = services.function(one["name"]).append(" " * (width - len(one["name"])))
        line.append(f"  {one['route'] or one['schedule'] or ', '.join(map(event_name, one['consumes']))}")
        out.print(line.append(_arrow(one["publishes"]), "bold") if one["publishes"] else line)
    out.print()
    width = max((len(event_name(one["identity"])) for one in events), default=0)
    for one in events:
        line = Text(f"{event_name(one['identity']):{width}}", "bold red" if one["failure"] else "bold green")
        line.append(f"  {', '.join(one['publishers']) or 'no publisher'}", "not bold")
        out.print(line.append(_arrow(one["consumers"]) or " → no consumer", "not bold"))
    _print_foreign(foreign)


def _print_foreign(foreign: list[dict[str, Any]]) -> None:
    """Print the events of others with their buses and consumers; nothing if there are none."""
    if foreign:
        out.print("\nFrom others:")
    width = max((len(one["identity"]) for one in foreign), default=0)
    for one in foreign:
        line = Text(f"{one['identity']:{width}}", "bold cyan").append(f"  {one['from']}", "not bold")
        out.print(line.append(_arrow(one["consumers"]), "not bold"))


@reporting
def lint(*, as_json: AsJson = False) -> None:
    """Print the gaps in the choreography, such as an event without a subscriber, each with a fix; exit with 1 if any.

    It finds events without a publisher or a consumer, signatures with events
    that no code publishes, cycles, failures that leave an effect in place,
    handlers that are not listed, and retries that outlive the archive.

    Accept a finding in pyproject.toml, with the reason, below
    tool.contradance.accepted.
    """
    from contradance.infra.stack_files import archive_days  # noqa: PLC0415 - only this command needs it
    from contradance.lint.rules import findings  # noqa: PLC0415 - only this command needs it

    project = the_project()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UnconsumedEvent)  # it is among the findings
        choreography = project.choreography()
    code = (project.root, project.named("choreography").partition(":")[0])
    found = findings(choreography, archive_days(project.root), project.accepted, code)
    if as_json:
        print_json([{"name": one.name, **one._asdict()} for one in found])
    for one in () if as_json else found:
        out.print(Text(f"{one.kind}  ", "bold yellow").append(one.message, "not bold default"))
        out.print(f"  Why: {one.reason}\n  Fix: {one.fix}")
        out.print(
            f'  Accept: in pyproject.toml, below [tool.contradance.accepted]: {json.dumps(one.name)} = "the reason"\n'
        )
    if not as_json:
        listed = ((choreography.functions, "function"), (choreography.contracts, "event"), (found, "finding"))
        err.print(", ".join(counted(len(things), noun) for things, noun in listed))
    if found:
        raise typer.Exit(1)


def _subscriber_names() -> list[str]:
    """Return the names of the project's subscribers, for shell completion."""
    return [one.function.name for one in the_project().choreography().subscriptions]


@reporting
def why(
    event: Annotated[
        str,
        typer.Argument(
            help="The event's id; its first characters, 8 or more, select it if no other id has them.",
            metavar="EVENT_ID",
        ),
    ],
    *,
    subscriber: Annotated[
        str | None,
        typer.Option(
            help="A function, like reminders.remind_reader; every subscriber, unless given.",
            metavar="FUNCTION",
            autocompletion=completing(_subscriber_names),
        ),
    ] = None,
    state: StateFolder = DEFAULT_STATE,
    as_json: AsJson = False,
) -> None:
    """Print an event's status at each subscriber or one, and why; exit with 1 if that one has not completed it.

    Matched or not, and the field that does not match; every attempt; published
    events; dead letter.
    """
    from contradance.local.state.journal_table import open_journal  # noqa: PLC0415 - only where there is a laptop's state
    from contradance.local.state.stored import envelope_in  # noqa: PLC0415 - the same
    from contradance.operate.why import why as explained  # noqa: PLC0415 - loaded with the project

    choreography = the_project().choreography()
    with open_journal(state, print_cut) as journal:
        envelope = journal.envelope(event)
        if envelope is None:
            err.print(
                f"There is no event {event} in {state}.\n  contradance trace shows the ids of the latest flow's events.",
            )
            raise typer.Exit(1)
        held = envelope_in(envelope)
        if held is None:
            raise OperateError(
                f"the event {event} in {state} cannot be read: its row is damaged.\n"
                f"  What functions did with it: contradance trace {event}"
            )
        event_id, flow = choreography.event_ids(held)
        records = journal.flows(event_id)
        outstanding = journal.outstanding({flow, *(record.correlation_id for record in records)})
    found = explained(choreography, subscriber, envelope, records, outstanding)
    if as_json:
        print_json([one.as_json() for one in found])
    else:
        _print_why(found)
    if subscriber is not None and any(one.verdict != "done" for one in found):
        raise typer.Exit(1)


def _print_why(found: "list[Why]") -> None:
    """Print an event's status at each subscriber, with the reasons below it."""
    out.print(Text(event_name(found[0].contract), "bold").append(f"  {printable(found[0].event_id)}", "dim not bold"))
    for one in found:
        style = {"done": "green", "dead letter": "bold red", "waiting": "yellow"}.get(one.verdict, "dim")
        out.print(Text(f"  {one.subscriber}  ").append(one.verdict, style))
        for line in (part for reason in _reason_lines(one) for part in reason.splitlines()):
            out.print(f"    {line}", style="dim")


def _reason_lines(one: "Why") -> list[str]:
    """Return the lines below a status: whether the rule matches, attempts with logs and tracebacks, what is next."""
    if one.verdict == "not matched":
        return [f"The rule does not match it. {one.mismatch}."]
    if one.verdict == "never delivered":
        return [
            "The rule matches it now, but it did not when the event was published: the subscriber is newer than the event."
        ]
    lines = [
        "The rule matches it."
        if one.mismatch is None
        else f"The rule matched it then. Now it would not: {one.mismatch}."
    ]
    tracebacks = ShownTracebacks()
    times = [attempt.started_at for attempt in one.attempts]
    for attempt, before in zip(one.attempts, [*times[:1], *times], strict=False):
        error = f": {attempt.error}" if attempt.error else ""
        lines.append(f"{clock_time(attempt.started_at, before)}  attempt {attempt.attempt} {attempt.outcome}{error}")
        lines += [f"  {entry.at:%H:%M:%S}  {entry.level}  {entry.message}" for entry in attempt.logs]
        lines += [f"  {line}" for line in tracebacks.lines(attempt)]
    if one.published:
        lines.append(f"It published {', '.join(map(event_name, one.published))}.")
    if one.due is not None:
        lines.append(
            f"It is tried {'next' if one.attempts else 'first'} at {clock_time(one.due, times[-1] if times else datetime.now(UTC))}."
        )
    if one.verdict == "dead letter":
        lines.append(f"The event is kept in the dead letter queue of {one.subscriber}.")
    return lines


def _function_json(function: "AnyFunction") -> dict[str, Any]:
    """Return a function as `list --json` prints it: name, module, trigger, events, delivery and retries."""
    from contradance.function import Schedule  # noqa: PLC0415 - loaded with the project
    from contradance.httproute import Route  # noqa: PLC0415 - loaded with the project

    trigger = function.trigger
    return {
        "name": function.name,
        "module": function.handler.__module__,
        "route": trigger.key if isinstance(trigger, Route) else None,
        "schedule": trigger.timetable.label if isinstance(trigger, Schedule) else None,
        "consumes": [] if isinstance(trigger, Route | Schedule) else [str(one.identity) for one in trigger.events],
        "publishes": [str(one.identity) for one in function.publishes],
        "delivery": function.delivery,
        "retry": str(function.retry),
    }


def _event_json(choreography: "Choreography", contract: "type[Contract]") -> dict[str, Any]:
    """Return a contract as `list --json` prints it, with its publishers, and the consumers of all its versions."""
    return {
        "identity": str(contract.identity),
        "module": contract.__module__,
        "failure": contract.failure,
        "publishers": [one.name for one in choreography.publishers(contract)],
        "consumers": [*choreography.receivers(contract)],
    }


def _foreign_json(one: "Relied") -> dict[str, Any]:
    """Return an event of others as `list --json` prints it, with its buses and consumers."""
    return {"identity": str(one.identity), "from": one.places, "consumers": [*one.consumers]}


def _arrow(names: list[str]) -> str:
    """Return ` → ` and the names of these events or functions, separated by commas; an empty text without names."""
    return f" → {', '.join(map(event_name, names))}" if names else ""
