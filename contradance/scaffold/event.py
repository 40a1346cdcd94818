"""A new event: its contract, in the module of the service that publishes it, its place in the registry, and a test."""

from collections.abc import Sequence

from contradance.errors import CannotCreate
from contradance.scaffold.field import DEFAULT, fields, subject_of
from contradance.scaffold.naming import event_name, service_name, snake, words
from contradance.scaffold.place import Event, Place
from contradance.scaffold.source import Source
from contradance.scaffold.template import fill


def create_event(
    place: Place,
    name: str,
    service: str,
    asked: Sequence[str] = (),
    *,
    subject: str | None = None,
    says: str | None = None,
    failure: bool = False,
) -> Event:
    """Plan a new event.

    Args:
        place: the project.
        name: `BookLent` or `book_lent`.
        service: who publishes it.
        asked: its fields, as the command line takes them; an id alone where there is none.
        subject: the field that says what it is about.
        says: what has happened, in a sentence.
        failure: whether it says that something was refused or undone.
    """
    event = Event(event_name(name), f"{place.contracts}.{service_name(service)}", service, None)
    if event.name in place.events:
        raise CannotCreate(
            f"there is an event {event.name} already, in {place.file_of(place.events[event.name].module)}.\n"
            "  Edit it there; a change that breaks it is a new version of it."
        )
    holds = fields(asked, place.values) or [DEFAULT]
    about = subject_of(holds, subject)
    path = place.file_of(event.module)
    place.changes.ensure(path, f'"""The events of the {service} service."""\n\n')
    source = place.source(path)
    _check_free(source, event.name)
    for module, imported in (("contradance", "Contract"), *(one for field in holds for one in field.imports)):
        source = source.importing(module, imported)
    text = fill(
        "contract.py",
        event=event.name,
        source=f"{place.app}.{service}",
        subject=about.name,
        failure=", failure=True" if failure else "",
        says=_sentence(says or words(event.name)),
        fields="\n".join(field.line for field in holds),
    )
    place.edit(source.appending(text))
    _register(place, event)
    place.changes.create(
        place.test_file("contracts", snake(event.name)),
        fill("test_contract.py", event=event.name, module=event.module),
    )
    place.planned[event.name] = event
    return event


def _register(place: Place, event: Event) -> None:
    """Add the event to the registry's list, behind the others of its service."""
    registry, _ = place.registry
    source = place.source(place.file_of(registry)).importing(event.module, event.name)
    bound = source.bound()
    near = [one for one in source.items("Registry", None) if (bound.get(one) or "").startswith(f"{event.module}:")]
    place.edit(source.listing("Registry", None, event.name, near[-1] if near else None))


def _check_free(source: Source, name: str) -> None:
    if name in source.bound():
        raise CannotCreate(
            f"{source.path} has a {name} that the registry does not list.\n  List it there, or choose another name."
        )


def _sentence(text: str) -> str:
    """Return text as the first line of a docstring."""
    line = " ".join(text.replace("\\", "").replace('"', "'").split())
    return line[:1].upper() + line[1:] + ("" if line.endswith((".", "!", "?")) else ".")
