"""Why one event did or did not reach one subscriber, and the result."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Literal

from contradance.choreography import Choreography, Subscribed
from contradance.errors import DeclarationError
from contradance.foreign import UNVERSIONED
from contradance.identity import Identity
from contradance.operate.flow import Outstanding
from contradance.pattern import Mismatch
from contradance.runtime.journal_record import COMPLETED, JournalRecord

DeliveryStatus = Literal["done", "dead letter", "waiting", "not matched", "never delivered"]
"""The status of an event at a subscriber. `never delivered`: the rule matches the event now, but did not match it when
the event was published."""


@dataclass(frozen=True, slots=True)
class Why:
    """The status of one event at one subscriber, and its reasons."""

    event_id: str
    contract: str
    """Identity: `library.loans/BookLent v1`."""
    subscriber: str
    verdict: DeliveryStatus
    mismatch: Mismatch | None
    """The field that does not match; None when the rule matches."""
    attempts: tuple[JournalRecord, ...]
    due: datetime | None
    """When the next attempt is due; None when no attempt is pending."""

    @property
    def published(self) -> tuple[str, ...]:
        """The identities of the events that the subscriber published, each once."""
        return tuple(dict.fromkeys(event.contract for one in self.attempts for event in one.published))

    def as_json(self) -> dict[str, Any]:
        """Return the status as a dict of JSON values."""
        attempts = [one.model_dump(mode="json") for one in self.attempts]
        return {**asdict(self), "attempts": attempts, "due": self.due.isoformat() if self.due else None}


def _metadata(event: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the metadata in an event's detail, not validated; empty when it has none."""
    metadata = event["detail"].get("metadata") if isinstance(event["detail"], dict) else None
    return metadata if isinstance(metadata, dict) else {}


def why(
    choreography: Choreography,
    subscriber: str | None,
    envelope: str,
    records: Iterable[JournalRecord],
    outstanding: Iterable[Outstanding],
) -> list[Why]:
    """Return the status of an event at one subscriber, or at each; raise `DeclarationError` for an unknown one.

    Args:
        choreography: has the rules.
        subscriber: `service.handler`, or only `handler`; None for all subscribers.
        envelope: the event in EventBridge's envelope.
        records: the journal of its flow.
        outstanding: deliveries of its flow that are pending.
    """
    event: dict[str, Any] = json.loads(envelope)
    event_id, _ = choreography.event_ids(event)
    foreign = choreography.foreign_of(event["source"], event["detail-type"]) is not None
    version = None if foreign else _metadata(event).get("version")
    identity = Identity(event["source"], event["detail-type"], version if isinstance(version, int) else UNVERSIONED)
    tries: dict[str, list[JournalRecord]] = {}
    for record in records:
        if record.event_id == event_id:
            tries.setdefault(record.function, []).append(record)
    due = {one.function: one.due for one in outstanding if one.event_id == event_id}
    found = []
    for function, subscription in _subscribers(choreography, subscriber):
        mismatch = subscription.pattern.explain(event)
        attempts = tuple(tries.get(function.name, ()))
        verdict = _verdict(mismatch, attempts, due.get(function.name))
        found.append(Why(event_id, str(identity), function.name, verdict, mismatch, attempts, due.get(function.name)))
    return found


def _verdict(mismatch: Mismatch | None, attempts: Sequence[JournalRecord], due: datetime | None) -> DeliveryStatus:
    """Return the status by the attempts, else by `due`, else by the rule, which may not match the event any more."""
    if any(one.outcome in COMPLETED for one in attempts):
        return "done"
    if any(one.dead for one in attempts):
        return "dead letter"
    if due is not None or attempts:
        return "waiting"
    return "not matched" if mismatch else "never delivered"


def _subscribers(choreography: Choreography, wanted: str | None) -> Iterator[Subscribed]:
    """Yield the subscriptions of `service.handler` or `handler`, all for None; `DeclarationError` without any."""
    found = [
        one
        for one in choreography.subscriptions
        if wanted in (None, one.function.name, one.function.name.partition(".")[2])
    ]
    if not found:
        known = ", ".join(one.function.name for one in choreography.subscriptions)
        named = "" if wanted is None else f" {wanted!r}"
        raise DeclarationError(f"{choreography.name!r} has no subscriber{named}.\n  Subscribers: {known or 'none'}.")
    yield from found
