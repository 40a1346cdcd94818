"""A received event, with or without our envelope: its identity, ids and place, before its data is validated."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

from contradance.bounds import MAX_ID
from contradance.contract import where_defined
from contradance.envelope import Delivered, Metadata, unseal
from contradance.errors import ContractViolation
from contradance.foreign import ForeignEvent, id_at, once_id
from contradance.printable import encodable
from contradance.subscription import Subscription


class Place(NamedTuple):
    """The fields of EventBridge's envelope that `Delivery` has."""

    account: str
    region: str
    resources: tuple[str, ...]
    time: datetime | None
    """None where the envelope has none that is valid."""


def received(function: str, subscription: Subscription, event: Mapping[str, Any]) -> Delivered:
    """Parse an event's metadata, of others from envelope and fields; raise `ContractViolation` if it has none.

    Raises:
        ContractViolation: it is neither an event of others that the function consumes nor in our envelope.
    """
    kind = subscription.foreign_of(event.get("source"), event.get("detail-type"))
    return unseal(event, function) if kind is None else _foreign(kind, event, function)


def once_of(subscription: Subscription, delivered: Delivered, event: Mapping[str, Any]) -> str:
    """Return the event id for a delivery's once-key; raise `ContractViolation` if a field of `once_by=` is missing.

    Raises:
        ContractViolation: a field that identifies an event of others is missing or null.
    """
    kind = subscription.foreign_of(event.get("source"), event.get("detail-type"))
    if kind is None:
        return delivered.metadata.event_id
    found, missing = once_id(kind, event)
    if missing:
        fields = "".join(f"\n  detail.{name}: Field required, because once_by= names it" for name in missing)
        raise ContractViolation(
            f"event {event.get('id')} breaks {kind.identity}{fields}\n"
            f"  published by {event.get('source')}; class in {where_defined(kind)}\n"
            "  Name fields in once_by= that every event has."
        )
    return found


def place_of(event: Mapping[str, Any]) -> Place:
    """Return account, region, resources and time from EventBridge's envelope; empty, or None, when missing."""
    resources = event.get("resources")
    return Place(
        str(event.get("account") or ""),
        str(event.get("region") or ""),
        tuple(map(str, resources)) if isinstance(resources, list) else (),
        _time(event.get("time")),
    )


def _time(text: object) -> datetime | None:
    """Return a time in ISO 8601 as UTC, which it also is without an offset; None for any other value."""
    try:
        found = datetime.fromisoformat(str(text))
        return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except (ValueError, OverflowError):  # the year 1 or 9999, with an offset
        return None


def _foreign(kind: type[ForeignEvent], event: Mapping[str, Any], function: str) -> Delivered:
    """Return an event of others with ids from its envelope or fields; `ContractViolation` if not in an envelope."""
    if not _is_id(event.get("id")) or not isinstance(event.get("detail"), dict):
        raise ContractViolation(
            f"event {event.get('id')} from {kind.identity} is not in EventBridge's envelope\n"
            f"  consumed by {function}; class in {where_defined(kind)}\n  Deliver it by a rule."
        )
    metadata = Metadata.model_construct(
        event_id=event["id"],
        version=kind.identity.version,
        occurred_at=place_of(event).time,
        subject=id_at(event, kind.origin.subject),
        correlation_id=id_at(event, kind.origin.correlation),
        publisher=str(event.get("source")),
    )
    return Delivered(kind.identity, metadata, event["detail"], event.get("replay-name"))


def _is_id(given: object) -> bool:
    """Whether the id of an event of others can be in the key of its once-record."""
    return isinstance(given, str) and 0 < len(given) <= MAX_ID and encodable(given) == given
