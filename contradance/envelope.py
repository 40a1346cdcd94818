"""The envelope of an event inside EventBridge's envelope: `detail = {"metadata": {...}, "data": {...}}`.

EventBridge gives a forwarded or replayed event a new id, so an event carries its own: `metadata.event_id`.
`seal` prepares an event for publishing; `unseal` reads a delivered one.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from itertools import pairwise
from typing import Annotated, Any, Final, NamedTuple, NotRequired, TypedDict, Unpack
from uuid import UUID, uuid4, uuid5

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import to_json

from contradance.annotation import type_name
from contradance.bounds import MAX_ID, MAX_SUBJECT
from contradance.contract import Contract, where_defined
from contradance.errors import ContractViolation, TooMuchWork
from contradance.identity import Identity
from contradance.proof import NotFaithful, proven
from contradance.violation import problems, violation

MAX_EVENT_BYTES: Final = 256 * 1024
"""Largest sealed event, in UTF-8 bytes. EventBridge accepts 1 MB; the rest is room for the record of a failure."""

EVENTBRIDGE_FIELDS: Final = frozenset(
    {*("version", "id", "detail-type", "source", "account", "time", "region", "resources"), "replay-name"}
)
"""Fields of EventBridge's envelope around the detail."""
SCHEDULE_FIELDS: Final = frozenset({"schedule", "scheduled_time"})
"""Fields of the input with which a schedule invokes its function."""

_DERIVED: Final = UUID("5b1f0f0e-3c0a-5e0c-9f53-0d1a8c6f7e21")
"""Namespace of event ids that are derived from the delivery that published them."""

_Id = Annotated[str, Field(min_length=1, max_length=MAX_ID)]


class Metadata(BaseModel):
    """Metadata of an event: identity, time, subject, and the ids that connect it to other events."""

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    event_id: _Id = Field(description="The event's own id; the same when it is republished or replayed.")
    version: int = Field(description="Version of the contract that `data` follows.", ge=1)
    occurred_at: AwareDatetime = Field(description="When it happened: RFC 3339, UTC.")
    subject: str = Field(max_length=MAX_SUBJECT, description="The business entity that the event is about.")
    correlation_id: _Id = Field(description="Copied along the whole chain of events.")
    causation_id: _Id | None = Field(default=None, description="The event_id of the event that caused this one.")
    publisher: str = Field(max_length=MAX_ID, description="The publishing function: service.function.")
    replay_of: str | None = Field(
        default=None, max_length=MAX_ID, description="The event_id that was replayed with --again, if any."
    )
    traceparent: str | None = Field(
        default=None, max_length=MAX_ID, description="W3C trace context, where there is one."
    )
    newer_version: int | None = Field(
        default=None, description="The next newer version that the same event was also published as, if any."
    )


class EventMetadataArgs(TypedDict):
    """Metadata that the caller of `seal_renderings` gives."""

    event_id: str
    occurred_at: datetime
    correlation_id: str
    publisher: str
    causation_id: NotRequired[str | None]
    replay_of: NotRequired[str | None]
    traceparent: NotRequired[str | None]


_read_metadata: Final = Metadata.__pydantic_validator__.validate_python
"""What `Metadata.model_validate` calls; every delivery comes through here."""


class SealedEvent(NamedTuple):
    """An event that is ready to publish: validated, with metadata, within the size limit."""

    event_id: str
    identity: Identity
    subject: str
    correlation_id: str
    detail: str
    """JSON text of `{"metadata": ..., "data": ...}`."""

    def __repr__(self) -> str:
        return f"SealedEvent({self.event_id}, {self.identity})"

    def entry(self, bus: str) -> dict[str, str]:
        """Return the PutEvents entry that publishes this event to `bus`."""
        return {
            "Source": self.identity.source,
            "DetailType": self.identity.detail_type,
            "Detail": self.detail,
            "EventBusName": bus,
        }


class Delivered(NamedTuple):
    """An EventBridge event that a function received: metadata parsed, data not yet validated."""

    identity: Identity
    """Of the contract that the event claims to follow."""
    metadata: Metadata
    data: Any
    replay_name: str | None
    """Name of the EventBridge replay that delivered it; None when it is live."""

    def __repr__(self) -> str:
        return f"Delivered({self.metadata.event_id}, {self.identity})"


def derived_id(*parts: object) -> str:
    """Return the id derived from `parts`: the same parts give the same id, on every attempt and every machine."""
    return str(uuid5(_DERIVED, "\x1f".join(map(str, parts))))


