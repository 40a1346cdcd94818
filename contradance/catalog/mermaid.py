"""A Mermaid flowchart of a choreography: events are rounded, functions square, routes pointed; failures are dashed.

Events of others are rounded too, with a dotted outline and their source.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from contradance.catalog.paths import failure_path
from contradance.catalog.picture.diagram import event_title
from contradance.choreography import AnyFunction, Choreography, Relied
from contradance.contract import Contract
from contradance.function import Schedule
from contradance.httproute import Route

SERVICE_COLOURS: Final = ("#3b82f6", "#10b981", "#f59e0b", "#8b5cf6", "#ec4899", "#14b8a6", "#84cc16", "#6366f1")
"""Outline colours of the services, in their order; used again when there are more services."""
_RESERVED: Final = ("default", "event", "failure", "foreign")
"""Names of style classes that a service cannot have."""


def mermaid(choreography: Choreography) -> str:
    """Return the text of the flowchart: the events that functions publish or consume, and these functions."""
    return "\n".join(_lines(choreography)) + "\n"


def _lines(choreography: Choreography) -> Iterator[str]:
    """Yield the lines of the flowchart: functions, events, arrows and styles."""
    failing = failure_path(choreography)
    connected = choreography.connected
    functions = [function for function in choreography.functions.values() if function.name in connected]
    contracts = list(dict.fromkeys(edge.contract for edge in choreography.edges))
    foreign = {f"f_{one.identity}": one for one in choreography.foreign}
    ids = _ids([*(function.name for function in functions), *map(_event_key, contracts), *foreign], ())
    classes = _ids(choreography.services, _RESERVED)
    yield "flowchart LR"
    for function in functions:
        yield f"  {ids[function.name]}{_function_shape(function)}:::{classes[function.service]}"
    for contract in contracts:
        style = "failure" if contract in failing.contracts else "event"
        yield f"  {ids[_event_key(contract)]}([{event_title(contract.identity)}]):::{style}"
    for name, one in foreign.items():
        yield from _foreign_lines(ids[name], one, ids)
    for kind, name, contract in dict.fromkeys(choreography.edges):
        dashed = contract in failing.contracts
        ends = (ids[name], ids[_event_key(contract)])
        tail, head = ends if kind == "publishes" else ends[::-1]
        yield f"  {tail} {'-.->' if dashed else '-->'} {head}"
    yield "  classDef event fill:#64748b,stroke:#64748b,color:#fff"
    if foreign:
        yield "  classDef foreign fill:none,stroke:#64748b,stroke-dasharray:2 2"
    yield "  classDef failure fill:#b91c1c,stroke:#b91c1c,color:#fff"
    for position, service in enumerate(choreography.services):
        colour = SERVICE_COLOURS[position % len(SERVICE_COLOURS)]
        yield f"  classDef {classes[service]} fill:none,stroke:{colour},stroke-width:2px"


def _foreign_lines(own: str, one: Relied, ids: Mapping[str, str]) -> Iterator[str]:
    """Yield the lines of an event of others, whose id is `own`, and of the arrows to its consumers."""
    yield f'  {own}(["{_escape_text(one.identity.detail_type)}<br/><i>{_escape_text(one.identity.source)}</i>"]):::foreign'
    for consumer in one.consumers:
        yield f"  {own} --> {ids[consumer]}"


def _ids(names: Iterable[str], reserved: Iterable[str]) -> dict[str, str]:
    """Return an id for each name, in Mermaid's alphabet; equal ids get a number."""
    ids: dict[str, str] = {}
    used = {*reserved}
    for name in names:
        wanted = found = re.sub(r"\W", "_", name, flags=re.ASCII)
        number = 1
        while found in used:
            number += 1
            found = f"{wanted}_{number}"
        used.add(found)
        ids[name] = found
    return ids


def _event_key(contract: type[Contract]) -> str:
    """Return the text that names an event among all nodes: `e_library.loans_BookLent_v1`."""
    source, detail_type, version = contract.identity
    return f"e_{source}_{detail_type}_v{version}"


def _escape_text(text: str) -> str:
    """Return text with every character as a code, such as `#34;`, except letters, digits, spaces and `-_./`."""
    return "".join(one if one.isalnum() or one in " -_./" else f"#{ord(one)};" for one in text)


def _function_shape(function: AnyFunction) -> str:
    """Return the shape and text of a function: pointed with its route or timetable, or square."""
    label = f"{function.name.partition('.')[2]}<br/><i>{function.service}</i>"
    match function.trigger:
        case Route(method=method, path=path):
            return f'>"{method} {path}<br/>{label}"]'
        case Schedule(timetable=timetable):
            return f'>"{timetable.label}<br/>{label}"]'
        case _:
            return f'["{label}"]'
