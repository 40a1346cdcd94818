"""Writes a generated project: a choreography of any size, as an author would write it, a module for each function.

Ten services, each with one route that begins a flow. Every other event is published by a subscriber of an earlier event.
Half of the publishers publish one of two events. Some events are failures, and some functions write a table.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

_SERVICES: Final = (
    *("loans", "returns", "readers", "reminders", "fines"),
    *("catalogue", "branches", "payments", "shelves", "couriers"),
)
_FAILURE_EVERY: Final = 7
_TABLE_EVERY: Final = 3
_CHOICE_EVERY: Final = 2


class Size(NamedTuple):
    """How large a choreography is."""

    subscribers: int
    events: int


SIZES: Final = (Size(75, 30), Size(150, 70), Size(300, 150))
QUICK_SIZES: Final = (Size(20, 10), Size(40, 20))

_PYPROJECT: Final = """[project]
name = "scale"
version = "0"

[tool.contradance]
choreography = "functions.choreography:scale"
contracts = "scale_contracts.registry:registry"
"""
_CONTRACT: Final = '''
class Event{number:03}(Contract, source="scale.{service}", subject="item_id"{failure}):
    """Event number {number} happened to an item."""

    item_id: UUID = Field(description="The item.", examples=["6f1c1a3e-58d6-4b0c-9d0e-0f6a4b6c2a11"])
    reader: str = Field(min_length=1, max_length=64, description="Who has it.", examples=["ada"])
    count: int = Field(ge=0, description="How often.", examples=[3])
    happened_at: AwareDatetime = Field(description="When it happened.", examples=["2026-01-31T18:00:02Z"])
'''
_TABLE: Final = '''"""The table of the service."""

from contradance import Table, Value


class Kept(Value):
    """One row."""

    item_id: str
    count: int


kept = Table("kept", key=("item_id",), model=Kept, service="{service}")
'''
_SUBSCRIBER: Final = '''"""One subscriber."""

import logging
{imports}
logger = logging.getLogger(__name__)


@subscriber({uses})
def {name}(event: {consumed}) -> {returned}:
    """Handle one event."""
    logger.info("Handling item %s of %s", event.item_id, event.reader)
    total = 0
    for step in range(3):
        total += step if event.count > step else 1
    if total > event.count:
        logger.info("Counted %s", total)
{body}'''
_ROUTE: Final = '''"""One route."""

from datetime import UTC, datetime
from uuid import UUID, uuid4

from pydantic import BaseModel

from contradance import Reply, route
from scale_contracts.{service} import {event}


class Asked(BaseModel):
    """The request."""

    reader: str


class Answered(BaseModel):
    """The response."""

    item_id: UUID


@route("POST /{service}", status=201)
def begin(asked: Asked) -> Reply[Answered, {event}]:
    """Begin a flow."""
    item = uuid4()
    event = {event}(item_id=item, reader=asked.reader, count=1, happened_at=datetime.now(UTC))
    return Reply(Answered(item_id=item), publishes=event)
'''


def write_project(folder: Path, size: Size) -> None:
    """Write the generated project of this size into `folder`."""
    for path, text in _files(size):
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")


def _service(number: int) -> str:
    return _SERVICES[number % len(_SERVICES)]


def _files(size: Size) -> Iterator[tuple[str, str]]:
    """Yield the path and the text of each file."""
    yield "pyproject.toml", _PYPROJECT
    yield "contracts/scale_contracts/__init__.py", ""
    yield "functions/__init__.py", ""
    for place, service in enumerate(_SERVICES):
        numbers = range(place, size.events, len(_SERVICES))
        yield f"contracts/scale_contracts/{service}.py", _contracts(service, numbers)
        yield f"functions/{service}/__init__.py", ""
        yield f"functions/{service}/tables.py", _TABLE.format(service=service)
        yield f"functions/{service}/begin.py", _ROUTE.format(service=service, event=_event(place))
    for number in range(size.subscribers):
        yield f"functions/{_service(number)}/{_handler(number)}.py", _subscriber(size, number)
    yield "contracts/scale_contracts/registry.py", _registry(size)
    yield "functions/choreography.py", _choreography(size)


def _event(number: int) -> str:
    return f"Event{number:03}"


def _handler(number: int) -> str:
    return f"handle_{number:03}"


def _contracts(service: str, numbers: range) -> str:
    """Return the module of a service's contracts."""
    classes = (
        _CONTRACT.format(number=one, service=service, failure="" if one % _FAILURE_EVERY else ", failure=True")
        for one in numbers
    )
    imports = "from uuid import UUID\n\nfrom pydantic import AwareDatetime, Field\n\nfrom contradance import Contract\n"
    return f'"""The events of {service}."""\n\n{imports}\n' + "\n".join(classes)


def _published(size: Size, number: int) -> list[int]:
    """Return the numbers of the events that subscriber `number` publishes: none, one, or one of two."""
    first = number + len(_SERVICES)  # an event belongs to its publisher's service
    second = first + len(_SERVICES)
    events = (first, second) if number % _CHOICE_EVERY == 0 else (first,)
    return [event for event in events if event < size.events]


def _consumed(size: Size, number: int) -> int:
    """Return the number of the event that subscriber `number` consumes: an earlier one than it publishes, if it does."""
    first = number + len(_SERVICES)
    return first // 2 if first < size.events else (size.events - 1 - number) % size.events


def _subscriber(size: Size, number: int) -> str:
    """Return the module of one subscriber."""
    consumed, published = _consumed(size, number), _published(size, number)
    keeps = number % _TABLE_EVERY == 0
    names: dict[str, list[str]] = {}
    for event in (consumed, *published):
        names.setdefault(f"scale_contracts.{_service(event)}", []).append(_event(event))
    lines = ["from contradance import subscriber", *(f"from {home} import {', '.join(names[home])}" for home in names)]
    body = []
    if keeps:
        lines.append(f"from functions.{_service(number)}.tables import Kept, kept")
        body.append('    kept.put(Kept(item_id=f"{event.item_id}", count=total))')
    values = "(item_id=event.item_id, reader=event.reader, count=total, happened_at=event.happened_at)"
    if published:
        body.append(f"    if total:\n        return {_event(published[0])}{values}")
        body.append(f"    return {_event(published[-1])}{values}")
    return _SUBSCRIBER.format(
        imports="".join(f"\n{line}" for line in lines) + "\n",
        uses="uses=[kept.write]" if keeps else "",
        name=_handler(number),
        consumed=_event(consumed),
        returned=" | ".join(map(_event, published)) or "None",
        body="\n".join([*body, ""]),
    )


def _registry(size: Size) -> str:
    """Return the registry's module."""
    lines = [f"from scale_contracts.{_service(one)} import {_event(one)}" for one in range(size.events)]
    names = ", ".join(_event(one) for one in range(size.events))
    return "\n".join(["from contradance import Registry", *lines, "", f'registry = Registry("scale", [{names}])', ""])


def _choreography(size: Size) -> str:
    """Return the choreography's module."""
    lines = [f"from functions.{service}.begin import begin as begin_{service}" for service in _SERVICES]
    lines += [
        f"from functions.{_service(one)}.{_handler(one)} import {_handler(one)}" for one in range(size.subscribers)
    ]
    names = [f"begin_{service}" for service in _SERVICES] + [_handler(one) for one in range(size.subscribers)]
    made = f'scale = Choreography("scale", contracts=registry, functions=[{", ".join(names)}])'
    return "\n".join(
        ["from contradance import Choreography", "from scale_contracts.registry import registry", *lines, "", made, ""]
    )
