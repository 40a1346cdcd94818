"""`contradance new` and `contradance create ...`: a new project, and new parts of a project.

One module, because the commands share their questions and the way in which changes are written.
"""

import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from contradance.cli.command import completing, reporting, the_project
from contradance.cli.theme import err, out
from contradance.errors import CannotCreate, UnconsumedEvent
from contradance.scaffold.changes import complete_pending
from contradance.scaffold.event import create_event
from contradance.scaffold.field_spec import FIELD_TYPES, FORM
from contradance.scaffold.formatting import format_files, paths_to_format
from contradance.scaffold.fresh import create_project
from contradance.scaffold.layout import ProjectLayout, read_layout
from contradance.scaffold.naming import app_name, event_name, function_name, service_name
from contradance.scaffold.route import VERBS, create_route
from contradance.scaffold.subscriber import create_subscriber
from contradance.scaffold.topic import create_topic

create = typer.Typer(
    help="Write a new part of the project, with a test beside it, and list it where it belongs.\n\n"
    "Nothing is overwritten, and a command that fails or is interrupted writes nothing. "
    "On a terminal, missing values are asked for.",
    no_args_is_help=True,
)


def _service_names() -> list[str]:
    return list(the_project().choreography().services)


def _event_names() -> list[str]:
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


@reporting
def new(
    name: Annotated[str | None, typer.Argument(help="The project's name or path: ../my-library.")] = None,
    *,
    empty: Annotated[bool, typer.Option("--empty", help="Leave out the example.")] = False,
) -> None:
    """Create a new project: a route, an event, a subscriber, and their tests.

    It has its own folder and includes this version of contradance, so `make run` and `make test` work at once.
    """
    where = Path(_asked(name, "Name of the project", "NAME", lambda path: app_name(Path(path).name)))
    folder = create_project(where.parent, where.name, empty=empty)
    out.print(f"Created {folder}/. Now:\n\n  cd {folder}\n  make test\n  make run\n")
    out.print(f"{folder / 'README.md'} describes the files and the next steps.")


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
) -> None:
    """Write a contract, add it to the registry, and test it.

    contradance create event BookLent --service loans --field loan_id:uuid --field reader:str:pii
    """
    called = _asked(name, "Name of the event, in the past tense", "NAME", event_name)
    owner = _asked(service, "Service that publishes it", "--service", service_name)
    asked = field if field or name else _several("Fields, like loan_id:uuid reader:str:pii", "id:uuid")
    with _changing() as here:
        create_event(here, called, owner, asked or [], subject=subject, description=says, failure=failure)
    out.print(
        f"\n{called} has no publisher yet: return it from a function of {owner}, or publish one by hand:\n"
        f"  contradance events sample {called} | contradance events publish {called} --data -",
    )


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
) -> None:
    """Write a handler for one or more events, add it to the choreography, and test it.

    contradance create subscriber remind_reader --service reminders --on BookLent --publishes ReaderReminded
    """
    called = _asked(name, "Name of the handler", "NAME", function_name)
    owner = _asked(service, "Service that it belongs to", "--service", service_name)
    consumed = on or _several("Events that it consumes", None, "--on")
    with _changing() as here:
        create_subscriber(here, called, owner, consumed, publishes or [], queue=queue)


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
    owner = _asked(service or name, "Service that it belongs to", "--service", service_name)
    at = _asked(path, "Path, like /loans/{loan_id}", "--path", str)
    method = _asked(verb, f"Verb: {', '.join(VERBS)}", "--verb", str)
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
    called = _asked(name, "Name of the topic, like book_lent", "--name", _check_topic_name)
    wanted = [*(subscribers or []), *(more or [])]
    with _changing() as here:
        owner = create_topic(here, called, wanted, service=service, field_specs=field or [])
    out.print(f"{event_name(called)} is published by the service {owner}.")


@contextmanager
def _changing() -> Iterator[ProjectLayout]:
    """Yield the project for planning changes; then write all of them or none, and list the files."""
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


def _asked(given: str | None, question: str, option: str, check: Callable[[str], object]) -> str:
    """Return a given value, or ask for it on a terminal; without a terminal, name the missing option."""
    if given is not None:
        check(given)
        return given
    if not sys.stdin.isatty():
        raise typer.BadParameter("it is missing.", param_hint=option)
    while True:
        answer: str = typer.prompt(question)
        try:
            check(answer)
        except CannotCreate as refusal:
            err.print(str(refusal), style="red")
        else:
            return answer


def _several(question: str, default: str | None, option: str | None = None) -> Sequence[str]:
    """Ask for several words on a terminal; without one, return none, or name the missing option."""
    if not sys.stdin.isatty():
        if option is None:
            return []
        raise typer.BadParameter("it is missing.", param_hint=option)
    return str(typer.prompt(f"{question}, with spaces between", default=default)).split()


def _check_topic_name(name: str) -> None:
    """Raise `CannotCreate` unless a topic's name, like `book_lent`, can name an event."""
    event_name(name)


def _note_language(language: str) -> None:
    """Print a note when another language than Python was requested."""
    if language != "py":
        out.print(f"Contradance supports only Python: this is written in Python, not in {language}.")
