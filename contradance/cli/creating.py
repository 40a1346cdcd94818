"""`contradance create ...`: new parts of a project. The commands share options and the way in which changes are written."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from contradance.cli.asking import ask_unless_given, ask_words
from contradance.cli.command import completing, reporting, text_of, the_project
from contradance.cli.theme import out
from contradance.errors import UnconsumedEvent
from contradance.scaffold.changes import complete_pending
from contradance.scaffold.event import create_event
from contradance.scaffold.field_spec import FIELD_TYPES, FORM
from contradance.scaffold.foreign import create_foreign_event
from contradance.scaffold.formatting import format_files, paths_to_format
from contradance.scaffold.layout import ProjectLayout, read_layout
from contradance.scaffold.naming import event_name, field_name, function_name, service_name
from contradance.scaffold.route import VERBS, create_route
from contradance.scaffold.schedule import create_schedule
from contradance.scaffold.subscriber import create_subscriber
from contradance.scaffold.table import create_table
from contradance.scaffold.topic import create_topic

create = typer.Typer(
    help="Write a new part of the project, with a test beside it, and list it where it belongs.\n\n"
    "Nothing is overwritten, and a command that fails or is interrupted writes nothing. "
    "On a terminal, missing values are asked for.",
    no_args_is_help=True,
)


def _service_names() -> list[str]:
    """Return the names of the project's services, for shell completion."""
    return list(the_project().choreography().services)


def _event_names() -> list[str]:
    """Return the names of the project's contracts, for shell completion."""
    return [contract.__name__ for contract in the_project().choreography().contracts]


ServiceOption = Annotated[
    str | None,
    typer.Option(
        help="The service that it belongs to: a folder of functions.",
        metavar="NAME",
        autocompletion=completing(_service_names),
    ),
]
Fields = Annotated[
    list[str] | None,
    typer.Option(
        "--field",
        help=f"A field; repeatable. Types: {', '.join(FIELD_TYPES)}, and your own values. 'pii' marks personal data.",
        metavar=FORM,
    ),
]
Publishes = Annotated[
    list[str] | None,
    typer.Option(
        help="An event that it publishes; repeatable.", metavar="EVENT", autocompletion=completing(_event_names)
    ),
]
Language = Annotated[str, typer.Option("--language", "-l", hidden=True)]


@create.command("event")
@reporting
def event_command(
    name: Annotated[str | None, typer.Argument(help="The event, in the past tense: BookLent.", metavar="NAME")] = None,
    *,
    service: Annotated[str | None, typer.Option(help="The service that publishes it.", metavar="NAME")] = None,
    field: Fields = None,
    subject: Annotated[
        str | None,
        typer.Option(help="The field that holds its subject; default: the first id.", metavar="FIELD"),
    ] = None,
    says: Annotated[str | None, typer.Option(help="What has happened, in one sentence.", metavar="TEXT")] = None,
    failure: Annotated[bool, typer.Option("--failure", help="The event reports a refusal or a reversal.")] = False,
    origin: Annotated[
        Path | None,
        typer.Option(
            "--from",
            help="An event of others: a sample, a JSON Schema, or a document of EventBridge's schema registry.",
            metavar="FILE",
        ),
    ] = None,
    source: Annotated[str | None, typer.Option(help="With --from: its source.", metavar="TEXT")] = None,
    detail_type: Annotated[str | None, typer.Option(help="With --from: its detail-type.", metavar="TEXT")] = None,
    bus: Annotated[str | None, typer.Option(help="With --from: its bus, like default.", metavar="NAME")] = None,
) -> None:
    """Write a contract, add it to the registry, and test it.

    contradance create event BookLent --service loans --field loan_id:uuid --field reader:str:pii

    With --from, write the model of an event that others publish.

    contradance create event ObjectCreated --from sample.json
    """
    if origin is not None:
        _create_foreign(name, origin, source=source, detail_type=detail_type, bus=bus)
        return
    called = ask_unless_given(name, "Name of the event, in the past tense", "NAME", event_name)
    owner = ask_unless_given(service, "Service that publishes it", "--service", service_name)
    fields = field if field or name else ask_words("Fields, like loan_id:uuid reader:str:pii", "id:uuid")
    with _changing() as here:
        create_event(here, called, owner, fields or [], subject=subject, description=says, failure=failure)
    out.print(
        f"\n{called} has no publisher yet: return it from a function of {owner}, or publish one by hand:\n"
        f"  contradance events sample {called} | contradance events publish {called} --data -",
    )


