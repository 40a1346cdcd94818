"""The content of the picture: a box for each function and event with an edge, and the arrows between them."""

from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from typing import Final, Literal

from contradance.catalog.paths import failure_path
from contradance.catalog.picture.text import width, wrapped
from contradance.choreography import AnyFunction, Choreography, Relied
from contradance.contract import Contract
from contradance.function import Schedule
from contradance.httproute import Route
from contradance.identity import Identity
from contradance.subscription import Subscription

BoxKind = Literal["route", "schedule", "function", "event", "foreign"]
"""`foreign`: an event of others."""
EVENTS: Final = ("event", "foreign")
"""The kinds of box that are events; the others are functions."""

LINE: Final = 15.0
"""Height of one line of text, in pixels."""
_SIZES: Final = {"name": 13.0, "handler": 12.0, "service": 11.0}
"""Font size of each style of text; names are bold."""
_LIMIT: Final = 80.0
"""Width above which a name is broken into lines, in pixels."""


@dataclass(frozen=True, slots=True)
class TextLine:
    """One line of a box's text."""

    text: str
    style: Literal["name", "handler", "service"]

    @property
    def size(self) -> float:
        """Font size of its style, in pixels."""
        return _SIZES[self.style]

    @property
    def width(self) -> float:
        """Width of the line in pixels, in its style."""
        return width(self.text, self.size, bold=self.style == "name")


@dataclass(frozen=True, slots=True)
class Box:
    """One function or event."""

    key: str
    """A function's name, or an event's identity: `library.loans/BookLent v1`."""
    kind: BoxKind
    lines: tuple[TextLine, ...]
    service: str
    failing: bool
    """Whether only the failure path leads to it."""
    forks: bool
    """Whether it publishes one of several events, or none."""
    about: str
    """For screen readers, and shown while the pointer is over the box."""


@dataclass(frozen=True, slots=True)
class Arrow:
    """From a function to an event that it publishes, or from an event to a function that consumes it."""

    tail: str
    head: str
    failing: bool


@dataclass(frozen=True, slots=True)
class DiagramContent:
    """The boxes and arrows of one choreography, without functions that neither consume nor publish."""

    name: str
    boxes: tuple[Box, ...]
    arrows: tuple[Arrow, ...]
    palette: tuple[str, ...]
    """The services of the whole choreography, in the order of their colours: a part has the colours of the whole."""
    function_count: int
    """Functions of the whole choreography, those without events included."""

    @property
    def services(self) -> list[str]:
        """The services of the functions here, in the order of their colours."""
        present = {box.service for box in self.boxes if box.kind not in EVENTS}
        return [service for service in self.palette if service in present]

    def of_service(self, service: str) -> "DiagramContent":
        """Return one service's part: its functions and events, and what they are directly connected with."""
        own = {box.key for box in self.boxes if box.service == service}
        return self._part(own, f"{self.name}: {service}")

    def around(self, keys: AbstractSet[str]) -> "DiagramContent":
        """Return the part with these boxes, and what they are directly connected with."""
        return self._part(keys, self.name)

    def _part(self, keys: AbstractSet[str], name: str) -> "DiagramContent":
        """Return the boxes of these keys and their neighbours, and the arrows between the two, under another name."""
        arrows = tuple(arrow for arrow in self.arrows if arrow.tail in keys or arrow.head in keys)
        shown = {*keys, *(end for arrow in arrows for end in (arrow.tail, arrow.head))}
        return replace(self, name=name, boxes=tuple(box for box in self.boxes if box.key in shown), arrows=arrows)


def diagram_content(choreography: Choreography) -> DiagramContent:
    """Return what the picture shows, without positions: boxes of connected functions and events, and their arrows."""
    failing = failure_path(choreography)
    connected = choreography.connected
    functions = [function for function in choreography.functions.values() if function.name in connected]
    contracts = sorted(
        dict.fromkeys(edge.contract for edge in choreography.edges), key=lambda contract: contract in failing.contracts
    )
    boxes = [_function(function, failing=function.name in failing.functions) for function in functions]
    boxes += [_event(choreography, contract, failing=contract in failing.contracts) for contract in contracts]
    boxes += map(_foreign, choreography.foreign)
    arrows = [Arrow(str(one.identity), name, failing=False) for one in choreography.foreign for name in one.consumers]
    for kind, function, contract in dict.fromkeys(choreography.edges):
        ends = (function, str(contract.identity))
        tail, head = ends if kind == "publishes" else ends[::-1]
        arrows.append(Arrow(tail, head, contract in failing.contracts))
    services = tuple(dict.fromkeys(function.service for function in functions))
    return DiagramContent(choreography.name, tuple(boxes), tuple(arrows), services, len(choreography.functions))


