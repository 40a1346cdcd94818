"""Creates an event: its contract, in the module of the service that publishes it, a registry entry, and a test."""

import re
from collections.abc import Sequence

from contradance.errors import CannotCreate
from contradance.scaffold.field_spec import DEFAULT, choose_subject, parse_fields
from contradance.scaffold.layout import EventRef, ProjectLayout
from contradance.scaffold.naming import event_name, service_name, snake, words
from contradance.scaffold.template import fill_template


def create_event(
    layout: ProjectLayout,
    name: str,
    service: str,
    field_specs: Sequence[str] = (),
    *,
    subject: str | None = None,
    description: str | None = None,
    failure: bool = False,
) -> EventRef:
    """Plan a new event: contract, entry in the registry and test; raise `CannotCreate` for a name that is taken.

    Args:
        layout: the project.
        name: `BookLent` or `book_lent`.
        service: the service that publishes it.
        field_specs: its fields, in the form of the command line; a single id if empty.
        subject: the field that identifies the entity; chosen from the fields if None.
        description: what has happened, in one sentence; made from the name if None.
        failure: whether it reports that something was refused or undone.
    """
    event = EventRef(event_name(name), f"{layout.contracts_package}.{service_name(service)}", service, None)
    if event.name in layout.events:
        raise CannotCreate(
            f"the event {event.name} already exists, in {layout.file_of(layout.events[event.name].module)}.\n"
            "  Edit it there; a breaking change needs a new version."
        )
    _refuse_version(layout, event.name)
    fields = parse_fields(field_specs, layout.value_types) or [DEFAULT]
    about = choose_subject(fields, subject)
    path = layout.file_of(event.module)
    layout.changes.ensure(path, f'"""The events of the {service} service."""\n\n')
    source = layout.source(path)
    if event.name in source.bindings():
        raise CannotCreate(
            f"{path} defines {event.name}, but the registry does not list it.\n"
            "  Add it to the registry, or choose another name."
        )
    imports = [one for field in fields for one in field.imports if one[0] != event.module]
    source = source.with_imports([("contradance", "Contract"), *imports])
    text = fill_template(
        "contract.py",
        event=event.name,
        source=f"{layout.app}.{service}",
        subject=about.name,
        failure=", failure=True" if failure else "",
        docstring=_as_sentence(description or words(event.name)),
        fields="\n".join(field.line for field in fields),
    )
    layout.edit(source.with_code(text))
    _add_to_registry(layout, event)
    layout.changes.create(
        layout.test_file("contracts", snake(event.name)),
        fill_template("test_contract.py", event=event.name, module=event.module),
    )
    layout.planned[event.name] = event
    return event


def _refuse_version(layout: ProjectLayout, name: str) -> None:
    """Raise `CannotCreate` for a name like `BookLentV2` beside an event `BookLent`: versions are written by hand."""
    looks = re.fullmatch(r"(\w+)V(\d+)", name)
    if looks and looks[1] in layout.events:
        raise CannotCreate(
            f"{name} looks like version {looks[2]} of {looks[1]}.\n"
            f"  Write the class by hand: class {name}(Contract, ..., version={looks[2]}, upcasts={looks[1]}); see the page "
            "docs/how-to/evolve.md."
        )


def _add_to_registry(layout: ProjectLayout, event: EventRef) -> None:
    """Plan the event's entry in the registry's list, after the others of its service, and its import."""
    registry, _ = layout.registry
    source = layout.source(layout.file_of(registry)).with_import(event.module, event.name)
    layout.add_to_list(source, "Registry", None, event.name, f"{event.module}:")


def _as_sentence(text: str) -> str:
    """Return text as a docstring's first line: with a capital letter and a full stop, in one line."""
    line = " ".join(text.replace("\\", "").replace('"', "'").split())
    return line[:1].upper() + line[1:] + ("" if line.endswith((".", "!", "?")) else ".")
