"""A new subscriber: a handler in a module of its own, its place in the choreography, and a test."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from contradance.errors import CannotCreate
from contradance.scaffold.naming import function_name, service_name, words
from contradance.scaffold.place import Event, Place
from contradance.scaffold.published import Given, making
from contradance.scaffold.source import Source
from contradance.scaffold.template import fill


def create_subscriber(
    place: Place,
    name: str,
    service: str,
    on: Sequence[str],
    publishes: Sequence[str] = (),
    *,
    queue: bool = False,
) -> Path:
    """Plan a new subscriber, and return its file.

    Args:
        place: the project.
        name: of its handler: `remind_reader`.
        service: that it belongs to.
        on: the events it consumes, one or more.
        publishes: the events it may publish, of its own service.
        queue: whether a queue stands between rule and function.
    """
    consumed = _distinct(place.event(one) for one in on)
    published = _distinct(place.event(one) for one in publishes)
    path = new_function(place, service, name)
    check_own(place, service, published)
    made = making(published, Given("event", consumed)) if published else None
    source = Source(str(path), "import logging\n\n")
    for module, imported in (
        ("contradance", "subscriber"),
        *((one.module, one.name) for one in (*consumed, *published)),
        *(made.imports if made else ()),
    ):
        source = source.importing(module, imported)
    text = fill(
        "subscriber.py",
        options='delivery="queue"' if queue else "",
        handler=name,
        words=words(name),
        parameters=f"event: {_union(consumed)}" + (", delivery: Delivery" if made and made.takes_delivery else ""),
        returns=_union(published) or "None",
        publish=f"\n{made.text}" if made else "",
    )
    place.changes.create(path, source.appending(text).text)
    place.add_function(service, name)
    _add_tests(place, service, name, consumed, published)
    return path


def widen_subscriber(place: Place, name: str, service: str, event: Event) -> Path:
    """Plan that a subscriber that is there consumes one more event, and return the file of its handler."""
    path = place.file_of(f"{place.functions}.{service}.{name}")
    source = place.source(path)
    if "where" in source.decorator_keywords(name):
        raise CannotCreate(
            f"{service}.{name} ({path}) filters what it consumes with where=, so another event is to be added by hand.\n"
            f"  Write its filter as where={{{event.name}: {{...}}}}, and add {event.name} to its parameter."
        )
    named, target = source.names_in(name), name
    for called in named if len(named) == 1 else ():
        origin = source.bound().get(called, "")
        if origin is None:  # an alias of the same module
            target = called
        elif origin.partition(":")[0].startswith(place.functions) and called not in place.events:
            source, target = place.source(place.file_of(origin.partition(":")[0])), origin.partition(":")[2]
    if event.name not in source.names_in(target):
        place.edit(source.importing(event.module, event.name).widening(target, event.name))
        _add_tests(place, service, name, [event], [])
    return path


def new_function(place: Place, service: str, name: str) -> Path:
    """Return the file of a function that is not there yet, and make its service's folder."""
    service_name(service)
    function_name(name)
    if place.function(service, name) is not None:
        raise CannotCreate(
            f"there is a function {service}.{name} already, in {place.file_of(f'{place.functions}.{service}.{name}')}.\n"
            "  Edit it there, or choose another name."
        )
    path = place.file_of(f"{place.functions}.{service}.{name}")
    place.changes.ensure(path.parent / "__init__.py", "")
    return path


def check_own(place: Place, service: str, published: Sequence[Event]) -> None:
    """Refuse to publish another service's event."""
    for event in published:
        if event.service != service:
            raise CannotCreate(
                f"a function of {service!r} cannot publish {event.name}, which is published by the service "
                f"{event.service!r} (contract in {place.file_of(event.module)}).\n"
                f"  Create the function in {event.service!r}, or an event of {service!r}."
            )


def _add_tests(place: Place, service: str, name: str, consumed: Sequence[Event], published: Sequence[Event]) -> None:
    """Write one test for each event, in the function's own file of tests."""
    path = place.test_file(service, name)
    if not place.changes.exists(path):
        place.changes.create(path, "")
    source = place.source(path)
    for module, imported in (
        ("contradance.testing", "Run"),
        ("contradance.testing", "sample"),
        *((one.module, one.name) for one in (*consumed, *published[:1])),
    ):
        source = source.importing(module, imported)
    for event in consumed:
        test = fill(
            "test_subscriber.py",
            words=words(event.name).replace(" ", "_"),
            event=event.name,
            function=f"{service}.{name}",
            published=f"\n    run.assert_published({published[0].name})" if published else "",
        )
        source = source.appending(test)
    place.edit(source)


def _union(events: Iterable[Event]) -> str:
    return " | ".join(event.name for event in events)


def _distinct(events: Iterable[Event]) -> list[Event]:
    return list(dict.fromkeys(events))
