"""Dead letters and events as they may be shown: personal data, by their contracts, is masked."""

from collections.abc import Mapping
from typing import Any

from contradance.choreography import Choreography
from contradance.contentfilter import EventClass
from contradance.envelope import EVENTBRIDGE_FIELDS, SCHEDULE_FIELDS, Metadata
from contradance.foreign import ForeignEvent
from contradance.identity import Identity
from contradance.operate.dead_letter import DeadLetter
from contradance.pii import MASK, mask, mask_fields


def masked_event(choreography: Choreography, event: Mapping[str, Any]) -> dict[str, Any]:
    """Return an event or a schedule's input with personal data masked; all of its detail if its contract is unknown."""
    if "detail" in event:
        return {**mask_fields(event, EVENTBRIDGE_FIELDS), "detail": _masked_detail(choreography, event)}
    return mask_fields(event, SCHEDULE_FIELDS)


def _masked_detail(choreography: Choreography, event: Mapping[str, Any]) -> object:
    """Return an event's detail, masked by its class; only the mask when its class is unknown."""
    detail, model = event["detail"], class_of(choreography, event)
    if model is None:
        return MASK
    if issubclass(model, ForeignEvent):
        return mask(model, detail)
    return {"metadata": mask(Metadata, detail["metadata"]), "data": mask(model, detail.get("data"))}


def class_of(choreography: Choreography, event: Mapping[str, Any]) -> EventClass | None:
    """Return the class of an event of others, else the contract that the event's metadata names; None if unknown."""
    foreign = choreography.foreign_of(event.get("source"), event.get("detail-type"))
    if foreign is not None:
        return foreign
    detail = event.get("detail")
    metadata = detail.get("metadata") if isinstance(detail, Mapping) else None
    version = metadata.get("version") if isinstance(metadata, Mapping) else None
    if not isinstance(version, int):
        return None
    identity = Identity(str(event.get("source")), str(event.get("detail-type")), version)
    return choreography.contracts.by_identity.get(identity)


def letter_as_json(choreography: Choreography, letter: DeadLetter) -> dict[str, Any]:
    """Return a dead letter as JSON values, its event masked (None without one), its error text unchanged."""
    return {
        "subscriber": letter.subscriber,
        "reason": letter.reason,
        "error": letter.error,
        "attempts": letter.attempts,
        "first_seen": letter.first_seen.isoformat(),
        "last_seen": letter.last_seen.isoformat(),
        "message_id": letter.message.id,
        "event_id": letter.event_id,
        "event": None if letter.event is None else masked_event(choreography, letter.event),
    }