def _create_foreign(
    name: str | None, document: Path, *, source: str | None, detail_type: str | None, bus: str | None
) -> None:
    """Write the model of an event of others from a sample or schema in a file; ask for a name that is missing."""
    called = ask_unless_given(name, "Name of the event's class", "NAME", event_name)
    text = text_of(f"@{document}", "--from")
    with _changing() as here:
        path = create_foreign_event(here, called, text, source=source, detail_type=detail_type, bus=bus)
        module = ".".join(path.with_suffix("").parts)
    out.print(f"\nConsume it: from {module} import {called}")


@create.command("subscriber")
@reporting
def subscriber_command(
    name: Annotated[str | None, typer.Argument(help="The handler: remind_reader.", metavar="NAME")] = None,
    *,
    service: ServiceOption = None,
    on: Annotated[
        list[str] | None,
        typer.Option(
            help="An event that it consumes; repeatable.", metavar="EVENT", autocompletion=completing(_event_names)
        ),
    ] = None,
    publishes: Publishes = None,
    queue: Annotated[
        bool, typer.Option("--queue", help="Deliver through a queue: more attempts, and a visible backlog.")
    ] = False,
    where: Annotated[
        str | None, typer.Option(help='Only events with these fields: {"city": ["Berlin"]}', metavar="JSON")
    ] = None,
) -> None:
    """Write a handler for one or more events, add it to the choreography, and test it.

    contradance create subscriber remind_reader --service reminders --on BookLent --publishes ReaderReminded
    """
    called = ask_unless_given(name, "Name of the handler", "NAME", function_name)
    owner = ask_unless_given(service, "Service that it belongs to", "--service", service_name)
    consumed = on or ask_words("Events that it consumes", None, "--on")
    with _changing() as here:
        create_subscriber(here, called, owner, consumed, publishes or [], queue=queue, where=where)


@create.command("schedule")
@reporting
def schedule_command(
    name: Annotated[str | None, typer.Argument(help="The handler: sum_up_day.", metavar="NAME")] = None,
    *,
    service: ServiceOption = None,
    every: Annotated[
        str | None,
        typer.Option("--on", help="rate(1 day), cron(0 12 * * ? *) or at(2027-01-31T12:00:00).", metavar="WHEN"),
    ] = None,
    timezone: Annotated[str, typer.Option(help="Time zone of a cron: Europe/Berlin.", metavar="ZONE")] = "UTC",
    publishes: Publishes = None,
) -> None:
    """Write a handler that runs at times, add it to the choreography, and test it.

    contradance create schedule sum_up_day --service loans --on "rate(1 day)"
    """
    called = ask_unless_given(name, "Name of the handler", "NAME", function_name)
    owner = ask_unless_given(service, "Service that it belongs to", "--service", service_name)
    when = ask_unless_given(every, "When, like rate(1 day)", "--on", str)
    with _changing() as here:
        create_schedule(here, called, owner, when, publishes=publishes or [], timezone=timezone)