def seal(
    event: Contract,
    *,
    event_id: str,
    occurred_at: datetime,
    correlation_id: str,
    publisher: str,
    causation_id: str | None = None,
    replay_of: str | None = None,
    traceparent: str | None = None,
    newer_version: int | None = None,
) -> SealedEvent:
    """Wrap `event` and its metadata as JSON that reads back equal to it; `seal_renderings` also wraps earlier versions.

    Raises:
        ContractViolation: its JSON breaks the contract, or reads back as something else.
        TooMuchWork: the sealed event is larger than `MAX_EVENT_BYTES`, or its subject longer than `MAX_SUBJECT`.
    """
    contract = type(event)
    try:
        data = proven(event, published=True)
    except (ValidationError, NotFaithful) as error:
        raise violation(contract, error, event_id=event_id, publisher=publisher) from error
    subject = event.subject
    if len(subject) > MAX_SUBJECT:
        raise TooMuchWork(
            f"event {event_id} ({contract.identity}) has a subject of {len(subject):,} characters; the limit is "
            f"{MAX_SUBJECT:,}.\n  published by {publisher}\n  Name a field that identifies the entity: subject=."
        )
    metadata = {
        "event_id": event_id,
        "version": contract.identity.version,
        "occurred_at": occurred_at.astimezone(UTC),
        "subject": subject,
        "correlation_id": correlation_id,
        "causation_id": causation_id,
        "publisher": publisher,
        "replay_of": replay_of,
        "traceparent": traceparent,
        "newer_version": newer_version,
    }
    present = {name: value for name, value in metadata.items() if value is not None}
    detail = b'{"metadata":%b,"data":%b}' % (to_json(present), data)
    if len(detail) > MAX_EVENT_BYTES:
        raise TooMuchWork(
            f"event {event_id} ({contract.identity}) is {len(detail)} bytes; the limit is {MAX_EVENT_BYTES}.\n"
            f"  published by {publisher}\n  Store the large part and publish a reference to it."
        )
    return SealedEvent(event_id, contract.identity, subject, correlation_id, detail.decode())


def seal_renderings(event: Contract, **metadata: Unpack[EventMetadataArgs]) -> tuple[SealedEvent, ...]:
    """Seal `event` in every version that it is published as, oldest first: one event, under one event_id.

    Each version except the newest names the next newer one, so that a function that reads both gets only one of them.

    Raises:
        ContractViolation: `event` breaks its contract, or what its downcast returns breaks the earlier one.
        TooMuchWork: one of them is larger than `MAX_EVENT_BYTES`.
    """
    sealed = [seal(event, **metadata)]
    for newer, contract in pairwise(type(event).renderings()):
        event = _downcast(event, contract, metadata)
        sealed.append(seal(event, **metadata, newer_version=newer.identity.version))
    return tuple(reversed(sealed))


def seal_initial(
    event: Contract,
    *,
    publisher: str,
    occurred_at: datetime,
    event_id: str | None = None,
    correlation_id: str | None = None,
    traceparent: str | None = None,
) -> tuple[SealedEvent, ...]:
    """Seal an event that starts a flow, in every version that it is published as; ids are new unless given."""
    return seal_renderings(
        event,
        event_id=event_id or str(uuid4()),
        occurred_at=occurred_at,
        correlation_id=correlation_id or str(uuid4()),
        publisher=publisher,
        traceparent=traceparent,
    )


def _downcast(event: Contract, wanted: type[Contract], metadata: EventMetadataArgs) -> Contract:
    """Return the event in the version `wanted`; raise `ContractViolation` if the downcast fails or returns another."""
    try:
        older = event.downcast()
    except ValidationError as error:
        raise violation(wanted, error, event_id=metadata["event_id"], publisher=metadata["publisher"]) from error
    if type(older) is not wanted:
        raise ContractViolation(
            f"event {metadata['event_id']} is {event.identity}, whose downcast returned {type_name(type(older))}, not "
            f"{wanted.__name__}.\n  published by {metadata['publisher']}; contract in {where_defined(type(event))}\n"
            f"  Return {wanted.identity} from {type(event).__qualname__}.downcast."
        )
    return older


def unseal(event: Mapping[str, Any], consumer: str) -> Delivered:
    """Parse the metadata of a delivered event, and no data; raise `ContractViolation` if it is not in our envelope.

    Raises:
        ContractViolation: `detail` is not the envelope of this module.
    """
    detail = event.get("detail")
    source, detail_type = str(event.get("source")), str(event.get("detail-type"))
    try:
        metadata = _read_metadata(detail["metadata"] if isinstance(detail, dict) else None)
        data = detail["data"] if isinstance(detail, dict) else None
    except (ValidationError, KeyError) as error:
        found = problems(error, "metadata") if isinstance(error, ValidationError) else [("detail", f"has no {error}")]
        lines = [f"event {event.get('id')} from {source}/{detail_type} is not in contradance's envelope"]
        lines += [f"  {path}: {message}" for path, message in found]
        lines.append(f'  consumed by {consumer}\n  Publish it as {{"metadata": ..., "data": ...}}.')
        raise ContractViolation("\n".join(lines)) from error
    identity = Identity(source, detail_type, metadata.version)
    return Delivered(identity, metadata, data, event.get("replay-name"))


def cloudevent(event: Mapping[str, Any]) -> dict[str, Any]:
    """Return a delivered EventBridge event as a CloudEvents 1.0 event in JSON form; raise as `unseal` does."""
    delivered = unseal(event, "cloudevent")
    metadata, (source, detail_type, version) = delivered.metadata, delivered.identity
    attributes = {
        "specversion": "1.0",
        "id": metadata.event_id,
        "source": source,
        "type": detail_type,
        "subject": metadata.subject,
        "time": _rfc3339(metadata.occurred_at),
        "datacontenttype": "application/json",
        "dataschema": f"contract:{source}/{detail_type}/v{version}",
        "correlationid": metadata.correlation_id,
        "causationid": metadata.causation_id,
        "traceparent": metadata.traceparent,
        "data": delivered.data,
    }
    return {name: value for name, value in attributes.items() if value is not None}


def _rfc3339(moment: datetime) -> str:
    """Return a datetime as RFC 3339, in UTC: `2026-01-31T18:00:00Z`."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
