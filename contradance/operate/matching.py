"""The subscribers that an event would reach, and for the others the field that does not match."""

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from contradance.choreography import Choreography
from contradance.errors import DeclarationError
from contradance.operate.publishing import seal_data
from contradance.pattern import Mismatch


class MatchResult(NamedTuple):
    """One subscriber's answer."""

    function: str
    mismatch: Mismatch | None
    """Why not; None where the event would be delivered."""


def verdicts(choreography: Choreography, event: Mapping[str, Any]) -> list[MatchResult]:
    """Return, for every subscriber, whether an event in EventBridge's envelope matches its rule, or the mismatch."""
    return [
        MatchResult(one.function.name, one.subscription.pattern.explain(event)) for one in choreography.subscriptions
    ]


def event_of(choreography: Choreography, detail_type: str, data: str) -> Mapping[str, Any]:
    """Return the event that publishing JSON data would put on the bus; refuse data that breaks its contract."""
    sealed = seal_data(choreography, detail_type, data)[-1]
    source, name, _ = sealed.identity
    return {"source": source, "detail-type": name, "detail": json.loads(sealed.detail)}


def read_event(text: str) -> Mapping[str, Any]:
    """Return the event that JSON text holds; refuse text without source, detail-type or detail."""
    try:
        event = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise DeclarationError(f"the event is not JSON: {error}.") from error
    missing = [name for name in ("source", "detail-type", "detail") if not isinstance(event, dict) or name not in event]
    if missing:
        raise DeclarationError(
            f"the event has no {' and no '.join(missing)}.\n"
            '  Write it as EventBridge delivers it: {"source": ..., "detail-type": ..., "detail": {...}}.'
        )
    return dict(event)