def event_title(identity: Identity) -> str:
    """Return `BookLent`, and `BookLent v2` for a later version."""
    return identity.detail_type if identity.version == 1 else f"{identity.detail_type} v{identity.version}"


def _function(function: AnyFunction, *, failing: bool) -> Box:
    """Return the box of a function: its trigger, name and service as lines, and a description in words."""
    handler, zone = function.name.partition(".")[2], ""
    match function.trigger:
        case Route(key=key):
            kind, begins = "route", key
        case Schedule(timetable=timetable):
            kind, begins = "schedule", timetable.expression
            zone = timetable.label.removeprefix(begins).strip()
        case _:
            kind, begins = "function", ""
    lines = [
        *([TextLine(begins, "name")] if kind == "schedule" else _lines(begins, "name")),
        *_lines(zone, "service"),
        *_lines(handler, "handler" if begins else "name"),
        TextLine(function.service, "service"),
        *(TextLine(mark, "service") for mark in _marks(function)),
    ]
    outcomes = len(function.publishes) + function.may_publish_nothing
    return Box(
        key=function.name,
        kind=kind,  # type: ignore[arg-type]  # a literal each
        lines=tuple(lines),
        service=function.service,
        failing=failing,
        forks=bool(function.publishes) and outcomes > 1,
        about=" ".join(_about_function(function, f"{begins} {zone}".strip(), failing=failing)),
    )


def _marks(function: AnyFunction) -> Iterator[str]:
    """Yield one text, such as `queued, where`, for a subscriber with a queue or a filter on data; else nothing."""
    trigger = function.trigger
    if isinstance(trigger, Subscription):
        marks = ["queued"] * (trigger.delivery == "queue") + ["where"] * _is_filtered(trigger)
        if marks:
            yield ", ".join(marks)


def _is_filtered(subscription: Subscription) -> bool:
    """Whether the rule compares fields of the data."""
    return '"data"' in subscription.pattern.canonical


def _event(choreography: Choreography, contract: type[Contract], *, failing: bool) -> Box:
    """Return the box of an event, with a note if it is an old version, and a description in words."""
    publishers = ", ".join(one.name for one in choreography.publishers(contract)) or "another application"
    consumers = ", ".join(one.name for one in choreography.consumers(contract))
    consumed = f"consumed by {consumers}" if consumers else "without a subscriber"
    newer = next((one for one in choreography.contracts if one.upcasts is contract), None)
    if newer is not None and not choreography.publishers(contract):
        publishers = f"what was deployed before {event_title(newer.identity)}"
    about = f"{contract.identity}: published by {publishers}, {consumed}."
    return Box(
        key=str(contract.identity),
        kind="event",
        lines=(*_lines(event_title(contract.identity), "name"), *_old(newer)),
        service=contract.identity.service,
        failing=failing,
        forks=False,
        about=f"{about} On the failure path." if failing else about,
    )


def _old(newer: type[Contract] | None) -> list[TextLine]:
    """Return the line that names the newer version of an old contract; none for None."""
    return [] if newer is None else [TextLine(f"old, now v{newer.identity.version}", "service")]


def _foreign(one: Relied) -> Box:
    """Return the box of an event of others, with its source and a description in words."""
    source, title, _ = one.identity
    return Box(
        key=str(one.identity),
        kind="foreign",
        lines=(*_lines(title, "name"), *_lines(source, "service")),
        service="",
        failing=False,
        forks=False,
        about=f"{one.identity}: from others, on {one.places}, consumed by {', '.join(one.consumers)}.",
    )


def _lines(text: str, style: Literal["name", "handler", "service"]) -> list[TextLine]:
    """Return a text in one style, broken into lines where it is wider than `_LIMIT`; none for an empty text."""
    return [TextLine(part, style) for part in wrapped(text, _SIZES[style], _LIMIT, bold=style == "name") if part]


def _about_function(function: AnyFunction, begins: str, *, failing: bool) -> Iterator[str]:
    """Yield sentences: name and route or schedule (`begins`), else attempts; events it publishes; failure path."""
    yield f"{function.name}: {begins}." if begins else f"{function.name}."
    if not begins:
        yield f"Up to {function.retry.times + 1} attempts{', through a queue' if function.delivery == 'queue' else ''}."
    published = [event_title(contract.identity) for contract in function.publishes]
    if published:
        yield f"Publishes {' or '.join([*published, *(['nothing'] if function.may_publish_nothing else [])])}."
    if failing:
        yield "Runs only on the failure path."
