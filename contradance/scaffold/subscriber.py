"""Creates a subscriber: a handler in its own module, an entry in the choreography, and a test."""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path

from contradance.catalog.sample import sample
from contradance.contentfilter import checked_filters
from contradance.errors import CannotCreate
from contradance.pattern import EventPattern
from contradance.scaffold.event_code import DELIVERY, HandlerInput, event_code
from contradance.scaffold.expression import Code
from contradance.scaffold.layout import EventRef, ProjectLayout
from contradance.scaffold.naming import function_name, service_name, words
from contradance.scaffold.source import Source
from contradance.scaffold.template import fill_template
from contradance.wire import to_wire


def create_subscriber(
    layout: ProjectLayout,
    name: str,
    service: str,
    on: Sequence[str],
    publishes: Sequence[str] = (),
    *,
    queue: bool = False,
    where: str | None = None,
) -> Path:
    """Plan a new subscriber: its file, which is returned, its tests, and its entry in the choreography's list.

    Args:
        layout: the project.
        name: the handler's name, like `remind_reader`.
        service: the service it belongs to.
        on: the events it consumes, at least one.
        publishes: the events it may publish, of its own service.
        queue: whether a queue is between rule and function.
        where: a content filter over the event's data, as JSON.
    """
    consumed = list(dict.fromkeys(layout.event(one) for one in on))
    published = list(dict.fromkeys(layout.event(one) for one in publishes))
    path = new_function(layout, service, name)
    check_publishes(layout, service, published)
    code = event_code(published, HandlerInput("event", consumed)) if published else Code("")
    imports = [("contradance", "subscriber"), *(one.origin for one in (*consumed, *published)), *sorted(code.imports)]
    source = Source(str(path), "import logging\n\n").with_imports(imports)
    options = ['delivery="queue"'] if queue else []
    options += [] if where is None else [f"where={_filter(consumed, where)}"]
    text = fill_template(
        "subscriber.py",
        options=", ".join(options),
        handler=name,
        words=words(name),
        parameters=f"event: {_union(consumed)}" + (", delivery: Delivery" if DELIVERY in code.imports else ""),
        returns=_union(published) or "None",
        publish=f"\n{code.text}" if published else "",
    )
    layout.changes.create(path, source.with_code(text).text)
    layout.add_function(service, name)
    _add_tests(layout, service, name, consumed, published, where=where)
    return path


def _filter(consumed: Sequence[EventRef], where: str) -> str:
    """Return the JSON of --where as Python source; raise `CannotCreate` for other text, or for several events.

    Raises:
        CannotCreate: it is not a JSON object, or filters several events.
        InvalidFunction: it is not a pattern over the event's fields.
    """
    try:
        found = json.loads(where)
    except (ValueError, RecursionError) as error:
        raise CannotCreate(
            f'--where is not JSON: {error}.\n  Write it like --where \'{{"city": ["Berlin"]}}\'.'
        ) from error
    if len(consumed) != 1 or not isinstance(found, dict):
        raise CannotCreate(
            "--where filters one event by its fields.\n  For several events, write where={TheEvent: {...}} by hand."
        )
    contract = consumed[0].contract
    if contract is not None:
        checked_filters("the new subscriber", (contract,), found)
    return repr(found)


def _passes(event: EventRef, where: str) -> bool:
    """Whether the example of an event passes a filter; False for a planned event, which has no example yet."""
    if event.contract is None:
        return False
    return EventPattern(json.loads(where)).matches(json.loads(to_wire(sample(event.contract))))


def widen_subscriber(layout: ProjectLayout, name: str, service: str, event: EventRef) -> Path:
    """Plan that a subscriber consumes one more event, return its file; raise `CannotCreate` if it has `where=`."""
    path = layout.file_of(f"{layout.functions_package}.{service}.{name}")
    source = layout.source(path)
    if "where" in source.decorator_keywords(name):
        raise CannotCreate(
            f"{service}.{name} ({path}) filters its events with where=, so another event must be added by hand.\n"
            f"  Write its filter as where={{{event.name}: {{...}}}}, and add {event.name} to its parameter."
        )
    source, target = _union_to_widen(layout, source, name)
    if event.name not in source.union_names(target):
        layout.edit(source.with_import(event.module, event.name).with_union_member(target, event.name))
        _add_tests(layout, service, name, [event], [])
    return path


def _union_to_widen(layout: ProjectLayout, source: Source, handler: str) -> tuple[Source, str]:
    """Return (module, name) of the type alias that annotates a handler's event; without an alias, of the handler."""
    names = source.union_names(handler)
    if len(names) != 1:
        return source, handler
    origin = source.bindings().get(names[0], "")
    if origin is None:
        return source, names[0]
    module, _, alias = origin.partition(":")
    if module.startswith(f"{layout.functions_package}.") and names[0] not in layout.events:
        return layout.source(layout.file_of(module)), alias
    return source, handler


def new_function(layout: ProjectLayout, service: str, name: str) -> Path:
    """Return the file of a new function, plan its service's folder; raise `CannotCreate` if invalid or taken."""
    service_name(service)
    function_name(name)
    path = layout.file_of(f"{layout.functions_package}.{service}.{name}")
    if f"{service}.{name}" in layout.choreography.functions:
        raise CannotCreate(
            f"the function {service}.{name} already exists, in {path}.\n  Edit it there, or choose another name."
        )
    layout.changes.ensure(path.parent / "__init__.py", "")
    return path


def check_publishes(layout: ProjectLayout, service: str, published: Sequence[EventRef]) -> None:
    """Raise `CannotCreate` for an event of another service than `service`, whose function would publish it."""
    for event in published:
        if event.service != service:
            raise CannotCreate(
                f"a function of {service!r} cannot publish {event.name}, an event of the service {event.service!r} "
                f"(contract in {layout.file_of(event.module)}).\n"
                f"  Create the function in {event.service!r}, or create an event of {service!r}."
            )


def _add_tests(
    layout: ProjectLayout,
    service: str,
    name: str,
    consumed: Sequence[EventRef],
    published: Sequence[EventRef],
    *,
    where: str | None = None,
) -> None:
    """Plan one test for each consumed event, in the function's test module."""
    path = layout.test_file(service, name)
    if not layout.changes.exists(path):
        layout.changes.create(path, "")
    used = [("contradance.testing", "Run"), ("contradance.testing", "sample")]
    source = layout.source(path).with_imports([*used, *(one.origin for one in (*consumed, *published[:1]))])
    for event in consumed:
        passes = where is None or _passes(event, where)
        test = fill_template(
            "test_subscriber.py" if passes else "test_filtered.py",
            words=words(event.name).replace(" ", "_"),
            event=event.name,
            function=f"{service}.{name}",
            published=f"\n    run.assert_published({published[0].name})" if published else "",
        )
        source = source.with_code(test)
    layout.edit(source)


def _union(events: Iterable[EventRef]) -> str:
    """Return the events' class names as a union: `BookLent | BookReturned`."""
    return " | ".join(event.name for event in events)
