"""The article's words: a topic is an event, and its subscribers say their service in their names.

    contradance create topic --name book_lent --subscribers reminder_service_remind_reader loan_service_count

A subscriber that is there under another topic is the same function, which then consumes one more event.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

from contradance.errors import CannotCreate
from contradance.scaffold.event import create_event
from contradance.scaffold.naming import event_name, function_name, one_of, service_name, snake
from contradance.scaffold.place import Place
from contradance.scaffold.subscriber import create_subscriber, widen_subscriber

_BETWEEN: Final = "_service_"


class Subscriber(NamedTuple):
    """A subscriber, as the article names it."""

    service: str
    handler: str


def create_topic(
    place: Place,
    name: str,
    subscribers: Sequence[str] = (),
    *,
    service: str | None = None,
    asked: Sequence[str] = (),
) -> str:
    """Plan an event where there is none, and its subscribers; return the service that publishes it.

    Args:
        place: the project.
        name: `book_lent`.
        subscribers: like `reminder_service_remind_reader`, or `reminders.remind_reader`.
        service: who publishes it; found out from its name unless given.
        asked: fields of the event, where there is none.
    """
    called = event_name(name)
    wanted = [_subscriber(place, one) for one in subscribers]
    if called in place.events:
        event = place.events[called]
    else:
        owner = service or publisher_of(place, name, [one.service for one in wanted])
        event = create_event(place, name, owner, asked)
    for one in wanted:
        if place.function(*one) is None:
            create_subscriber(place, one.handler, one.service, [event.name])
        else:
            widen_subscriber(place, one.handler, one.service, event)
    return event.service


def publisher_of(place: Place, name: str, subscribing: Sequence[str] = ()) -> str:
    """Return the service whose name a topic's begins with: `loan_extended` is published by `loans`."""
    parts = snake(event_name(name)).split("_")
    beginnings = ["_".join(parts[:end]) for end in range(len(parts), 0, -1)]
    for beginning in beginnings:
        found = one_of([*place.services, *subscribing], beginning)
        if found is not None:
            return found
    known = ", ".join(place.services) or "none yet"
    raise CannotCreate(
        f"who publishes {name}? Its name begins with no service's. Services: {known}.\n  Say it: --service {parts[0]}"
    )


def _subscriber(place: Place, name: str) -> Subscriber:
    """Read a subscriber's name; a service that is there keeps its own spelling."""
    between = "." if "." in name else _BETWEEN
    service, found, handler = name.partition(between)
    if not found:
        raise CannotCreate(
            f"{name!r} does not say its service.\n  Name it like reminder_service_remind_reader, or reminders.remind_reader."
        )
    service_name(service)
    return Subscriber(one_of(place.services, service) or service, function_name(handler))
