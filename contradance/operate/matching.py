"""The subscribers that an event would reach, and for the others the field that does not match."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

from contradance.choreography import Choreography
from contradance.errors import DeclarationError
from contradance.foreign import ForeignEvent
from contradance.operate.foreign import read_foreign
from contradance.operate.publishing import event_named, seal_data
from contradance.pattern import Mismatch

_VERSION: Final = "detail.metadata.version"


class MatchResult(NamedTuple):
    """One subscriber's answer."""

    function: str
    mismatch: Mismatch | None
    """Why not; None where the event would be delivered."""


def verdicts(choreography: Choreography, versions: Sequence[Mapping[str, Any]]) -> list[MatchResult]:
    """Return, for every subscriber, its rule's mismatch with an event; None if it matches one of the versions.

    Args:
        choreography: has the rules.
        versions: the event in EventBridge's envelope, in every version that it is published as, the newest last.
    """
    return [
        MatchResult(one.function.name, _mismatch([one.subscription.pattern.explain(event) for event in versions]))
        for one in choreography.subscriptions
    ]


def _mismatch(found: Sequence[Mismatch | None]) -> Mismatch | None:
    """Return None if one version matches; else the newest's mismatch, if possible one not in the version field."""
    mismatches = [one for one in reversed(found) if one is not None]
    if len(mismatches) < len(found):
        return None
    return next((one for one in mismatches if one.path != _VERSION), mismatches[0])


def versions_of(choreography: Choreography, name: str, data: str) -> list[Mapping[str, Any]]:
    """Return the envelopes in which data would be published as an event, newest last; `ContractViolation` if wrong.

    Raises:
        DeclarationError: no event, or several, have the name.
        ContractViolation: the data breaks the event's class.
    """
    event = event_named(choreography, name)
    if issubclass(event, ForeignEvent):
        entry = read_foreign(choreography, event, data)
        detail = json.loads(entry["Detail"])
        return [{"source": entry["Source"], "detail-type": entry["DetailType"], "detail": detail}]
    return [
        {
            "source": one.identity.source,
            "detail-type": one.identity.detail_type,
            "detail": json.loads(one.detail),
        }
        for one in seal_data(event, data, datetime.now(UTC))
    ]


def parse_event(text: str) -> Mapping[str, Any]:
    """Return the event in JSON text; `DeclarationError` for text without source, detail-type or detail."""
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
