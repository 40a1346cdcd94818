"""Publishing an event of others to the laptop, as its publisher would: without our envelope, on its own bus."""

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from pydantic import ValidationError

from contradance.choreography import Choreography
from contradance.contract import where_defined
from contradance.errors import ContractViolation, PublishFailed
from contradance.foreign import ForeignEvent
from contradance.violation import problems
from contradance.wire import read_tolerant

Put = Callable[..., Mapping[str, Any]]
"""Accepts `Entries`, as boto3's `put_events` does, also with a source of AWS."""
_ANY_SOURCE: Final = "laptop"
"""The end of a source where the class has `*`."""
_ENVELOPE: Final = ("source", "detail-type", "detail")


def foreign_named(choreography: Choreography, name: str) -> type[ForeignEvent] | None:
    """Return the event of others with this class name or detail-type; None if no function consumes one."""
    models = [model for one in choreography.foreign for model in one.models]
    return next((model for model in models if name in (model.__name__, model.identity.detail_type)), None)


def foreign_entry(
    choreography: Choreography,
    kind: type[ForeignEvent],
    detail: str,
    *,
    source: str | None = None,
    resources: Sequence[str] = (),
    time: datetime | None = None,
) -> dict[str, Any]:
    """Return the entry of an event of others for PutEvents, on its bus; without `source` with the class's own."""
    entry: dict[str, Any] = {
        "Source": source or kind.origin.source.replace("*", _ANY_SOURCE),
        "DetailType": kind.identity.detail_type,
        "Detail": detail,
        "EventBusName": kind.origin.bus or choreography.name,
        "Resources": [*resources],
    }
    return entry if time is None else {**entry, "Time": time.timestamp()}


def read_foreign(choreography: Choreography, kind: type[ForeignEvent], data: str) -> dict[str, Any]:
    """Return the entry for PutEvents of JSON text as an event of others; `ContractViolation` if it breaks the class.

    Args:
        choreography: consumes the event.
        kind: the class of the event.
        data: its detail; or the event in EventBridge's envelope, like the samples in AWS's documentation.

    Raises:
        ContractViolation: the data breaks the class.
    """
    detail, resources, source = _unwrapped(data)
    try:
        read_tolerant(kind, detail)
    except ValidationError as error:
        lines = [f"the data breaks {kind.identity} (class in {where_defined(kind)})"]
        lines += [f"  {path}: {message}" for path, message in problems(error, "detail")]
        lines.append(f"  See what it should look like: contradance events sample {kind.__name__}")
        raise ContractViolation("\n".join(lines)) from error
    fitting = source if kind.origin.has_source(source) else None
    return foreign_entry(choreography, kind, detail, source=fitting, resources=resources)


def publish_foreign(choreography: Choreography, kind: type[ForeignEvent], data: str, put: Put) -> str:
    """Publish JSON text as an event of others, return its id; raise `ContractViolation` or `PublishFailed`.

    Raises:
        ContractViolation: the data breaks the class.
        PublishFailed: the entry was not accepted.
    """
    return put_one(put, read_foreign(choreography, kind, data))


def put_one(put: Put, entry: Mapping[str, Any]) -> str:
    """Publish one entry and return the id of its event; raise `PublishFailed` when it is not accepted."""
    (result,) = put(Entries=[entry])["Entries"]
    if "EventId" not in result:
        raise PublishFailed(
            f"{entry['Source']}/{entry['DetailType']} was not published: {result.get('ErrorCode')}.\n"
            f"  {result.get('ErrorMessage')}"
        )
    return str(result["EventId"])


def _unwrapped(data: str) -> tuple[str, list[str], str | None]:
    """Return (detail, resources, source) of an event in EventBridge's envelope; (data, [], None) for other data."""
    try:
        event = json.loads(data)
    except (ValueError, RecursionError):
        event = None
    if not isinstance(event, dict) or any(name not in event for name in _ENVELOPE):
        return data, [], None
    resources = event.get("resources")
    return (
        json.dumps(event["detail"]),
        [str(one) for one in resources] if isinstance(resources, list) else [],
        str(event["source"]),
    )
