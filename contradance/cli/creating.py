"""`contradance new` and `contradance create ...`: a project, and new parts of one.

One module, because the commands share their questions and the one way in which changes are made; each is its options.
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
from contradance.scaffold.changes import finish
from contradance.scaffold.event import create_event
from contradance.scaffold.field import FORM, KINDS
from contradance.scaffold.formatting import format_files, to_format
from contradance.scaffold.fresh import create_project
from contradance.scaffold.naming import app_name, event_name, function_name, service_name
from contradance.scaffold.place import Place, place
from contradance.scaffold.route import VERBS, create_route
from contradance.scaffold.subscriber import create_subscriber
from contradance.scaffold.topic import create_topic

create = typer.Typer(
    help="Write a new part of the project, with a test beside it, and list it where it belongs.\n\n"
    "Nothing is ever overwritten, and a command that is refused or interrupted has written nothing. "
    "On a terminal, what is not said is asked.",
    no_args_is_help=True,
)


def _service_names() -> list[str]:
    return list(the_project().choreography().services)


def _event_names() -> list[str]:
    return [contract.__name__ for contract in the_project().choreography().contracts]


ServiceOption = Annotated[
    str | None,
    typer.Option(
        help="The service it belongs to: a folder of functions.",
        metavar="NAME",
        autocompletion=completing(_service_names),
    ),
]
Fields = Annotated[
    list[str] | None,
    typer.Option(
        "--field",
        help=f"A field; may be given again. Types: {', '.join(KINDS)}, and your own values. 'pii' marks personal data.",
        metavar=FORM,
    ),
]
Publishes = Annotated[
    list[str] | None,
    typer.Option(
        help="An event it publishes; may be given again.", metavar="EVENT", autocompletion=completing(_event_names)
    ),
]
Language = Annotated[str, typer.Option("--language", "-l", hidden=True)]


@reporting
def new(
    name: Annotated[str | None, typer.Argument(help="The project's name, or where it is made: ../my-library.")] = None,
    *,
    empty: Annotated[bool, typer.Option("--empty", help="Leave out the example.")] = False,
) -> None:
    """Make a new project: a route, an event, a subscriber, and their tests.

    It lies in a folder of its own, and carries the contradance that made it, so `make run` and `make test` work at once.
    """
    where = Path(_asked(name, "Name of the project", "NAME", lambda path: app_name(Path(path).name)))
    folder = create_project(where.parent, where.name, empty=empty)
    out.print(f"Made {folder}/. Now:\n\n  cd {folder}\n  make test\n  make run\n", markup=False)
    out.print(f"{folder / 'README.md'} says what is where, and what to do next.", markup=False)


@create.command("event")
@reporting
def event_command(
    name: Annotated[str | None, typer.Argument(help="The event, in the past tense: BookLent.", metavar="NAME")] = None,
    *,
    service: Annotated[str | None, typer.Option(help="The service that publishes it.", metavar="NAME")] = None,
    field: Fields = None,
    subject: Annotated[
        str | None,
        typer.Option(help="The field that says what it is about; the first id, unless given.", metavar="FIELD"),
    ] = None,
    says: Annotated[str | None, typer.Option(help="What has happened, in a sentence.", metavar="TEXT")] = None,
    failure: Annotated[bool, typer.Option("--failure", help="It says that something was refused or undone.")] = False,
) -> None:
    """Write a contract, add it to the registry, and test it.

    contradance create event BookLent --service loans --field loan_id:uuid --field reader:str:pii
    """
    called = _asked(name, "Name of the event, in the past tense", "NAME", event_name)
    owner = _asked(service, "Service that publishes it", "--service", service_name)
    asked = field if field or name else _several("Fields, like loan_id:uuid reader:str:pii", "id:uuid")
    with _changing() as here:
        create_event(here, called, owner, asked or [], subject=subject, says=says, failure=failure)
    out.print(
        f"\nNobody publishes {called} yet: return it from a function of {owner}, or publish one by hand:\n"
        f"  contradance events sample {called} | contradance events publish {called} --data -",
        markup=False,
    )


@create.command("subscriber")
@reporting
def subscriber_command(
    name: Annotated[str | None, typer.Argument(help="Its handler: remind_reader.", metavar="NAME")] = None,
    *,
    service: ServiceOption = None,
    on: Annotated[
        list[str] | None,
        typer.Option(
            help="An event it consumes; may be given again.", metavar="EVENT", autocompletion=completing(_event_names)
        ),
    ] = None,
    publishes: Publishes = None,
    queue: Annotated[
        bool, typer.Option("--queue", help="Put a queue before it: more attempts, and a backlog one can see.")
    ] = False,
) -> None:
    """Write a handler for one or more events, add it to the choreography, and test it.

    contradance create subscriber remind_reader --service reminders --on BookLent --publishes ReaderReminded
    """
    called = _asked(name, "Name of its handler", "NAME", function_name)
    owner = _asked(service, "Service it belongs to", "--service", service_name)
    consumed = on or _several("Events it consumes", None, "--on")
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
            help="Its handler; made of verb and path, unless given. Without --service: the service.", metavar="NAME"
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
    """Write a handler of requests, add it to the choreography, and test it.

    contradance create route --service loans --name lend_book --path /loans --verb post --publishes BookLent
    """
    _say_language(language)
    handler = None if service is None else name
    owner = _asked(service or name, "Service it belongs to", "--service", service_name)
    at = _asked(path, "Path, like /loans/{loan_id}", "--path", str)
    method = _asked(verb, f"Verb: {', '.join(VERBS)}", "--verb", str)
    with _changing() as here:
        create_route(here, owner, at, method, name=handler, asked=field or [], publishes=publishes or [])


@create.command("topic")
@reporting
def topic_command(
    *,
    name: Annotated[str | None, typer.Option("--name", "-n", help="The event: book_lent.", metavar="NAME")] = None,
    subscribers: Annotated[
        list[str] | None,
        typer.Option(
            "--subscribers", "-s", help="Like reminder_service_remind_reader; several may follow.", metavar="NAME..."
        ),
    ] = None,
    more: Annotated[list[str] | None, typer.Argument(hidden=True)] = None,
    service: Annotated[
        str | None,
        typer.Option(help="Who publishes it; the service that its name begins with, unless given.", metavar="NAME"),
    ] = None,
    field: Fields = None,
    language: Language = "py",
) -> None:
    """Write an event and its subscribers at once, in the words of the article that this project grew from.

    A subscriber that is there already consumes one more event.

    contradance create topic --name book_lent --subscribers reminder_service_remind_reader
    """
    _say_language(language)
    called = _asked(name, "Name of the topic, like book_lent", "--name", _topic_name)
    wanted = [*(subscribers or []), *(more or [])]
    with _changing() as here:
        owner = create_topic(here, called, wanted, service=service, asked=field or [])
    out.print(f"{event_name(called)} is published by the service {owner}.", markup=False)


@contextmanager
def _changing() -> Iterator[Place]:
    """Give the project to whoever plans changes to it; then make them, all or none, and say which."""
    project = the_project()
    finish(project.root)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UnconsumedEvent)  # a choreography that is being written has loose ends
        here = place(project)
        yield here
    formatted = to_format(here.changes)
    here.changes.write()
    format_files(project.root, formatted)
    for path in sorted(path for path, text in here.changes.created.items() if text):
        out.print(f"created  {path}", markup=False)
    for path in sorted(here.changes.edited):
        out.print(f"edited   {path}", markup=False)


def _asked(given: str | None, question: str, option: str, check: Callable[[str], str]) -> str:
    """Return what was given, or what is answered to a question; where nobody can answer, say what to give."""
    if given is not None:
        check(given)
        return given
    if not sys.stdin.isatty():
        raise typer.BadParameter("it is missing, and nobody is here to be asked.", param_hint=option)
    while True:
        answer: str = typer.prompt(question)
        try:
            check(answer)
        except CannotCreate as refusal:
            err.print(str(refusal), style="red", markup=False)
        else:
            return answer


def _several(question: str, default: str | None, option: str | None = None) -> Sequence[str]:
    """Return the words that are answered to a question."""
    if not sys.stdin.isatty():
        if option is None:
            return []
        raise typer.BadParameter("it is missing, and nobody is here to be asked.", param_hint=option)
    return str(typer.prompt(f"{question}, with spaces between", default=default)).split()


def _topic_name(name: str) -> str:
    event_name(name)
    return name


def _say_language(language: str) -> None:
    if language != "py":
        out.print(f"Contradance speaks Python alone, so this is written in Python, not in {language}.", markup=False)