@create.command("table")
@reporting
def table_command(
    name: Annotated[str | None, typer.Argument(help="The table, in the plural: loans.", metavar="NAME")] = None,
    *,
    service: ServiceOption = None,
    field: Fields = None,
    key: Annotated[
        list[str] | None,
        typer.Option(help="The field of the partition key; again for the sort key. Default: an id.", metavar="FIELD"),
    ] = None,
) -> None:
    """Write a table and the class of its items, in the tables module of its service.

    contradance create table loans --service loans --field loan_id:uuid --field reader:str:pii
    """
    called = ask_unless_given(name, "Name of the table, in the plural", "NAME", field_name)
    owner = ask_unless_given(service, "Service that owns it", "--service", service_name)
    with _changing() as here:
        create_table(here, called, owner, field or [], keys=key or [])


@create.command("route")
@reporting
def route_command(
    *,
    service: ServiceOption = None,
    name: Annotated[
        str | None,
        typer.Option(
            help="The handler; default: made of verb and path. Without --service: the service.", metavar="NAME"
        ),
    ] = None,
    path: Annotated[str | None, typer.Option(help="Like /loans/{loan_id}.", metavar="PATH")] = None,
    verb: Annotated[
        str | None, typer.Option("--verb", "-v", help=f"One of {', '.join(VERBS)}.", metavar="VERB")
    ] = None,
    field: Fields = None,
    publishes: Publishes = None,
    language: Language = "py",
) -> None:
    """Write a handler for requests, add it to the choreography, and test it.

    contradance create route --service loans --name lend_book --path /loans --verb post --publishes BookLent
    """
    _note_language(language)
    handler = None if service is None else name
    owner = ask_unless_given(service or name, "Service that it belongs to", "--service", service_name)
    at = ask_unless_given(path, "Path, like /loans/{loan_id}", "--path", str)
    method = ask_unless_given(verb, f"Verb: {', '.join(VERBS)}", "--verb", str)
    with _changing() as here:
        create_route(here, owner, at, method, name=handler, field_specs=field or [], publishes=publishes or [])


@create.command("topic")
@reporting
def topic_command(
    *,
    name: Annotated[str | None, typer.Option("--name", "-n", help="The event: book_lent.", metavar="NAME")] = None,
    subscribers: Annotated[
        list[str] | None,
        typer.Option(
            "--subscribers", "-s", help="Like reminder_service_remind_reader; more may follow.", metavar="NAME..."
        ),
    ] = None,
    more: Annotated[list[str] | None, typer.Argument(hidden=True)] = None,
    service: Annotated[
        str | None,
        typer.Option(
            help="The service that publishes it; default: the service that its name begins with.", metavar="NAME"
        ),
    ] = None,
    field: Fields = None,
    language: Language = "py",
) -> None:
    """Write an event and its subscribers in one step, from a topic name and subscriber names.

    A subscriber that already exists consumes one more event.

    contradance create topic --name book_lent --subscribers reminder_service_remind_reader
    """
    _note_language(language)
    called = ask_unless_given(name, "Name of the topic, like book_lent", "--name", _check_topic_name)
    wanted = [*(subscribers or []), *(more or [])]
    with _changing() as here:
        owner = create_topic(here, called, wanted, service=service, field_specs=field or [])
    out.print(f"{event_name(called)} is published by the service {owner}.")


@contextmanager
def _changing() -> Iterator[ProjectLayout]:
    """Yield the project, to plan changes in the block; then write and print all of them, none after an error."""
    project = the_project()
    complete_pending(project.root)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UnconsumedEvent)  # a new event has no subscriber yet
        here = read_layout(project)
        yield here
    formatted = paths_to_format(here.changes)
    here.changes.write()
    format_files(project.root, formatted)
    for path in sorted(path for path, text in here.changes.created.items() if text):
        out.print(f"created  {path}")
    for path in sorted(here.changes.edited):
        out.print(f"edited   {path}")


def _check_topic_name(name: str) -> None:
    """Raise `CannotCreate` unless a topic's name, like `book_lent`, can name an event."""
    event_name(name)


def _note_language(language: str) -> None:
    """Print a note when `language` is not `py`."""
    if language != "py":
        out.print(f"Contradance supports only Python: this is written in Python, not in {language}.")
