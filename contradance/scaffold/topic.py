"""Creates events and subscribers in the article's terms: a topic is an event, and a subscriber's name holds its service.

    contradance create topic --name book_lent --subscribers reminder_service_remind_reader loan_service_count

A subscriber that already exists for another topic is the same function, which then consumes one more event.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

from contradance.errors import CannotCreate
from contradance.scaffold.event import create_event
from contradance.scaffold.layout import ProjectLayout
from contradance.scaffold.naming import event_name, find_service, function_name, service_name, snake
from contradance.scaffold.subscriber import create_subscriber, widen_subscriber

_SEPARATOR: Final = "_service_"


class SubscriberName(NamedTuple):
    """The two parts of a subscriber's name."""

    service: str
    handler: str


def create_topic(
    layout: ProjectLayout,
    name: str,
    subscribers: Sequence[str] = (),
    *,
    service: str | None = None,
    field_specs: Sequence[str] = (),
) -> str:
    """Plan an event, unless it exists, and that new or existing subscribers consume it; return its service.

    Args:
        layout: the project.
        name: `book_lent`.
        subscribers: like `reminder_service_remind_reader`, or `reminders.remind_reader`.
        service: the service that publishes it; derived from its name if None.
        field_specs: fields of a new event.
    """
    class_name = event_name(name)
    wanted = [_parse_subscriber(layout, one) for one in subscribers]
    if class_name in layout.events:
        event = layout.events[class_name]
    else:
        owner = service or publisher_of(layout, name, [one.service for one in wanted])
        event = create_event(layout, name, owner, field_specs)
    for one in wanted:
        if ".".join(one) in layout.choreography.functions:
            widen_subscriber(layout, one.handler, one.service, event)
        else:
            create_subscriber(layout, one.handler, one.service, [event.name])
    return event.service


def publisher_of(layout: ProjectLayout, name: str, subscribing: Sequence[str] = ()) -> str:
    """Return the service whose name begins a topic's: `loans` for `loan_extended`; else raise `CannotCreate`."""
    parts = snake(event_name(name)).split("_")
    for end in range(len(parts), 0, -1):
        found = find_service([*layout.services, *subscribing], "_".join(parts[:end]))
        if found is not None:
            return found
    known = ", ".join(layout.services) or "none yet"
    raise CannotCreate(
        f"the name {name} does not begin with the name of a service, so its publisher is unknown. Services: {known}.\n"
        f"  Name the publisher, like --service {parts[0]}."
    )


def _parse_subscriber(layout: ProjectLayout, name: str) -> SubscriberName:
    """Parse `reminder_service_remind_reader` (also for a service `reminders`) or `reminders.remind_reader`."""
    service, separator, handler = name.partition("." if "." in name else _SEPARATOR)
    if not separator:
        raise CannotCreate(
            f"{name!r} does not name its service.\n  Write it like reminder_service_remind_reader, or reminders.remind_reader."
        )
    service_name(service)
    return SubscriberName(find_service(layout.services, service) or service, function_name(handler))
